"""A report's lines on the kind of error that a round was aimed at. From the report's JSON value alone."""

from collections.abc import Mapping
from typing import Any

SYSTEMS = {"chosen": "chosen on validation", "trained": "trained, chosen or not"}


def aimed_lines(target: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What became of that kind of error, and of all kinds together: of the chosen system, then of the trained one.

    Args:
        target: the report's ``target``, see :func:`training.runs.targeting.shrinkage`; its questions are not none.

    Returns:
        ``errors`` (their kind), ``system`` (that answers now), ``role``, and of the comparison ``before``, ``after``,
        ``difference``, ``low``, ``high`` and ``method``.
    """
    lines = []
    for role, found in (("chosen", target), ("trained", target["trained"])):
        for errors, figures in ((target["bucket"], found), ("all errors", found["all errors"])):
            compared = {name: figures[name] for name in ("before", "after", "difference", "low", "high", "method")}
            lines.append({"errors": errors, "system": found["systems"]["after"], "role": SYSTEMS[role], **compared})
    return lines
