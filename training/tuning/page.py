"""The page of a search: the best so far over the trials, what mattered, and every trial."""

from collections.abc import Mapping
from typing import Any

from training.report.plots import scatter
from training.report.templating import render_page


def render_tuning(figures: Mapping[str, Any]) -> str:
    """The page, from the figures that ``lockstep tune --json`` prints."""
    measured = [one for one in figures["trials"] if one["value"] is not None]
    points = [{**one, "cell": str(one["number"]), "x": one["number"], "y": one["value"]} for one in measured]
    best: list[str] = []
    highest = float("-inf")
    for one in sorted(points, key=lambda one: one["x"]):
        if not one["ended early"] and one["y"] > highest:
            highest = one["y"]
            best.append(one["cell"])
    names = list(figures["best"]["settings"])
    plot = scatter(points, best)
    plot["x_ticks"] = [tick for tick in plot["x_ticks"] if tick["label"].isdigit()]  # trials are counted
    return render_page("tuning.html.j2", tuned=figures, plot=plot, names=names)
