"""Successive halving: all candidates on few questions, the best of them on more, and so on to all questions.

Jamieson and Talwalkar 2016 (arXiv 1502.07943). Knows nothing about what is measured.
"""

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

Candidate = TypeVar("Candidate")

KEPT = 3
"""One of so many goes on to the next round, which has so many times the questions."""
FEWEST = 8
"""Questions of the first round."""


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
    score: Callable[[Candidate], float],
    *,
    always: Candidate | None = None,
    enough: Callable[[], bool] = lambda: False,
) -> list[Candidate]:
    """Run the rounds.

    Args:
        questions: how many there are.
        measure: measures a candidate on the first so many questions, some of which it may have measured already.
        score: what a candidate has reached in the last round; higher is better.
        always: a candidate that no round drops, if any.
        enough: whether time is up.

    Returns:
        The candidates of the last round that all of them finished, best first; those measured, where the first
        round was cut.
    """
    left, finished = list(candidates), list[Candidate]()
    for number, (size, most) in enumerate(rounds(questions, len(candidates))):
        if number:
            kept = finished[:most]
            left = kept if always is None or always in kept else [*kept, always]
        done: list[Candidate] = []
        for one in left:
            if done and enough():
                return finished or sorted(done, key=score, reverse=True)
            measure(one, size)
            done.append(one)
        finished = sorted(done, key=score, reverse=True)
    return finished
