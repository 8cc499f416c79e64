"""The plots of how far a system knows what it knows, from the report's JSON value: risk by coverage, reliability."""

from collections.abc import Mapping
from typing import Any


def confidence_curves(confidence: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Plots with ``title``, ``y``, ``across``, ``series`` and ``marks``, as :func:`training.report.plots.curve` takes
    them; none where nothing was measured."""
    if confidence is None:
        return []
    found = [
        {
            "title": "Risk by coverage, test questions",
            "y": "risk",
            "across": "Share of questions answered across, mistakes among these upwards",
            "series": [{"label": one["arm"], "points": one["points"]} for one in confidence["test"]],
            "marks": [{"label": one["arm"], "x": one["coverage"], "y": one["risk"]} for one in confidence["test"]],
        }
    ]
    whole = confidence.get("validation")
    if whole:
        marks = []
        if whole["risk_at_threshold"] is not None:
            label = _threshold(whole["threshold"])
            marks = [{"label": label, "x": whole["coverage_at_threshold"], "y": whole["risk_at_threshold"]}]
        found.append(
            {
                "title": f"Risk by coverage, {whole['arm']} on validation",
                "y": "risk",
                "across": "Share of questions answered across, mistakes among these upwards",
                "series": [{"label": "whatever the threshold", "points": whole["points"]}],
                "marks": marks,
            }
        )
    bins = (confidence.get("calibration") or {}).get("bins")
    if bins:
        found.append(
            {
                "title": "Reliability, test questions",
                "y": "right",
                "across": "Predicted share of right answers across, actual share upwards",
                "series": [
                    {
                        "label": "predicted from similarity",
                        "points": [[one["predicted"], one["right"]] for one in bins],
                    },
                    {"label": "as it should be", "points": [[0.0, 0.0], [1.0, 1.0]]},
                ],
                "marks": [],
            }
        )
    return found


def _threshold(value: float | None) -> str:
    return "no threshold" if value is None or value <= -1 else f"threshold {value:.2f}"
