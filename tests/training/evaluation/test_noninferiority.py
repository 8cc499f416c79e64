"""Metrics that must not get worse by more than a margin."""

import pytest

from training.evaluation.comparison import Comparison
from training.evaluation.noninferiority import SECONDARY, guard
from training.evaluation.verdict import PRIMARY


def compared(metric: str, low: float | None, high: float | None) -> Comparison:
    return Comparison(metric, 0.5, 0.5, 0.0, low, high, 100, 50, None, "BCa bootstrap", "")


@pytest.mark.parametrize(
    ("metric", "low", "high", "standing", "worst"),
    [
        ("recall@10", -0.03, 0.02, "shown", 0.03),
        ("recall@10", 0.03, 0.08, "shown", -0.03),
        ("recall@10", -0.08, 0.02, "not shown", 0.08),
        ("recall@10", -0.08, -0.02, "not shown", 0.08),  # worse beyond chance, and yet perhaps by less than the margin
        ("recall@10", -0.20, -0.06, "inferior", 0.20),
        ("skipped", 0.06, 0.20, "inferior", 0.20),  # lower is better
        ("skipped", -0.20, -0.06, "shown", -0.06),
        ("correct", None, None, "not shown", None),
    ],
)
def test_standings(metric: str, low: float | None, high: float | None, standing: str, worst: float | None) -> None:
    (one,) = guard([compared(metric, low, high)], margin=0.05)
    assert (one.standing, one.worst) == (standing, worst)


def test_primary_metrics_have_no_margin() -> None:
    assert not set(PRIMARY) & set(SECONDARY)
    assert guard([compared(metric, -0.9, -0.8) for metric in PRIMARY]) == []
