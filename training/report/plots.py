"""Geometry of the report's plots: figures in, positions in percent out.

The template draws them as SVG whose coordinates are percentages, so that a plot fits a phone and
a printed page with its text at full size. Knows nothing about HTML.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from training.scoring.answer_metrics import Outcome

STACKING: tuple[Outcome, ...] = ("correct", "correctly_abstained", "skipped", "wrong", "hallucinated")
"""From good to bad, which is the order of the bar's segments."""


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers that cover ``low`` to ``high``, about ``count`` of them."""
    if not high > low:
        middle = low
        margin = abs(middle) * 0.1 or 1.0
        low, high = middle - margin, middle + margin
    rough = (high - low) / max(1, count - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 10) for i in range(first, last + 1)]


def tick_label(value: float) -> str:
    """A tick in as few characters as it needs; thousands as k."""
    if abs(value) >= 10_000:
        return f"{value / 1000:g}k"
    return f"{value:.10g}"


def forest(comparisons: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Differences with their intervals on one axis that holds zero.

    Returns:
        ``ticks`` (x, label), ``zero``, and ``rows``: the comparison with ``x``, ``x_low``,
        ``x_high`` in percent of the axis; the last two are None without an interval.
    """
    ends = [0.0]
    for row in comparisons:
        drawn = ("difference",) if row.get("method") == "rule of three" else ("low", "high", "difference")
        ends += [row[key] for key in drawn if row[key] is not None]
    ticks = nice_ticks(min(ends), max(ends))
    scale = Scale(ticks[0], ticks[-1], 3.0, 97.0)
    rows = [
        {**row, "x": scale(row["difference"]), "x_low": scale(row["low"]), "x_high": scale(row["high"])}
        for row in comparisons
    ]
    return {"rows": rows, "zero": scale(0.0), "ticks": [{"x": scale(t), "label": _signed_tick(t)} for t in ticks]}


def stacked(outcomes: Mapping[str, int]) -> list[dict[str, Any]]:
    """Segments of one bar of outcomes: ``name``, ``count``, ``share``, ``x`` and ``width`` in percent."""
    total = sum(outcomes.get(name, 0) for name in STACKING)
    segments, x = [], 0.0
    for name in STACKING:
        count = outcomes.get(name, 0)
        if not count:
            continue
        width = 100 * count / total
        segments.append(
            {"name": name, "count": count, "share": count / total, "x": round(x, 3), "width": round(width, 3)}
        )
        x += width
    return segments


def curve(
    series: Sequence[Mapping[str, Any]],
    marks: Sequence[Mapping[str, Any]] = (),
    spanned: Sequence[float] = (),
) -> dict[str, Any] | None:
    """Lines over steps.

    Args:
        series: ``{"label", "points": [[x, y], ...]}``; points without a y are left out.
        marks: single places on them, ``{"label", "x", "y"}``.
        spanned: x that the axis holds, too.

    Returns:
        ``lines`` (label, ``path`` in percent with y downwards, ``dots``), ``marks`` (label, x, y), ``x_ticks`` and
        ``y_ticks``; None where there is no point.
    """
    kept = [{"label": one["label"], "points": [(x, y) for x, y in one["points"] if y is not None]} for one in series]
    kept = [one for one in kept if one["points"]]
    points = [point for one in kept for point in one["points"]]
    if not points:
        return None
    xs, ys = [*spanned, *(x for x, _ in points)], [y for _, y in points]
    x_ticks = [tick for tick in nice_ticks(min(xs), max(xs), 4) if min(xs) <= tick <= max(xs)] or [xs[0]]
    y_ticks = nice_ticks(min(ys), max(ys), 4)
    across = Scale(min(xs), max(xs), 2.0, 98.0) if max(xs) > min(xs) else Scale(xs[0] - 1, xs[0] + 1, 2.0, 98.0)
    down = Scale(y_ticks[0], y_ticks[-1], 96.0, 4.0)
    lines = []
    for one in kept:
        places = [(across(x), down(y)) for x, y in one["points"]]
        lines.append(
            {
                "label": one["label"],
                "path": " ".join(f"{x},{y}" for x, y in places),
                "dots": places if len(places) <= 40 else [],
                "first": one["points"][0][1],
                "last": one["points"][-1][1],
            }
        )
    return {
        "lines": lines,
        "marks": [{"label": one["label"], "x": across(one["x"]), "y": down(one["y"])} for one in marks],
        "x_ticks": [{"x": across(tick), "label": tick_label(tick)} for tick in x_ticks],
        "y_ticks": [{"y": down(tick), "label": tick_label(tick)} for tick in y_ticks],
    }


def scatter(points: Sequence[Mapping[str, Any]], line: Sequence[str]) -> dict[str, Any]:
    """Points over a cost, and a staircase through those that nothing cheaper reaches.

    Args:
        points: at least one; ``x`` and ``y`` of each, with further keys that are kept.
        line: names (key ``cell``) of those on the staircase, the cheapest first.

    Returns:
        ``points`` with ``left`` and ``top`` in percent, ``path`` in percent, ``x_ticks`` and ``y_ticks``.
    """
    x_ticks = nice_ticks(min(one["x"] for one in points), max(one["x"] for one in points), 6)
    y_ticks = nice_ticks(min(one["y"] for one in points), max(one["y"] for one in points), 5)
    across, down = Scale(x_ticks[0], x_ticks[-1], 2.0, 98.0), Scale(y_ticks[0], y_ticks[-1], 96.0, 4.0)
    places = {one["cell"]: (across(one["x"]), down(one["y"])) for one in points}
    steps: list[str] = []
    for name in line:
        left, top = places[name]
        if steps:
            steps.append(f"{left},{steps[-1].split(',')[1]}")
        steps.append(f"{left},{top}")
    return {
        "points": [{**one, "left": places[one["cell"]][0], "top": places[one["cell"]][1]} for one in points],
        "path": " ".join(steps),
        "x_ticks": [{"x": across(tick), "label": tick_label(tick)} for tick in x_ticks],
        "y_ticks": [{"y": down(tick), "label": tick_label(tick)} for tick in y_ticks],
    }


class Scale:
    """Linear map from a range of values to a range of percentages; None stays None."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self._low, self._span = low, high - low
        self._start, self._end = start, end

    def __call__(self, value: float | None) -> float | None:
        """Where a value lies, in percent."""
        if value is None:
            return None
        return round(self._start + (value - self._low) / self._span * (self._end - self._start), 2)


def _signed_tick(value: float) -> str:
    return "0" if not value else f"{value:+.10g}".replace("-", "\N{MINUS SIGN}")
