"""Seconds per answer, asked one at a time as a user does.

Evaluating gives no honest time: answers come out of batches, beside the scoring of references, or out of memory. So a
few questions are asked once more, of both systems in turn: what slows the machine meanwhile slows both.
"""

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, Protocol

from retrieval.search import Searcher

QUESTIONS = 8


class Answers(Protocol):
    """What is timed; :class:`training.answering.answerer.Answerer` with a generator that remembers nothing."""

    def answer(self, question: str) -> Any:
        """Search, generate and conclude."""


class Searching:
    """A search alone, to be timed as answers are."""

    def __init__(self, searcher: Searcher) -> None:
        self._searcher = searcher

    def answer(self, question: str) -> Any:
        """Search."""
        return self._searcher.search(question)


def reranking(searcher: Searcher, questions: Sequence[str]) -> dict[str, Any] | None:
    """The milliseconds that a question's search takes with and without the reranker; None without one or questions.

    Returns:
        ``n``, ``candidates`` (how many the reranker reads), and ``with`` and ``without``, medians.
    """
    if searcher.rerank is None:
        return None
    found = latency(Searching(searcher.reranking(None)), Searching(searcher), questions)
    return found and {
        "n": found["n"],
        "candidates": searcher.settings.reranked or searcher.settings.candidates,
        "without": 1000 * found["baseline"],
        "with": 1000 * found["candidate"],
    }


def latency(
    baseline: Answers,
    candidate: Answers,
    questions: Sequence[str],
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Any] | None:
    """The seconds that both take for the same questions; None where there is no question.

    The first question is asked once before, untimed: loading and compiling belong to no answer. Who goes first
    changes from question to question.

    Returns:
        ``n``; ``baseline`` and ``candidate``, each median seconds; ``times``, the median over the questions of
        candidate by baseline.
    """
    if not questions:
        return None
    systems = {"baseline": baseline, "candidate": candidate}
    for system in systems.values():
        system.answer(questions[0])
    seconds: dict[str, list[float]] = {name: [] for name in systems}
    for place, question in enumerate(questions):
        for name in list(systems) if place % 2 == 0 else list(systems)[::-1]:
            began = clock()
            systems[name].answer(question)
            seconds[name].append(clock() - began)
    pairs = zip(seconds["candidate"], seconds["baseline"], strict=True)
    times = [after / before for after, before in pairs if before > 0]
    medians = {name: median(taken) for name, taken in seconds.items()}
    return {"n": len(questions), **medians, "times": median(times) if times else None}
