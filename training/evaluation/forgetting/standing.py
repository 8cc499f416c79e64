"""Whether general questions show that a generator has forgotten, by how likely right answers still are to it.

The log-likelihood counts, not the answers: a small model answers few of some forty questions, so their share hardly
moves while what it knows does, and every token of a right answer says something. It is a check for inferiority by more
than a margin. That forgetting is not ruled out is no ground to refuse: with so few questions a harmless training
would often fail to rule it out.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import exp, log
from typing import Any

from training.evaluation.bootstrap import ratio_interval
from training.evaluation.forgetting.measuring import GeneralRow
from training.evaluation.noninferiority import Standing

TIMES = 1.5
"""By which the perplexity of right answers may rise."""
_FURTHEST = 50.0
"""Nats per token that no two models differ by."""


@dataclass(frozen=True)
class Change:
    """A mean before and after, and the paired difference with its 95 % interval, None with too few questions."""

    before: float
    after: float
    difference: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Forgetting:
    """What general questions say of a tuned generator."""

    n: int
    log_likelihood: Change
    """Of right answers, nats per token."""
    score: Change
    """The answer score."""
    margin: float
    """Nats per token by which the log-likelihood may fall."""
    standing: Standing
    """*inferior*: it has forgotten, by more than the margin with the whole interval."""

    @property
    def times(self) -> float:
        """How many times as perplexing right answers became."""
        return exp(-self.log_likelihood.difference)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {**asdict(self), "times": self.times}

    def in_words(self) -> str | None:
        """A sentence with its numbers, where forgetting is proven or cannot be ruled out; else None."""
        found, score = self.log_likelihood, self.score
        if self.standing == "shown":
            return None
        if found.low is None or found.high is None:
            interval = "no interval with so few"
        else:
            interval = f"95 % interval {exp(-found.high):.2f} to {exp(-found.low):.2f}"
        figures = (
            f"right answers became {self.times:.2f} times as perplexing to the tuned generator ({interval}, "
            f"n = {self.n}; answer score {score.before:.2f} before, {score.after:.2f} after)"
        )
        if self.standing == "inferior":
            return (
                f"The tuned generator has forgotten: on general questions without documents {figures}, more than the "
                f"{TIMES:g} times that are allowed. A lower learning rate, fewer epochs or a smaller rank under "
                "[training.generator] forget less."
            )
        return f"Not ruled out that the generator has forgotten: on general questions without documents {figures}."


def forgetting(rows: Sequence[GeneralRow]) -> Forgetting:
    """The comparison of all questions.

    Raises:
        ValueError: there is no row.
    """
    if not rows:
        raise ValueError("found no general question, expected at least one")
    likelihood = _change(
        [row.before.log_likelihood for row in rows], [row.after.log_likelihood for row in rows], _FURTHEST
    )
    margin = log(TIMES)
    standing: Standing = "not shown"
    if likelihood.low is not None and likelihood.high is not None:
        standing = "inferior" if likelihood.high < -margin else "shown" if likelihood.low >= -margin else "not shown"
    score = _change([row.before.score for row in rows], [row.after.score for row in rows], 1.0)
    return Forgetting(len(rows), likelihood, score, margin, standing)


def _change(before: Sequence[float], after: Sequence[float], furthest: float) -> Change:
    differences = [b - a for a, b in zip(before, after, strict=True)]
    n = len(differences)
    mean = sum(differences) / n
    if not any(differences):  # the weights hardly changed: nothing is forgotten
        return Change(sum(before) / n, sum(after) / n, 0.0, 0.0, 0.0)
    found = ratio_interval(differences, [1.0] * n, [str(i) for i in range(n)], bounds=(-furthest, furthest))
    return Change(sum(before) / n, sum(after) / n, mean, found.low, found.high)
