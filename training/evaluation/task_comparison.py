"""Each task by its own metric: two arms compared, and the intervals of one.

Macro-F1 is no mean over questions, so it is computed anew for every sample of groups.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from training.evaluation.bootstrap import MIN_GROUPS, RESAMPLES, ratio_interval, too_few, unchanged_interval
from training.evaluation.comparison import Comparison, compare
from training.evaluation.evaluate import ArmResult, Record
from training.evaluation.task_metrics import MACRO_F1, TASK_METRICS, by_task, label_counts, macro_f1

BATCH = 1000
"""Samples of groups at a time."""


def compare_tasks(baseline: ArmResult, candidate: ArmResult, *, confidence: float = 0.95) -> list[Comparison]:
    """The metrics of each task that both arms were measured on; their names are ``metric:task``."""
    before, after = by_task(baseline.records), by_task(candidate.records)
    found = []
    for task, own in after.items():
        theirs = {record.id: record for record in before.get(task, ())}
        pairs = [(theirs[record.id], record) for record in own if record.id in theirs]
        if not pairs:
            continue
        old, new = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        for metric in TASK_METRICS[new[0].kind]:
            name = f"{metric}:{task}"
            one = _macro(name, old, new, confidence) if metric == MACRO_F1 else _mean(name, old, new, confidence)
            found.append(one)
    return found


def task_intervals(result: ArmResult, *, confidence: float = 0.95) -> dict[str, dict[str, Any]]:
    """The interval of each metric of each task, by ``metric:task``; as of ``metric_intervals``."""
    found: dict[str, dict[str, Any]] = {}
    for task, own in by_task(result.records).items():
        groups = [record.group for record in own]
        for metric in TASK_METRICS[own[0].kind]:
            shown: dict[str, Any] = {"n": len(own), "groups": len(set(groups))}
            if metric == MACRO_F1:
                counts = label_counts(own)
                low, high = _resampled([counts], groups, confidence)
                shown |= {"low": low, "high": high, "method": "none" if low is None else "percentile bootstrap"}
            else:
                scores = [record.answer_score or 0.0 for record in own]
                one = ratio_interval(scores, np.ones(len(own)), groups, bounds=(0.0, 1.0), confidence=confidence)
                shown |= {"low": one.low, "high": one.high, "method": one.method}
            found[f"{metric}:{task}"] = shown
    return found


def _mean(name: str, old: Sequence[Record], new: Sequence[Record], confidence: float) -> Comparison:
    before, after = ([record.answer_score or 0.0 for record in records] for records in (old, new))
    return compare(name, before, after, [record.group for record in new], confidence=confidence)


def _macro(name: str, old: Sequence[Record], new: Sequence[Record], confidence: float) -> Comparison:
    before, after = label_counts(old), label_counts(new)
    groups = [record.group for record in new]
    was, now = (float(macro_f1(counts.sum(axis=0))) for counts in (before, after))
    n, note = len(set(groups)), ""
    low, high = _resampled([before, after], groups, confidence)
    method: Any = "percentile bootstrap"
    if low is None:
        method, note = "none", too_few(n)
    elif np.array_equal(before, after):
        same = unchanged_interval(n, confidence)
        low, high, method, note = same.low, same.high, same.method, same.note
    return Comparison(name, was, now, now - was, low, high, len(new), n, None, method, note)


def _resampled(
    counts: Sequence[np.ndarray], groups: Sequence[str], confidence: float
) -> tuple[float | None, float | None]:
    """Percentiles of macro-F1, or of what the second gains on the first, over samples of whole groups."""
    _, member = np.unique(np.asarray(groups), return_inverse=True)
    n = int(member.max()) + 1
    if n < MIN_GROUPS:
        return None, None
    sums = []
    for one in counts:
        total = np.zeros((n, *one.shape[1:]))  # (groups, labels, 3)
        np.add.at(total, member, one)
        sums.append(total)
    rng = np.random.default_rng(0)
    found = []
    for start in range(0, RESAMPLES, BATCH):
        drawn = rng.multinomial(n, np.full(n, 1 / n), size=min(BATCH, RESAMPLES - start))  # (samples, groups)
        values = [macro_f1(np.tensordot(drawn, total, axes=1)) for total in sums]  # (samples,)
        found.append(values[-1] - values[0] if len(values) > 1 else values[0])
    tail = (1 - confidence) / 2
    low, high = np.quantile(np.concatenate(found), [tail, 1 - tail])
    return float(low), float(high)
