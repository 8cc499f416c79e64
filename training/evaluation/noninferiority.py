"""Metrics that are not what a verdict is about, and must not get worse for it by more than a margin.

That a difference is not significant is no proof that there is none; non-inferiority asks whether the interval leaves
out everything worse than the margin (Piaggio et al. 2012, the CONSORT extension).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from training.evaluation.comparison import LOWER_IS_BETTER, Comparison

MARGIN = 0.05
SECONDARY = ("recall@10", "correct", "skipped", "hallucinated")
"""What a user would miss. Overlap with the reference (token F1, ROUGE-L) is none of it: a right answer in other or more
words is no loss, and the answer score has judged it."""

Standing = Literal["shown", "not shown", "inferior"]


@dataclass(frozen=True)
class Guarded:
    """A secondary metric, and what its interval says of the margin."""

    metric: str
    label: str
    margin: float
    standing: Standing
    """*shown*: no worse by more than the margin; *inferior*: worse by more, wholly; *not shown*: neither."""
    worst: float | None
    """How much worse it may be at most, by the 95 % interval; below zero where it is better in any case. None without
    an interval."""
    same: bool
    """No question differs."""


def guard(comparisons: Sequence[Comparison], margin: float = MARGIN) -> list[Guarded]:
    """The secondary metrics among comparisons of a baseline with a candidate, each with its standing."""
    by_metric = {comparison.metric: comparison for comparison in comparisons}
    return [_guarded(by_metric[metric], margin) for metric in SECONDARY if metric in by_metric]


def _guarded(comparison: Comparison, margin: float) -> Guarded:
    standing: Standing = "not shown"
    worst = None
    if comparison.low is not None and comparison.high is not None:
        lower = comparison.metric in LOWER_IS_BETTER
        least, worst = (comparison.low, comparison.high) if lower else (-comparison.high, -comparison.low)
        standing = "inferior" if least > margin else "shown" if worst <= margin + 1e-9 else "not shown"
    return Guarded(comparison.metric, comparison.label, margin, standing, worst, comparison.same)
