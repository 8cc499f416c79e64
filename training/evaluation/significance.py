"""p values of paired comparisons, and their correction for several metrics. Knows nothing about what is compared."""

from collections.abc import Mapping, Sequence

import numpy as np

RESAMPLES = 9999


def randomization(sums: np.ndarray) -> float:
    """Two-sided p that differences as large come about by chance alone.

    The paired randomisation test (Fisher 1935; for retrieval Smucker, Allan and Carterette, CIKM 2007): if the
    systems do not differ, each group's difference is as likely to have the other sign. All signs are tried where
    there are few groups, else :data:`RESAMPLES` drawn ones.

    Args:
        sums: of the differences in each group, ``(groups,)``; groups without any say nothing.
    """
    changed = sums[np.abs(sums) > 1e-12]
    if not len(changed):
        return 1.0
    if 2 ** len(changed) <= RESAMPLES:
        bits = (np.arange(2 ** len(changed))[:, None] >> np.arange(len(changed))) & 1  # (2 ** groups, groups)
        totals = np.abs((2.0 * bits - 1) @ changed)
        return float(np.mean(totals >= abs(changed.sum()) - 1e-9))
    rng = np.random.default_rng(0)
    signs = rng.integers(0, 2, size=(RESAMPLES, len(changed)), dtype=np.int8) * 2 - 1
    totals = np.abs(signs @ changed)
    return float((1 + np.sum(totals >= abs(changed.sum()) - 1e-9)) / (1 + RESAMPLES))


def holm(values: Mapping[str, float]) -> dict[str, float]:
    """p values of several metrics, so that one below a level is one for the whole family (Holm 1979)."""
    adjusted: dict[str, float] = {}
    least = 0.0
    for position, (name, value) in enumerate(sorted(values.items(), key=lambda one: one[1])):
        least = max(least, min(1.0, (len(values) - position) * value))
        adjusted[name] = least
    return adjusted


def mcnemar(before: Sequence[float] | np.ndarray, after: Sequence[float] | np.ndarray) -> float | None:
    """Exact two-sided p that as many questions flip one way as the other; None if a value is not 0 or 1.

    It takes questions for independent, so beside large groups the interval is the safer guide.
    """
    before, after = np.asarray(before), np.asarray(after)
    if not (np.isin(before, (0, 1)).all() and np.isin(after, (0, 1)).all()):
        return None
    gained, lost = int((after > before).sum()), int((after < before).sum())
    if not gained + lost:
        return 1.0
    from scipy.stats import binomtest

    return float(binomtest(gained, gained + lost, 0.5).pvalue)
