"""95 % intervals of one arm's own metrics, over the groups of its questions."""

import math
from collections.abc import Iterable
from typing import Any

from training.evaluation.bootstrap import ratio_interval
from training.evaluation.comparison import LABELS, question_value
from training.evaluation.evaluate import ArmResult
from training.evaluation.task_comparison import task_intervals

Intervals = dict[str, dict[str, Any]]
"""Metric to ``low``, ``high`` (None where there are too few groups to tell), ``n``, ``groups`` and ``method``."""
_LARGEST_LOSS = 700.0
"""e to more is no float."""


def metric_intervals(result: ArmResult) -> Intervals:
    """The interval of every metric that was measured.

    ``correct`` and ``skipped`` are shares of the answerable questions, ``hallucinated`` of the others; the metrics of
    reference tokens are resampled with the tokens as weights. Those of a task are under ``metric:task``.
    """
    found = {}
    for metric in LABELS:
        values = [
            (value, 1.0, one.group) for one in result.records if (value := question_value(one, metric)) is not None
        ]
        if values:
            found[metric] = _interval(values, (0.0, 1.0))
    scored = [one for one in result.records if one.tokens]
    if scored:
        hits = [(float(one.correct_tokens or 0), float(one.tokens or 0), one.group) for one in scored]
        losses = [(one.loss_sum or 0.0, float(one.tokens or 0), one.group) for one in scored]
        found["token_accuracy"] = _interval(hits, (0.0, 1.0))
        if all(math.isfinite(loss) for loss, _, _ in losses):
            loss = found["loss"] = _interval(losses, (0.0, math.inf))
            found["perplexity"] = {**loss, "low": _exp(loss["low"]), "high": _exp(loss["high"])}
    return found | task_intervals(result)


def _interval(values: Iterable[tuple[float, float, str]], bounds: tuple[float, float]) -> dict[str, Any]:
    numbers, weights, groups = zip(*values, strict=True)
    one = ratio_interval(numbers, weights, groups, bounds=bounds)
    low, high = (bound if bound is not None and math.isfinite(bound) else None for bound in (one.low, one.high))
    return {"low": low, "high": high, "n": len(numbers), "groups": one.groups, "method": one.method}


def _exp(loss: float | None) -> float | None:
    return None if loss is None or loss > _LARGEST_LOSS else math.exp(loss)
