"""A generation's pieces on the event loop, as they come.

A generator in this process tells when there is something new, so that waiting takes no thread. Reading from
another server blocks: each such answer has one of a fixed number of threads, to its end.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Protocol, TypeVar, runtime_checkable

THREADS = 32
"""Answers of another server that are read at a time; further ones wait their turn."""
_blocking = ThreadPoolExecutor(THREADS, "lockstep-remote")
_END = object()

T = TypeVar("T")


@runtime_checkable
class Tells(Protocol):
    """A generation that tells when there is something new."""

    def listen(self, tell: Callable[[], None]) -> None:
        """Have ``tell`` called, by whichever thread, each time that something has come."""

    def arrived(self) -> list[str] | None:
        """The pieces that have come since the last look; None at the end."""


async def arriving(handle: Tells | Iterable[str]) -> AsyncIterator[str]:
    """The pieces of a generation until its end.

    Raises:
        LockstepError: the generation failed.
    """
    pieces = _told(handle) if isinstance(handle, Tells) else _read(handle)
    async for piece in pieces:
        yield piece


async def blocking(function: Callable[[], T], undo: Callable[[T], Any]) -> T:
    """Call what may block for long in a thread of its own; ``undo`` takes a result that nobody waits for any more."""
    future = _blocking.submit(function)

    def abandoned(done: Future[T]) -> None:
        if not done.cancelled() and done.exception() is None:
            undo(done.result())

    try:
        return await asyncio.wrap_future(future)
    except asyncio.CancelledError:
        future.add_done_callback(abandoned)
        raise


async def _told(handle: Tells) -> AsyncIterator[str]:
    loop, news = asyncio.get_running_loop(), asyncio.Event()

    def tell() -> None:
        with suppress(RuntimeError):  # the loop has ended, and nobody reads
            loop.call_soon_threadsafe(news.set)

    handle.listen(tell)
    while True:
        news.clear()
        pieces = handle.arrived()
        if pieces is None:
            return
        for piece in pieces:
            yield piece
        if not pieces:
            await news.wait()


async def _read(handle: Iterable[str]) -> AsyncIterator[str]:
    loop, arrived = asyncio.get_running_loop(), asyncio.Queue[Any]()

    def put(one: Any) -> None:
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(arrived.put_nowait, one)

    def read() -> None:
        try:
            for piece in handle:
                put(piece)
            put(_END)
        except BaseException as error:
            put(error)

    reading = _blocking.submit(read)
    try:
        while (one := await arrived.get()) is not _END:
            if isinstance(one, BaseException):
                raise one
            yield one
    finally:
        reading.cancel()  # where it has not begun; else cancelling the handle ends it
