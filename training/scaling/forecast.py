"""A power law through the scores of trainings on parts of the data, and what twice the data would bring by it.

What is missing to a perfect score falls with the number of rows n as a · n^-b over a wide range (Hestness et al. 2017,
https://arxiv.org/abs/1712.00409): a line in logarithms. The band is by bootstrap over independent groups of questions;
the noise of training itself is not in it, since each part is trained once. Knows nothing about models.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from training.evaluation.bootstrap import MIN_GROUPS

Advice = Literal["collect more", "stop", "cannot tell"]

RESAMPLES = 2000
WORTH = 0.01
"""A gain of the next doubling below this is not worth collecting data for."""
LEAST = 1e-3
"""What is missing to a perfect score at least, so that its logarithm exists."""


@dataclass(frozen=True)
class Forecast:
    """What the next doubling brings."""

    exponent: float
    """b of the power law; above 0 where more data helped."""
    missing: float
    """To a perfect score with all rows, on the line."""
    gain: float
    """Of the score, by twice the rows."""
    low: float | None
    """Of the 95 % band; None with too few groups for one."""
    high: float | None
    advice: Advice


def forecast(values: Mapping[int, Sequence[float]], groups: Sequence[str]) -> Forecast:
    """The gain of the next doubling.

    Args:
        values: number of training rows to the score in [0, 1] of each validation question, in one order.
        groups: the cluster of each question.

    Raises:
        ValueError: fewer than two sizes, or a size below 1.
    """
    sizes = np.array(sorted(values), dtype=float)
    if len(sizes) < 2 or sizes[0] < 1:
        raise ValueError(f"found training sizes {sorted(values)}, expected two or more, each of at least one row")
    scores = np.array([values[int(size)] for size in sizes], dtype=float)  # (sizes, questions)
    _, member = np.unique(np.asarray(groups), return_inverse=True)
    count = int(member.max()) + 1
    sums = np.stack([np.bincount(member, weights=row, minlength=count) for row in scores])  # (sizes, groups)
    asked = np.bincount(member, minlength=count)  # (groups,)

    exponent, missing, gain = _doubling(sizes, (scores.mean(axis=1))[None])
    low = high = None
    if count >= MIN_GROUPS:
        drawn = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
        means = (drawn @ sums.T) / (drawn @ asked)[:, None]  # (resamples, sizes)
        low, high = (float(one) for one in np.quantile(_doubling(sizes, means)[2], [0.025, 0.975]))
    return Forecast(float(exponent[0]), float(missing[0]), float(gain[0]), low, high, _advice(low, high))


def _doubling(sizes: np.ndarray, means: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Exponents, what is missing at the largest size, and gains, by least squares in logarithms.

    Args:
        sizes: (sizes,) training rows.
        means: (samples, sizes) scores.
    """
    x = np.log(sizes) - np.log(sizes).mean()
    y = np.log(np.maximum(1 - means, LEAST))
    exponent = -(y @ x) / (x @ x)  # (samples,)
    at_last = np.exp(y.mean(axis=1) - exponent * x[-1])  # what is missing at the largest size, on the line
    return exponent, at_last, at_last * (1 - 2.0**-exponent)


def _advice(low: float | None, high: float | None) -> Advice:
    if low is None or high is None:
        return "cannot tell"
    if low > 0:
        return "collect more" if high >= WORTH else "stop"
    return "stop" if high < WORTH else "cannot tell"
