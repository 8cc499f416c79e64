"""Positions of the report's plots."""

from typing import Any

import pytest

from training.report.plots import curve, forest, nice_ticks, stacked, tick_label


@pytest.mark.parametrize(
    ("low", "high", "count", "expected"),
    [
        (0.0, 1.0, 5, [0, 0.25, 0.5, 0.75, 1]),
        (-0.03, 0.09, 4, [-0.05, 0, 0.05, 0.1]),
        (0, 187, 4, [0, 100, 200]),
        (2.0, 2.0, 3, [1.8, 2.0, 2.2]),
    ],
)
def test_ticks_are_round_and_cover_the_range(low: float, high: float, count: int, expected: list[float]) -> None:
    ticks = nice_ticks(low, high, count)
    assert ticks == pytest.approx(expected)
    assert ticks[0] <= low
    assert ticks[-1] >= high


@pytest.mark.parametrize("low", [-0.9, -1e-7, 0.0])
@pytest.mark.parametrize("width", [1e-6, 0.01, 7.0, 40_000.0])
def test_there_is_a_handful_of_ticks_at_any_scale(low: float, width: float) -> None:
    ticks = nice_ticks(low, low + width)
    assert 2 <= len(ticks) <= 8
    assert ticks == sorted(set(ticks))


def test_tick_labels_are_short() -> None:
    assert [tick_label(v) for v in (0.25, 100.0, 20000.0)] == ["0.25", "100", "20k"]


def row(difference: float, low: float | None, high: float | None) -> dict[str, float | None]:
    return {"difference": difference, "low": low, "high": high}


def test_forest_keeps_order_and_holds_zero() -> None:
    plot = forest([row(0.06, 0.03, 0.09), row(-0.02, -0.2, 0.1), row(0.5, None, None)])
    first, second, third = plot["rows"]
    assert (
        0
        <= second["x_low"]
        < second["x"]
        < plot["zero"]
        < first["x_low"]
        < first["x"]
        < first["x_high"]
        < third["x"]
        <= 100
    )
    assert third["x_low"] is None
    assert third["x_high"] is None
    assert [tick["label"] for tick in plot["ticks"] if tick["x"] == plot["zero"]] == ["0"]


def test_a_bound_that_is_not_drawn_does_not_stretch_the_axis() -> None:
    same: dict[str, Any] = {**row(0.0, -0.4, 0.4), "method": "rule of three"}
    assert forest([row(0.06, 0.03, 0.09), same])["ticks"] == forest([row(0.06, 0.03, 0.09)])["ticks"]


def test_forest_of_nothing_and_of_no_change() -> None:
    assert forest([])["rows"] == []
    assert forest([row(0.0, 0.0, 0.0)])["rows"][0]["x"] == forest([row(0.0, 0.0, 0.0)])["zero"]


def test_segments_fill_the_bar_from_good_to_bad() -> None:
    segments = stacked({"wrong": 1, "correct": 2, "skipped": 0, "hallucinated": 1})
    assert [(s["name"], s["x"], s["width"]) for s in segments] == [
        ("correct", 0, 50),
        ("wrong", 50, 25),
        ("hallucinated", 75, 25),
    ]
    assert stacked({}) == []


def test_a_curve_goes_from_left_to_right_and_up_for_more() -> None:
    plot = curve([{"label": "loss", "points": [[0, 2.0], [10, 1.0]]}])
    assert plot is not None
    [line] = plot["lines"]
    (x0, y0), (x1, y1) = line["dots"]
    assert x0 < x1
    assert y0 < y1
    assert (line["first"], line["last"]) == (2.0, 1.0)


def test_points_without_a_figure_are_left_out() -> None:
    points = [[0, None], [3, 1.5]]
    plot = curve([{"label": "loss", "points": points}, {"label": "empty", "points": []}])
    assert plot is not None
    assert [len(line["dots"]) for line in plot["lines"]] == [1]
    assert curve([{"label": "loss", "points": [[0, None]]}]) is None
