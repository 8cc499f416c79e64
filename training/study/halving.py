"""Successive halving within a time: all candidates on few questions, the best of them on more, and so on to all.

Jamieson and Talwalkar 2016 (arXiv 1502.07943). A round asks its candidates a few questions more, all of them the same,
until it has all of its questions or its share of the time is over: a slow model is asked fewer, and nothing is left out
for standing late in the list. Knows nothing about what is measured.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Candidate = TypeVar("Candidate")

KEPT = 3
"""One of so many goes on to the next round, which has so many times the questions."""
FEWEST = 8
"""Questions of the first round, where there is time."""
STEP = 5
"""Questions that all candidates are asked before the clock is looked at again; later half as many again as before."""


@dataclass(frozen=True)
class Halved(Generic[Candidate]):
    """What the rounds came to."""

    best: list[Candidate]
    """The candidates of the last round, best first; those measured, where time was over before all had their turn."""
    questions: int
    """That each of them was measured on."""
    complete: bool
    """Whether every round had all of its questions."""


def rounds(questions: int, candidates: int) -> list[tuple[int, int]]:
    """Questions and candidates of each round; the last one has all questions.

    >>> rounds(90, 36)
    [(10, 36), (30, 12), (90, 4)]
    """
    sizes = [questions]
    while len(sizes) < 1 + math.ceil(math.log(max(candidates, 1), KEPT)) and sizes[0] / KEPT >= FEWEST:
        sizes.insert(0, math.ceil(sizes[0] / KEPT))
    return [(size, max(1, math.ceil(candidates / KEPT**number))) for number, size in enumerate(sizes)]


def halve(
    candidates: Sequence[Candidate],
    questions: int,
    measure: Callable[[Candidate, int], None],
    score: Callable[[Candidate], Any],
    *,
    always: Candidate | None = None,
    seconds: float = math.inf,
    clock: Callable[[], float] = time.monotonic,
) -> Halved[Candidate]:
    """Run the rounds.

    Args:
        questions: how many there are.
        measure: measures a candidate on the first so many questions, some of which it may have measured already.
        score: what a candidate has reached so far, a number or a tuple of them; higher is better.
        always: a candidate that no round drops, if any.
        seconds: for all of it. At least one candidate is measured.
    """
    ends, spent = clock() + seconds, dict.fromkeys(candidates, 0.0)
    left, asked, complete = list(candidates), 0, True
    plan = rounds(questions, len(candidates))
    for number, (size, most) in enumerate(plan):
        if number:
            kept = left[:most]
            left = kept if always is None or always in kept else [*kept, always]
        started = clock()
        until = started + (ends - started) / (len(plan) - number)
        for upto in _steps(asked, size):
            expected = sum(spent[one] for one in left) / asked * (upto - asked) if asked else 0.0
            if asked and clock() + expected > until:
                complete = False
                break
            for place, one in enumerate(left):
                before = clock()
                if place and not asked and before > ends:
                    return Halved(sorted(left[:place], key=score, reverse=True), upto, False)
                measure(one, upto)
                spent[one] += clock() - before
            asked = upto
        left = sorted(left, key=score, reverse=True)
    return Halved(left, asked, complete)


def _steps(asked: int, size: int) -> Iterator[int]:
    """After how many questions the clock is looked at, up to all of a round.

    >>> list(_steps(0, 38))
    [5, 10, 15, 22, 33, 38]
    """
    while asked < size:
        asked = min(size, asked + max(STEP, asked // 2))
        yield asked
