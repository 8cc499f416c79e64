"""Trainings on parts of the data."""

import itertools
from collections.abc import Sequence

import pytest

from training.scaling.curve import Component, in_words, nested_parts, scaling_curve

ROWS = [(f"group {number // 3}", number) for number in range(96)]
Row = tuple[str, int]


def component(rows: Sequence[Row] = ROWS, *, seen: list[Sequence[Row]] | None = None) -> Component[Row]:
    """Ten questions, each answered a little better the more rows there are."""

    def trained(part: Sequence[Row]) -> list[float]:
        if seen is not None:
            seen.append(part)
        return [1 - 0.8 * len(part) ** -0.5] * 10

    return Component("embedder", "nDCG@10", rows, lambda row: row[0], lambda: [0.1] * 10, trained)


def test_parts_are_nested_and_hold_whole_groups() -> None:
    parts = nested_parts(component(), [1.0, 0.5, 0.25, 0.125], seed=3)
    assert [len(part) for part in parts] == [12, 24, 48, 96]
    for smaller, larger in itertools.pairwise(parts):
        assert larger[: len(smaller)] == smaller
    for part in parts:
        groups = [name for name, _ in part]
        assert all(groups.count(name) == 3 for name in groups)
    assert nested_parts(component(), [0.5], seed=3) != nested_parts(component(), [0.5], seed=4)


def test_parts_too_small_to_teach_anything_are_left_out() -> None:
    assert [len(part) for part in nested_parts(component(ROWS[:24]), [0.125, 0.25, 0.5, 1], seed=1)] == [12, 24]
    assert nested_parts(component([]), [1.0], seed=1) == []


def test_a_curve_has_a_point_for_each_part_and_advice() -> None:
    seen: list[Sequence[Row]] = []
    found = scaling_curve(component(seen=seen), [str(n) for n in range(10)])
    assert [point["rows"] for point in found["points"]] == [12, 24, 48, 96] == [len(part) for part in seen]
    assert found["untouched"] == pytest.approx(0.1)
    assert found["points"][-1]["score"] == pytest.approx(1 - 0.8 * 96**-0.5)
    assert found["forecast"]["exponent"] == pytest.approx(0.5)
    assert in_words(found).startswith("embedder: twice the rows would bring +0.0")
    assert "collect more" in in_words(found)


def test_too_few_rows_are_no_curve() -> None:
    found = scaling_curve(component(ROWS[:9]), [str(n) for n in range(10)])
    assert found["forecast"] is None
    assert in_words(found).startswith("embedder: too few rows for a curve, expected two parts of at least 8 rows")
