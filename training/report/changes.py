"""Which answers changed between two arms, and whether for better or worse.

Only an outcome decides that: an answer that became right is better, also a refusal in the place of
a made-up one. A higher score of an answer that is still wrong is no gain.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Literal

from retrieval.prompt import strip_marks
from training.evaluation.evaluate import ArmResult, Record
from training.scoring.answer_metrics import Outcome

LIMIT = 20
RIGHT: frozenset[Outcome] = frozenset({"correct", "correctly_abstained"})

Turn = Literal["better", "worse", "neither"]


def turn(before: Outcome, after: Outcome) -> Turn:
    """Whether an answer became right, is right no longer, or neither."""
    if (before in RIGHT) == (after in RIGHT):
        return "neither"
    return "better" if after in RIGHT else "worse"


def count_changes(baseline: ArmResult, candidate: ArmResult) -> dict[str, int]:
    """How many answers became better or worse, changed otherwise (``neither``), or are the ``same``."""
    counted = Counter(
        turn(old.outcome, new.outcome) if _differ(old, new) else "same"
        for old, new in _answered(baseline, candidate)
        if old.outcome is not None and new.outcome is not None
    )
    return {name: counted[name] for name in ("better", "worse", "neither", "same")}


def changed_answers(baseline: ArmResult, candidate: ArmResult, limit: int = LIMIT) -> list[dict[str, Any]]:
    """The changed answers that tell most: better and worse ones in equal parts where there are enough, then others."""
    rows: dict[Turn, list[dict[str, Any]]] = {"better": [], "worse": [], "neither": []}
    for old, new in _answered(baseline, candidate):
        if not _differ(old, new) or old.outcome is None or new.outcome is None:
            continue
        rows[turn(old.outcome, new.outcome)].append(
            {
                "id": new.id,
                "question": new.question,
                "answers": new.answers,
                "document_ids": new.document_ids,
                "change": (new.answer_score or 0.0) - (old.answer_score or 0.0),
                "before": _said(old),
                "after": _said(new),
            }
        )
    for one in rows.values():
        one.sort(key=lambda row: (-abs(row["change"]), row["id"]))
    better, worse = rows["better"], rows["worse"]
    of_worse = min(len(worse), max(limit // 2, limit - len(better)))
    return (better[: limit - of_worse] + worse[:of_worse] + rows["neither"])[:limit]


def _answered(baseline: ArmResult, candidate: ArmResult) -> Iterator[tuple[Record, Record]]:
    before = {record.id: record for record in baseline.records}
    for record in candidate.records:
        if record.outcome is not None and before[record.id].outcome is not None:
            yield before[record.id], record


def _differ(old: Record, new: Record) -> bool:
    """Whether a reader sees another answer; another number of a passage that is cited is none."""
    return _words(old) != _words(new)


def _words(record: Record) -> list[str]:
    return strip_marks(record.answer or "").split()


def _said(record: Record) -> dict[str, Any]:
    return {
        "answer": record.answer,
        "outcome": record.outcome,
        "score": record.answer_score,
        "top": record.ranked[:1],
    }
