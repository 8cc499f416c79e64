"""The plots of confidence."""

from typing import Any

from training.report.confidence import confidence_curves
from training.report.plots import curve

TEST = {"arm": "untouched", "coverage": 0.8, "risk": 0.4, "points": [[0.1, 0.0], [0.8, 0.4]]}
WHOLE = {"arm": "both tuned", "points": [[0.2, 0.1], [0.9, 0.5]], "threshold": 0.44}


def confidence(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {"test": [TEST, {**TEST, "arm": "both tuned"}], "validation": None, "calibration": None}
    return {**values, **changes}


def test_nothing_measured_draws_nothing() -> None:
    assert confidence_curves(None) == []


def test_each_system_has_a_line_and_a_mark_where_it_works() -> None:
    (plot,) = confidence_curves(confidence())
    assert [one["label"] for one in plot["series"]] == ["untouched", "both tuned"]
    assert plot["marks"][0] == {"label": "untouched", "x": 0.8, "y": 0.4}


def test_the_threshold_is_marked_on_validation() -> None:
    at = {"coverage_at_threshold": 0.5, "risk_at_threshold": 0.3}
    _, plot = confidence_curves(confidence(validation={**WHOLE, **at}))
    assert plot["marks"] == [{"label": "threshold 0.44", "x": 0.5, "y": 0.3}]
    _, plot = confidence_curves(confidence(validation={**WHOLE, **at, "threshold": -1.0}))
    assert plot["marks"][0]["label"] == "no threshold"
    nothing = {"coverage_at_threshold": 0.0, "risk_at_threshold": None}
    assert confidence_curves(confidence(validation={**WHOLE, **nothing}))[1]["marks"] == []


def test_reliability_is_drawn_beside_what_it_should_be() -> None:
    bins = [{"predicted": 0.2, "right": 0.3}, {"predicted": 0.7, "right": 0.6}]
    _, plot = confidence_curves(confidence(calibration={"bins": bins}))
    assert plot["series"][0]["points"] == [[0.2, 0.3], [0.7, 0.6]]
    assert len(confidence_curves(confidence(calibration={"bins": []}))) == 1


def test_the_axis_spans_all_shares() -> None:
    (one,) = confidence_curves(confidence())
    plot = curve(one["series"], one["marks"], (0.0, 1.0))
    assert plot is not None
    assert [tick["label"] for tick in plot["x_ticks"]] == ["0", "0.5", "1"]
    assert plot["marks"][0]["x"] == 78.8
