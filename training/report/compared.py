"""A report's comparisons as they are shown. From the report's JSON value alone."""

from collections.abc import Mapping
from typing import Any


def comparisons(report: Mapping[str, Any]) -> dict[str, dict[str, dict[str, Any]]]:
    """Arm to metric to its comparison with the baseline, of arms that have any.

    What the verdict calls chance is *unclear* of the arm that it judged, whatever its interval says: no place of a
    report tells a gain that the verdict does not grant.
    """
    chance = report["verdict"].get("chance", ())

    def shown(arm: str, one: Mapping[str, Any]) -> dict[str, Any]:
        called_chance = arm == report["chosen"] and one["metric"] in chance
        return {**one, "direction": "unclear"} if called_chance else dict(one)

    return {
        arm["name"]: {one["metric"]: shown(arm["name"], one) for one in arm["comparisons"]}
        for arm in report["arms"]
        if arm["comparisons"]
    }
