"""Intervals of means and ratios over questions that are not independent: whole groups are resampled.

Questions on near-duplicate documents stand or fall together, so the statistic is a ratio of sums over the groups
drawn. Knows nothing about metrics.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

RESAMPLES = 9999
MIN_GROUPS = 6
"""Below this no interval is given: with five groups even a unanimous change has a sign test p of 0.06."""

Method = Literal["BCa bootstrap", "percentile bootstrap", "exact bound", "rule of three", "none"]


@dataclass(frozen=True)
class Interval:
    """Bounds of a ratio of sums; both are None where an interval would only pretend to know."""

    low: float | None
    high: float | None
    groups: int
    method: Method
    note: str
    """In words, what a reader must know about it; empty in the normal case."""


def ratio_interval(
    values: Sequence[float] | np.ndarray,
    weights: Sequence[float] | np.ndarray,
    groups: Sequence[str],
    *,
    bounds: tuple[float, float],
    confidence: float = 0.95,
) -> Interval:
    """The interval of sum(values) / sum(weights); with weights of 1, of the mean.

    Args:
        values, weights: one per question, in the same order; weights above 0.
        groups: the cluster of each question.
        bounds: between which the ratio of any question lies.
    """
    _, member = np.unique(np.asarray(groups), return_inverse=True)
    sums = np.bincount(member, weights=np.asarray(values, dtype=float))  # (groups,)
    counts = np.bincount(member, weights=np.asarray(weights, dtype=float))  # (groups,)
    low, high, method, note = _interval(sums, counts, bounds, confidence)
    return Interval(low, high, len(sums), method, note)


def unchanged_interval(groups: int, confidence: float) -> Interval:
    """The interval of a mean difference in [-1, 1] where nothing differs at all."""
    # Resampling zeros gives zero, which claims to know of questions that nobody asked. If a share
    # q of all groups differed, none of these would with a probability of (1 - q) ** groups: the q at
    # which that is as low as 5 % is the rule of three, about 3 / groups (Hanley and Lippman-Hand
    # 1983). It bounds the mean both ways, since a differing group changes it by 1 at most, and it
    # is one bound, so nothing is halved.
    share = float(1 - (1 - confidence) ** (1 / groups))
    note = f"the same on every question; that leaves room for up to {share:.0%} of other groups to differ"
    return Interval(-share, share, groups, "rule of three", note)


def too_few(groups: int) -> str:
    """Why there is no interval, in words."""
    what = "1 independent group" if groups == 1 else f"{groups} independent groups"
    return (
        f"only {what} of questions (those about the same or nearly the same documents are one group): "
        "too few for an interval, so chance cannot be ruled out"
    )


def _interval(
    sums: np.ndarray, counts: np.ndarray, bounds: tuple[float, float], confidence: float
) -> tuple[float | None, float | None, Method, str]:
    groups = len(sums)
    if groups < MIN_GROUPS:
        return None, None, "none", too_few(groups)
    means = sums / counts
    if np.ptp(means) < 1e-12:
        # Resampling equal values gives an interval of no width, which claims certainty. What can
        # be said (Clopper and Pearson 1934): if a share q of all groups were like these, q would
        # have to be at least this for all of them to come out alike; the rest may be anything.
        share = ((1 - confidence) / 2) ** (1 / groups)
        low, high = (share * means[0] + (1 - share) * bound for bound in bounds)
        note = "every group of questions has the same value: the interval is an exact bound"
        return max(bounds[0], float(low)), min(bounds[1], float(high)), "exact bound", note
    low, high = _bootstrap(sums, counts, confidence, "BCa")
    if np.isfinite([low, high]).all():
        return low, high, "BCa bootstrap", ""
    low, high = _bootstrap(sums, counts, confidence, "percentile")
    return low, high, "percentile bootstrap", "BCa is not defined for these values; plain percentiles are given"


def _bootstrap(sums: np.ndarray, counts: np.ndarray, confidence: float, method: str) -> tuple[float, float]:
    from scipy.stats import DegenerateDataWarning, bootstrap

    def ratio(total: np.ndarray, count: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.asarray(total.sum(axis=axis) / count.sum(axis=axis))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DegenerateDataWarning)
        found = bootstrap(
            (sums, counts),
            ratio,
            paired=True,
            vectorized=True,
            n_resamples=RESAMPLES,
            batch=max(1, 2_000_000 // len(sums)),
            confidence_level=confidence,
            method=method,
            rng=np.random.default_rng(0),
        ).confidence_interval
    return float(found.low), float(found.high)
