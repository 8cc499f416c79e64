"""Trainings on nested parts of the data, and the score of each on the same validation questions.

Knows nothing about what is trained: a component says what its rows are, and how a part of them becomes scores.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from random import Random
from typing import Any, Generic, TypeVar

from training.evaluation.bootstrap import ratio_interval
from training.scaling.forecast import forecast

SHARES = (1 / 8, 1 / 4, 1 / 2, 1.0)
LEAST_ROWS = 8
"""Parts smaller than this are left out: they teach a format, not the task."""

Row = TypeVar("Row")


@dataclass(frozen=True)
class Component(Generic[Row]):
    """One thing that is trained."""

    name: str
    metric: str
    """Of its scores."""
    rows: Sequence[Row]
    group_of: Callable[[Row], str]
    """What a row hangs together with; a group is in a part whole or not at all."""
    untouched: Callable[[], Sequence[float]]
    """The score of each validation question without any training."""
    trained: Callable[[Sequence[Row]], Sequence[float]]
    """The same after a training on some of the rows."""


def nested_parts(component: Component[Row], shares: Sequence[float], *, seed: int) -> list[list[Row]]:
    """Parts of the rows, each within the next, by whole groups in an order drawn once."""
    by_group: dict[str, list[Row]] = {}
    for row in component.rows:
        by_group.setdefault(component.group_of(row), []).append(row)
    names = sorted(by_group)
    Random(seed).shuffle(names)
    ordered = [by_group[name] for name in names]
    parts: list[list[Row]] = []
    for share in sorted(shares):
        part: list[Row] = []
        for own in ordered:
            if len(part) + len(own) > share * len(component.rows) + 1e-9:
                break
            part += own
        if len(part) >= LEAST_ROWS and (not parts or len(part) > len(parts[-1])):
            parts.append(part)
    return parts


def scaling_curve(
    component: Component[Row],
    groups: Sequence[str],
    *,
    shares: Sequence[float] = SHARES,
    seed: int = 17,
    progress: Callable[[str, int, int], None] = lambda task, done, total: None,
) -> dict[str, Any]:
    """Scores by number of rows, and the forecast of the next doubling.

    Args:
        groups: the cluster of each validation question.

    Returns:
        ``component``, ``metric``, ``untouched``, ``points`` (``rows``, ``score`` and its 95 % interval over the
        questions, ``low`` and ``high``, None with too few), and ``forecast``, which is None with fewer than two parts.
    """
    parts, task = nested_parts(component, shares, seed=seed), f"scaling: {component.name}"
    progress(task, 0, len(parts))
    values: dict[int, Sequence[float]] = {}
    for number, part in enumerate(parts, start=1):
        values[len(part)] = component.trained(part)
        progress(task, number, len(parts))
    return {
        "component": component.name,
        "metric": component.metric,
        "questions": len(groups),
        "untouched": _mean(component.untouched()),
        "points": [{"rows": rows, **_scored(scores, groups)} for rows, scores in values.items()],
        "forecast": asdict(forecast(values, groups)) if len(values) > 1 and groups else None,
        "values": {str(rows): list(scores) for rows, scores in values.items()},
    }


def in_words(curve: Mapping[str, Any]) -> str:
    """What to do, as a sentence with its numbers."""
    found, name = curve["forecast"], curve["component"]
    if found is None:
        return (
            f"{name}: too few rows for a curve, expected two parts of at least {LEAST_ROWS} rows: add examples, or "
            "larger shares."
        )
    band = "" if found["low"] is None else f", 95 % band {found['low']:+.3f} to {found['high']:+.3f}"
    gain = f"twice the rows would bring {found['gain']:+.3f} {curve['metric']} ({curve['questions']} questions{band})"
    advice = {
        "collect more": "collect more",
        "stop": "more rows of this kind hardly help: stop collecting for it",
        "cannot tell": "that may be chance: more validation questions would tell",
    }[found["advice"]]
    return f"{name}: {gain}; {advice}."


def _scored(scores: Sequence[float], groups: Sequence[str]) -> dict[str, float | None]:
    if not scores:
        return {"score": 0.0, "low": None, "high": None}
    found = ratio_interval(scores, [1.0] * len(scores), groups, bounds=(0.0, 1.0))
    return {"score": _mean(scores), "low": found.low, "high": found.high}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
