"""Compare two arms question by question: paired cluster bootstrap, randomisation test and McNemar's exact test.

Knows nothing about what to do with the result (verdict).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from training.evaluation.bootstrap import MIN_GROUPS, Interval, Method, ratio_interval, unchanged_interval
from training.evaluation.evaluate import ANSWER_METRICS, ArmResult, Record
from training.evaluation.significance import mcnemar, randomization
from training.evaluation.task_metrics import TASK_LABELS

LABELS: Mapping[str, str] = {
    "ndcg@10": "nDCG@10",
    "mrr@10": "MRR@10",
    "recall@1": "recall@1",
    "recall@5": "recall@5",
    "recall@10": "recall@10",
    "answer_score": "answer score",
    "answerable_score": "answer score on answerable questions",
    "exact_match": "exact match",
    "f1": "token F1",
    "rouge_l": "ROUGE-L",
    "squad_exact_match": "SQuAD's exact match",
    "squad_f1": "SQuAD's F1",
    "correct": "share answered correctly",
    "skipped": "share of answerable questions skipped",
    "hallucinated": "hallucination rate",
}
LOWER_IS_BETTER = frozenset({"skipped", "hallucinated"})


@dataclass(frozen=True)
class Comparison:
    """A metric of two arms over the same questions.

    ``low`` and ``high`` bound ``difference`` (candidate minus baseline) with 95 % confidence
    unless asked otherwise; both are None where an interval would only pretend to know.
    """

    metric: str
    baseline: float
    candidate: float
    difference: float
    low: float | None
    high: float | None
    n: int
    groups: int
    p: float | None
    """McNemar's exact p for metrics that are 0 or 1 per question."""
    method: Method
    note: str
    """In words, what a reader must know about the interval; empty in the normal case."""
    randomization_p: float | None = None
    """Of the paired randomisation test over groups: exact however few there are, where bootstrap intervals are a
    little too narrow. None with fewer groups than an interval needs."""

    @property
    def label(self) -> str:
        """The metric's name for people."""
        if self.task is not None:
            return task_label(self.metric)
        return LABELS.get(self.metric, self.metric)

    @property
    def task(self) -> str | None:
        """The one task that it is of; None where it is of all questions."""
        return self.metric.partition(":")[2] or None

    @property
    def direction(self) -> Literal["better", "worse", "unclear"]:
        """Better or worse where the whole interval lies on one side of zero."""
        if self.low is None or self.high is None or self.low <= 0 <= self.high:
            return "unclear"
        return "better" if (self.low > 0) != (self.metric in LOWER_IS_BETTER) else "worse"

    @property
    def same(self) -> bool:
        """Whether no question differs; the interval is then what was not seen, and not what was measured."""
        return self.method == "rule of three"

    def to_json(self) -> dict[str, Any]:
        """As JSON values, with label and direction."""
        return {**asdict(self), "label": self.label, "direction": self.direction}


def task_label(metric: str) -> str:
    """The name for people of ``metric:task``."""
    name, _, task = metric.partition(":")
    return f"{TASK_LABELS[name]} of {task}"


def compare_arms(baseline: ArmResult, candidate: ArmResult, *, confidence: float = 0.95) -> list[Comparison]:
    """Every metric that both arms were measured on, over the same questions.

    Raises:
        ValueError: the arms were evaluated on different questions.
    """
    ours = {record.id: record for record in baseline.records}
    theirs = {record.id: record for record in candidate.records}
    if ours.keys() != theirs.keys():
        odd = sorted(ours.keys() ^ theirs.keys())[:5]
        raise ValueError(f"arms {baseline.name!r} and {candidate.name!r} differ in their questions: {odd}")
    comparisons = []
    for metric in LABELS:
        pairs = [
            (before, after, record.group)
            for name, record in ours.items()
            if (before := question_value(record, metric)) is not None
            and (after := question_value(theirs[name], metric)) is not None
        ]
        if pairs:
            comparisons.append(compare(metric, *zip(*pairs, strict=True), confidence=confidence))
    return comparisons


def question_value(record: Record, metric: str) -> float | None:
    """What one question contributes to a metric; None where the metric does not apply to it."""
    if record.retrieval is not None and metric in record.retrieval:
        return record.retrieval[metric]
    if record.outcome is None:
        return None
    match metric:
        case "answerable_score":
            return record.answer_score if record.answerable else None
        case "correct" | "skipped":
            return float(record.outcome == metric) if record.answerable else None
        case "hallucinated":
            return None if record.answerable else float(record.outcome == "hallucinated")
        case _ if metric in ANSWER_METRICS:
            value: float | None = getattr(record, metric)
            return value
    return None


def compare(
    metric: str,
    baseline: Sequence[float],
    candidate: Sequence[float],
    groups: Sequence[str],
    *,
    confidence: float = 0.95,
) -> Comparison:
    """Compare paired values in [0, 1].

    Args:
        baseline, candidate: one value per question, in the same order.
        groups: the cluster of each question.

    Raises:
        ValueError: nothing to compare, or lengths that differ.
    """
    if not len(baseline) or not len(baseline) == len(candidate) == len(groups):
        raise ValueError(f"found {len(baseline)}, {len(candidate)} and {len(groups)} values, expected as many of each")
    before, after = np.asarray(baseline, dtype=float), np.asarray(candidate, dtype=float)  # (n,)
    found = _interval(before, after, groups, confidence)
    _, member = np.unique(np.asarray(groups), return_inverse=True)
    return Comparison(
        metric=metric,
        baseline=float(before.mean()),
        candidate=float(after.mean()),
        difference=float((after - before).mean()),
        low=found.low,
        high=found.high,
        n=len(before),
        groups=found.groups,
        p=mcnemar(before, after),
        method=found.method,
        note=found.note,
        randomization_p=(
            randomization(np.bincount(member, weights=after - before)) if found.groups >= MIN_GROUPS else None
        ),
    )


def _interval(before: np.ndarray, after: np.ndarray, groups: Sequence[str], confidence: float) -> Interval:
    """The interval of the mean difference."""
    if np.array_equal(before, after):
        return unchanged_interval(len(set(groups)), confidence)
    found = ratio_interval(after - before, np.ones_like(before), groups, bounds=(-1.0, 1.0), confidence=confidence)
    if found.method != "exact bound":
        return found
    changed = abs(float((after - before).mean())) >= 1e-12
    what = "every group changed by the same amount" if changed else "no group of questions changed"
    return replace(found, note=f"{what}: the interval is an exact bound")
