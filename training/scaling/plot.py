"""Geometry of a scaling curve: figures in, positions in percent out. Knows nothing about HTML."""

from collections.abc import Mapping
from math import log2
from typing import Any

from training.report.plots import Scale, nice_ticks, tick_label

STEPS = 32
"""Pieces of the line of the fit."""


def scaling_plot(curve: Mapping[str, Any]) -> dict[str, Any] | None:
    """Scores over rows, each doubling as wide as the next, with the fit and the band of the next doubling.

    Args:
        curve: of :func:`training.scaling.curve.scaling_curve`.

    Returns:
        ``points`` (the curve's with ``left``, ``top``, ``top_low``, ``top_high``), ``untouched`` (a height), ``fit``
        (a path) and ``forecast`` (``left``, ``top``, ``band``: corners, None without an interval), both None without a
        forecast, ``x_ticks`` and ``y_ticks``. None where there is no point.
    """
    points, found = curve["points"], curve["forecast"]
    if not points:
        return None
    most = points[-1]["rows"]
    last = 2 * most if found else most
    seen = [curve["untouched"], *(one[name] for one in points for name in ("score", "low", "high"))]
    if found:
        at_most = 1 - found["missing"]
        ends = [at_most + found[name] for name in ("gain", "low", "high") if found[name] is not None]
        seen += [at_most, *ends]
    drawn = [value for value in seen if value is not None]
    y_ticks = [tick for tick in nice_ticks(min(drawn), max(drawn)) if tick <= 1.0 + 1e-9]
    first = points[0]["rows"]
    doublings = Scale(log2(first) - (last == first), log2(last) + (last == first), 6.0, 94.0)
    down = Scale(y_ticks[0], max(y_ticks[-1], max(drawn)), 96.0, 4.0)

    def across(rows: float) -> float | None:
        return doublings(log2(rows))

    return {
        "points": [
            {
                **one,
                "left": across(one["rows"]),
                "top": down(one["score"]),
                "top_low": down(one["low"]),
                "top_high": down(one["high"]),
            }
            for one in points
        ],
        "untouched": down(curve["untouched"]),
        "fit": _fit(found, first, most, last, across, down) if found else None,
        "forecast": _forecast(found, most, across, down) if found else None,
        "x_ticks": [
            {"x": across(rows), "label": tick_label(rows)}
            for rows in [one["rows"] for one in points] + [last] * bool(found)
        ],
        "y_ticks": [{"y": down(tick), "label": tick_label(tick)} for tick in y_ticks],
    }


def _fit(found: Mapping[str, Any], first: int, most: int, last: int, across: Any, down: Any) -> str:
    sizes = [first * (last / first) ** (step / STEPS) for step in range(STEPS + 1)]
    scores = [1 - found["missing"] * (size / most) ** -found["exponent"] for size in sizes]
    return " ".join(f"{across(size)},{down(score)}" for size, score in zip(sizes, scores, strict=True))


def _forecast(found: Mapping[str, Any], most: int, across: Any, down: Any) -> dict[str, Any]:
    at_most, left = 1 - found["missing"], across(2 * most)
    band = None
    if found["low"] is not None:
        corners = [
            (across(most), down(at_most)),
            (left, down(at_most + found["low"])),
            (left, down(at_most + found["high"])),
        ]
        band = " ".join(f"{x},{y}" for x, y in corners)
    return {"left": left, "top": down(at_most + found["gain"]), "band": band, "rows": 2 * most}
