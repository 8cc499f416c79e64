"""Waiting for pieces on the event loop."""

import asyncio
import threading

import pytest

from retrieval.errors import LockstepError
from service.http.arriving import arriving, blocking
from training.generator.handle import GenerationHandle


class Detokenizer:
    def push(self, tokens) -> str:
        return "".join(map(str, tokens))

    def finish(self) -> str:
        return ""


def handle() -> GenerationHandle:
    return GenerationHandle("g", 1, None, None, Detokenizer())


def test_pieces_come_from_another_thread_without_a_thread_that_waits():
    generation = handle()

    async def read() -> list[str]:
        pieces = arriving(generation)
        generation._take([1])
        found = [await anext(pieces)]
        waiting = asyncio.create_task(anext(pieces))
        await asyncio.sleep(0.01)
        threads = threading.active_count()
        other = threading.Thread(target=lambda: (generation._take([1, 2]), generation._end("stop")))
        other.start()
        found.append(await asyncio.wait_for(waiting, 10))
        other.join()
        assert threading.active_count() <= threads
        return [*found, *[piece async for piece in pieces]]

    before = threading.active_count()
    assert asyncio.run(read()) == ["1", "2"]
    assert threading.active_count() <= before, "of other tests' threads some may have ended meanwhile"
    assert generation.arrived() is None, "a second look ends at once, too"


def test_what_the_engine_died_of_comes_after_what_it_said():
    generation = handle()
    generation._take([7])
    generation._end("error", LockstepError("the engine died"))

    async def read() -> list[str]:
        pieces = arriving(generation)
        found = [await anext(pieces)]
        with pytest.raises(LockstepError, match="the engine died"):
            await anext(pieces)
        return found

    assert asyncio.run(read()) == ["7"]


def test_a_failure_while_reading_from_elsewhere_is_raised():
    def pieces():
        yield "a"
        raise LockstepError("away")

    async def read() -> list[str]:
        arrived = arriving(pieces())
        found = [await anext(arrived)]
        with pytest.raises(LockstepError, match="away"):
            await anext(arrived)
        return found

    assert asyncio.run(read()) == ["a"]


def test_a_result_that_nobody_waits_for_any_more_is_undone():
    let, undone = threading.Event(), threading.Event()

    async def leave() -> None:
        waiting = asyncio.create_task(blocking(lambda: let.wait(30), lambda result: undone.set()))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        let.set()

    asyncio.run(leave())
    assert undone.wait(30)
