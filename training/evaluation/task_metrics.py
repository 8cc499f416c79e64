"""What each task of a set of questions reaches, by its own metric.

A set without tasks has none of this. Knows nothing about how answers come about.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from training.tasks.task import ANSWERING, Kind

if TYPE_CHECKING:
    from training.evaluation.evaluate import Record

MACRO_F1 = "macro_f1"
TASK_METRICS: Mapping[Kind, tuple[str, ...]] = {
    ANSWERING: ("answer_score",),
    "classification": ("accuracy", MACRO_F1),
    "extraction": ("field_f1",),
    "summarisation": ("rouge_l",),
}
"""The first is the mean of the task's scores, question by question."""
TASK_LABELS = {
    "answer_score": "answer score",
    "accuracy": "accuracy",
    MACRO_F1: "macro-F1",
    "field_f1": "field F1",
    "rouge_l": "ROUGE-L",
}


def by_task(records: Sequence["Record"]) -> dict[str, list["Record"]]:
    """Task to its records that were answered; what names no task among tasks is question answering."""
    found: dict[str, list[Record]] = {}
    if any(record.task is not None for record in records):
        for record in records:
            if record.outcome is not None:
                found.setdefault(record.task or ANSWERING, []).append(record)
    return found


def task_metrics(records: Sequence["Record"]) -> dict[str, dict[str, Any]]:
    """Task to ``kind``, ``questions`` and its metrics."""
    found: dict[str, dict[str, Any]] = {}
    for name, own in by_task(records).items():
        metrics = TASK_METRICS[own[0].kind]
        scores = [record.answer_score or 0.0 for record in own]
        found[name] = {"kind": own[0].kind, "questions": len(own), metrics[0]: float(np.mean(scores))}
        if MACRO_F1 in metrics:
            found[name][MACRO_F1] = float(macro_f1(label_counts(own).sum(axis=0)))
    return found


def label_counts(records: Sequence["Record"]) -> np.ndarray:
    """Right, said and wanted of each label, question by question: ``(n, labels, 3)``.

    The labels are those of the references, whatever was answered, so that systems are averaged over the same.
    """
    wanted = [record.answers[0] if record.answers else "" for record in records]
    # What is right by one of several references is right by the first.
    said = [
        want if record.outcome == "correct" else record.answer or ""
        for record, want in zip(records, wanted, strict=True)
    ]
    labels = sorted(set(wanted))
    rows = [
        [(want == label == say, say == label, want == label) for label in labels]
        for say, want in zip(said, wanted, strict=True)
    ]
    return np.asarray(rows, dtype=float)


def macro_f1(counts: np.ndarray) -> np.ndarray:
    """The mean F1 of the labels, each counting the same however rare; labels that are nowhere do not count.

    Args:
        counts: right, said and wanted, ``(..., labels, 3)``.
    """
    both = counts[..., 1] + counts[..., 2]
    f1 = np.divide(2 * counts[..., 0], both, out=np.zeros_like(both), where=both > 0)
    return np.asarray(f1.sum(axis=-1) / np.maximum((both > 0).sum(axis=-1), 1))
