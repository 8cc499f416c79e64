"""Compare two arms question by question: paired cluster bootstrap and McNemar's exact test.

Questions on near-duplicate documents are not independent, so whole groups are resampled and
the statistic is a ratio of sums (mean difference over the questions drawn). Knows nothing about
what to do with the result (verdict).
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from training.evaluation.evaluate import ANSWER_METRICS, ArmResult, Record

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

RESAMPLES = 9999
MIN_GROUPS = 6
"""Below this no interval is given: with five groups even a unanimous change has a sign test p of 0.06."""

Method = Literal["BCa bootstrap", "percentile bootstrap", "exact bound", "rule of three", "none"]


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

    @property
    def label(self) -> str:
        """The metric's name for people."""
        return LABELS.get(self.metric, self.metric)

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
    _, member = np.unique(np.asarray(groups), return_inverse=True)
    sums = np.bincount(member, weights=after - before)  # (groups,)
    counts = np.bincount(member).astype(float)  # (groups,)
    low, high, method, note = _interval(sums, counts, confidence, same=np.array_equal(before, after))
    return Comparison(
        metric=metric,
        baseline=float(before.mean()),
        candidate=float(after.mean()),
        difference=float((after - before).mean()),
        low=low,
        high=high,
        n=len(before),
        groups=len(sums),
        p=mcnemar(before, after),
        method=method,
        note=note,
    )


def mcnemar(before: Sequence[float] | np.ndarray, after: Sequence[float] | np.ndarray) -> float | None:
    """Exact two-sided p that as many questions flip one way as the other; None if a value is not 0 or 1.

    It takes questions for independent, so beside large groups the interval is the safer guide.
    """
    before, after = np.asarray(before), np.asarray(after)
    if not (np.isin(before, (0, 1)).all() and np.isin(after, (0, 1)).all()):
        return None
    gained, lost = int((after > before).sum()), int((after < before).sum())
    if not gained + lost:
        return 1.0
    from scipy.stats import binomtest

    return float(binomtest(gained, gained + lost, 0.5).pvalue)


def _interval(
    sums: np.ndarray, counts: np.ndarray, confidence: float, *, same: bool
) -> tuple[float | None, float | None, Method, str]:
    groups = len(sums)
    if same:
        # Resampling zeros gives zero, which claims to know of questions that nobody asked. If a share
        # q of all groups differed, none of these would with a probability of (1 - q) ** groups: the q at
        # which that is as low as 5 % is the rule of three, about 3 / groups (Hanley and Lippman-Hand
        # 1983). It bounds the mean both ways, since a differing group changes it by 1 at most, and it
        # is one bound, so nothing is halved.
        share = float(1 - (1 - confidence) ** (1 / groups))
        note = f"the same on every question; that leaves room for up to {share:.0%} of other groups to differ"
        return -share, share, "rule of three", note
    if groups < MIN_GROUPS:
        what = "1 independent group" if groups == 1 else f"{groups} independent groups"
        return (
            None,
            None,
            "none",
            f"only {what} of questions (those about the same or nearly the same documents are one group): "
            "too few for an interval, so chance cannot be ruled out",
        )
    means = sums / counts
    if np.ptp(means) < 1e-12:
        # Resampling equal values gives an interval of no width, which claims certainty. What can
        # be said (Clopper and Pearson 1934): if a share q of all groups were like these, q would
        # have to be at least this for all of them to come out alike; the rest may be anything.
        share = ((1 - confidence) / 2) ** (1 / groups)
        low, high = share * means[0] - (1 - share), share * means[0] + (1 - share)
        what = "no group of questions changed" if abs(means[0]) < 1e-12 else "every group changed by the same amount"
        return max(-1.0, float(low)), min(1.0, float(high)), "exact bound", f"{what}: the interval is an exact bound"
    low, high = _bootstrap(sums, counts, confidence, "BCa")
    if np.isfinite([low, high]).all():
        return low, high, "BCa bootstrap", ""
    low, high = _bootstrap(sums, counts, confidence, "percentile")
    return low, high, "percentile bootstrap", "BCa is not defined for these values; plain percentiles are given"


def _bootstrap(sums: np.ndarray, counts: np.ndarray, confidence: float, method: str) -> tuple[float, float]:
    from scipy.stats import DegenerateDataWarning, bootstrap

    def ratio(total: np.ndarray, count: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.asarray(total.sum(axis=axis) / count.sum(axis=axis))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DegenerateDataWarning)
        found = bootstrap(
            (sums, counts),
            ratio,
            paired=True,
            vectorized=True,
            n_resamples=RESAMPLES,
            batch=max(1, 2_000_000 // len(sums)),
            confidence_level=confidence,
            method=method,
            rng=np.random.default_rng(0),
        ).confidence_interval
    return float(found.low), float(found.high)
