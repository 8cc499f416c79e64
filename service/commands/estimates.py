"""An estimate as people read it."""

from collections.abc import Mapping
from typing import Any

from service.commands.console import Console


def estimate_line(estimate: Mapping[str, Any]) -> str:
    """Time, memory, energy and money of a whole run in one line, and what was changed to make it fit."""
    line = (
        f"estimate: about {estimate['seconds'] / 60:.1f} minutes and {estimate['memory_bytes'] / 1e9:.1f} GB of the "
        f"{estimate['memory_of']}'s memory ({estimate['memory_limit_bytes'] / 1e9:.1f} GB can be had)"
    )
    if estimate["watt_hours"] is not None:
        line += f", {estimate['watt_hours']:.1f} Wh"
    if estimate["price"] is not None:
        line += f", costs {estimate['price']:.2f}"
    for part, changes in estimate["chosen"].items():
        listed = ", ".join(f"{name} = {value}" for name, value in changes.items())
        line += f"; to fit, the {part} is trained with {listed}"
    for part in estimate.get("left_out", ()):
        line += f"; the {part}'s training, and what it reads in measuring, are not in it"
    return line


def show_estimate(console: Console, estimate: Mapping[str, Any]) -> None:
    """A table of the stages, and the line."""
    rows = [
        (
            stage,
            f"{one['seconds']:.0f}",
            f"{one['memory_bytes'] / 1e9:.1f}",
            str(one.get("steps", "-")),
            str(one.get("tokens", "-")),
        )
        for stage, one in estimate["stages"].items()
    ]
    console.table(("stage", "seconds", "GB", "steps", "tokens"), rows)
    console.write(estimate_line(estimate))
    if estimate["watt_hours"] is None:
        console.write("energy: no counter can be read here (RAPL often only by root, NVML with a GPU)")
    console.write(f"estimated in {estimate['probe_seconds']:.0f} s; a training may stop earlier")
