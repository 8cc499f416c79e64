"""The page of scaling curves, and the places of what is drawn."""

import itertools
import re
from typing import Any

import pytest

from training.scaling.curve import Component, in_words, scaling_curve
from training.scaling.page import render_scaling
from training.scaling.plot import scaling_plot


def made(exponent: float = 0.5, rows: int = 96, questions: int = 20, noise: float = 0.1) -> dict[str, Any]:
    def trained(part: Any) -> list[float]:
        score = 1 - 0.8 * (len(part) / 12) ** -exponent
        return [min(1.0, max(0.0, score + noise * (i % 3 - 1))) for i in range(questions)]

    component = Component(
        "embedder", "nDCG@10", list(range(rows)), str, lambda: [i / 100 for i in range(questions)], trained
    )
    found = scaling_curve(component, [str(i) for i in range(questions)])
    return {**found, "says": in_words(found)}


def test_each_training_has_its_interval_and_its_place() -> None:
    curve = made()
    plot = scaling_plot(curve)
    assert plot is not None
    lefts = [one["left"] for one in plot["points"]] + [plot["forecast"]["left"]]
    steps = [right - left for left, right in itertools.pairwise(lefts)]
    assert steps == pytest.approx([steps[0]] * 4, abs=0.1), "each doubling is as wide as the next"
    for one, point in zip(plot["points"], curve["points"], strict=True):
        assert point["low"] < point["score"] < point["high"]
        assert 0 <= one["top_high"] < one["top"] < one["top_low"] <= 100
    assert plot["untouched"] > plot["points"][0]["top"], "worse is lower on the page"


def test_the_line_goes_through_points_that_follow_it_and_ends_at_the_forecast() -> None:
    curve = made(noise=0.0)
    plot = scaling_plot(curve)
    assert plot is not None
    places = [tuple(map(float, one.split(","))) for one in plot["fit"].split()]
    for one in plot["points"]:
        assert min(abs(x - one["left"]) + abs(y - one["top"]) for x, y in places) < 2.0
    assert places[-1] == pytest.approx((plot["forecast"]["left"], plot["forecast"]["top"]))


def test_a_perfect_score_does_not_leave_the_axis() -> None:
    plot = scaling_plot(made(exponent=3.0))
    assert plot is not None
    assert all(0 <= tick["y"] <= 100 for tick in plot["y_ticks"])
    assert float(plot["y_ticks"][-1]["label"]) <= 1


def test_the_page_says_what_to_do_and_shows_every_figure() -> None:
    curve = made()
    page = render_scaling({"release": "r0001-<x>", "curves": [curve]})
    assert "r0001-&lt;x&gt;" in page
    assert "Embedder: collect more" in page
    assert curve["says"].removeprefix("embedder: t") in page
    for point in curve["points"]:
        assert f"<td>{point['score']:.3f}</td><td>{point['low']:.3f} to {point['high']:.3f}</td>" in page
    assert 'role="img" aria-label="nDCG@10 of the embedder by training rows: ' in page
    assert not re.search(r"<(script|link|img)|https?://", page), "one file that needs nothing from outside"


@pytest.mark.parametrize("rows", [4, 9])
def test_too_few_rows_are_a_page_without_a_forecast(rows: int) -> None:
    page = render_scaling({"release": "r0001", "curves": [made(rows=rows)]})
    assert "Embedder: too few rows for a curve" in page
    assert "polyline" not in page


def test_few_questions_have_no_band() -> None:
    page = render_scaling({"release": "r0001", "curves": [made(questions=3)]})
    assert "Embedder: cannot tell yet" in page
    assert "polygon" not in page
    assert "too few questions" in page
