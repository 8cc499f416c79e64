"""Seconds per answer, asked one at a time as a user does.

Evaluating gives no honest time: answers come out of batches, beside the scoring of references, or out of memory. So a
few questions are asked once more, of both systems in turn: what slows the machine meanwhile slows both.
"""

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, Protocol

QUESTIONS = 8


class Answers(Protocol):
    """What is timed; :class:`training.answering.answerer.Answerer` with a generator that remembers nothing."""

    def answer(self, question: str) -> Any:
        """Search, generate and conclude."""


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
