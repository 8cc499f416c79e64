"""The page of a study: score over cost, the winner for each budget, and every cell in a table."""

from collections.abc import Mapping
from typing import Any

from training.report.plots import scatter
from training.report.templating import render_page

MODES = {"direct": "search, then answer", "chained": "rewrite, search, answer, check", "tools": "the model searches"}


def render_study(figures: Mapping[str, Any]) -> str:
    """The page, from a study's figures alone.

    Args:
        figures: of :func:`training.study.study.study`, with ``release``.
    """
    cells = figures["cells"]
    most = max(one["questions"] for one in cells)
    points = [{**one, "x": one["cost"], "y": one["answer_score"]} for one in cells if one["questions"] == most]
    return render_page(
        "study.html.j2",
        study=figures,
        plot=scatter(points, figures["frontier"]),
        priced=figures["chosen"]["cost_per_thousand"] is not None,
        most=most,
        modes={name: words for name, words in MODES.items() if name in figures["modes"]},
    )
