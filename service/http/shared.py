"""What routes have in common: the live release, and who may wait for it."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

import anyio
from anyio import CapacityLimiter, to_thread
from fastapi import Request

from service.admission import Admission
from service.live import Live

SEARCH_THREADS = 4
"""Searches and embeddings computed at a time; more would only take the processors from each other."""
T = TypeVar("T")


@dataclass(frozen=True)
class Rooms:
    """Who may wait for what."""

    answers: Admission
    reading: Admission
    """Embeddings and searches."""
    searching: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(SEARCH_THREADS))


def live_of(request: Request) -> Live:
    """The application's live release."""
    live: Live = request.app.state.live
    return live


def rooms_of(request: Request) -> Rooms:
    """The application's bounds."""
    rooms: Rooms = request.app.state.rooms
    return rooms


class Gone(Exception):
    """The client went away before its answer was there."""


async def while_there(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of some work, which is cancelled when the client goes away.

    Raises:
        Gone: it did.
    """
    result: list[T] = []
    failed: list[Exception] = []
    async with anyio.create_task_group() as group:

        async def watch() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                pass
            group.cancel_scope.cancel()

        group.start_soon(watch)
        try:
            result.append(await work)
        except Exception as error:  # as it is, not in a group of exceptions
            failed.append(error)
        group.cancel_scope.cancel()
    if failed:
        raise failed[0]
    if not result:
        raise Gone
    return result[0]


async def read(request: Request, compute: Callable[[], T]) -> T:
    """What a search or an embedder computes, in a thread, unless too many wait for that.

    Raises:
        Overloaded: they do.
        Gone: the client went away.
    """
    rooms = rooms_of(request)
    entry = rooms.reading.enter()
    try:
        found = await while_there(request, to_thread.run_sync(compute, limiter=rooms.searching))
        entry.leave(done=True)
        return found
    finally:
        entry.leave()
