"""What twice the data would bring."""

import numpy as np
import pytest

from training.scaling.forecast import WORTH, forecast

SIZES = (50, 100, 200, 400)


def scored(exponent: float, questions: int, *, seed: int = 0, missing: float = 0.6) -> dict[int, list[float]]:
    """Questions right or wrong, so that what is missing at 50 rows falls as the power law says."""
    luck = np.random.default_rng(seed).random(questions)
    chance = {size: 1 - missing * (size / SIZES[0]) ** -exponent for size in SIZES}
    return {size: [float(one < chance[size]) for one in luck] for size in SIZES}


def names(questions: int) -> list[str]:
    return [str(number) for number in range(questions)]


def test_a_power_law_is_found_again() -> None:
    exact = {size: [1 - 0.6 * (size / 50) ** -0.5] * 10 for size in SIZES}
    found = forecast(exact, names(10))
    assert found.exponent == pytest.approx(0.5)
    at_400 = 0.6 * 8**-0.5
    assert found.gain == pytest.approx(at_400 - at_400 / 2**0.5)


def test_more_data_where_it_helped_beyond_chance() -> None:
    found = forecast(scored(0.4, 400), names(400))
    assert found.low is not None
    assert found.high is not None
    assert WORTH < found.low < found.gain < found.high
    assert found.advice == "collect more"


def test_stop_where_the_curve_is_flat() -> None:
    found = forecast(scored(0.0, 400), names(400))
    assert found.gain == pytest.approx(0)
    assert found.advice == "stop"


def test_few_questions_tell_nothing() -> None:
    noise = np.random.default_rng(1)
    values = {size: list(noise.integers(0, 2, 20).astype(float)) for size in SIZES}
    assert forecast(values, names(20)).advice == "cannot tell"
    alone = forecast(scored(0.4, 100), ["one"] * 100)
    assert (alone.low, alone.high, alone.advice) == (None, None, "cannot tell")


def test_questions_of_one_group_count_as_one() -> None:
    values = scored(0.4, 60, seed=3)
    apart, together = forecast(values, names(60)), forecast(values, [str(n // 6) for n in range(60)])
    assert together.gain == pytest.approx(apart.gain)
    assert apart.high is not None
    assert together.high is not None

    copied = {size: own * 4 for size, own in values.items()}
    again = forecast(copied, names(60) * 4)
    assert again.low == pytest.approx(apart.low)
    assert again.high == pytest.approx(apart.high)


def test_one_size_is_no_curve() -> None:
    with pytest.raises(ValueError, match="expected two or more"):
        forecast({10: [1.0]}, ["a"])


def test_a_perfect_score_leaves_nothing_to_gain() -> None:
    found = forecast({size: [1.0] * 20 for size in SIZES}, names(20))
    assert found.gain == pytest.approx(0)
    assert found.advice == "stop"
