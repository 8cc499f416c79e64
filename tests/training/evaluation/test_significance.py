"""p values, by hand."""

import numpy as np
import pytest

from training.evaluation.significance import holm, randomization


def test_the_randomisation_test_counts_signs() -> None:
    assert randomization(np.ones(6)) == 2 / 64
    assert randomization(np.array([1.0, 1.0, 1.0, -1.0])) == 10 / 16  # sums of 2 and more: 4 + 1 each way
    assert randomization(np.array([0.0, 3.0, 0.0, 3.0])) == 0.5
    assert randomization(np.zeros(9)) == 1.0
    many = np.full(40, 0.1)
    assert randomization(many) == 1 / 10_000
    balanced = np.tile([0.1, -0.1], 20)
    assert randomization(balanced) == 1.0


def test_holm_steps_down() -> None:
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03}) == pytest.approx({"a": 0.03, "c": 0.06, "b": 0.06})
    assert holm({}) == {}
