"""The page of scaling curves: scores over training rows, the fit, the next doubling, and what to do."""

from collections.abc import Mapping
from typing import Any

from training.report.templating import render_page
from training.scaling.plot import scaling_plot

HEADLINES = {
    "collect more": "collect more",
    "stop": "stop collecting",
    "cannot tell": "cannot tell yet",
}


def render_scaling(figures: Mapping[str, Any]) -> str:
    """The page, from the figures that ``lockstep scaling --json`` prints."""
    drawn = [(curve, scaling_plot(curve)) for curve in figures["curves"]]
    return render_page("scaling.html.j2", scaling=figures, drawn=drawn, headlines=HEADLINES)
