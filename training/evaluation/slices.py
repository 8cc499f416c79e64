"""The answer score on parts of the test questions: where a candidate gains, and where it loses.

A part is no proof by itself: of twenty that do not differ, one looks as if it did.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from training.data.examples import Example
from training.data.splits import Split
from training.evaluation.clusters import topic_of
from training.evaluation.comparison import compare
from training.evaluation.evaluate import ArmResult

METRIC = "answer_score"
FEWEST = 8
"""Questions of the smallest part that is shown."""

_KINDS: Sequence[tuple[str, re.Pattern[str]]] = [
    (name, re.compile(rf"(?:(?:and|but|so|in|at|on|for|to|by|from|with|of|about)\s+)?(?:{words})\b", re.IGNORECASE))
    for name, words in (
        ("how many, how much", r"how\s+(?:many|much)"),
        (
            "how long, how far, …",
            r"how\s+(?:long|far|often|old|big|large|deep|high|tall|wide|heavy|fast|hot|cold|soon)",
        ),
        ("how", r"how"),
        ("who", r"who|whom|whose"),
        ("when", r"when|(?:what|which)\s+(?:year|day|month|date|time)"),
        ("where", r"where"),
        ("why", r"why"),
        ("which", r"which"),
        ("what", r"what"),
        ("yes or no", r"is|are|was|were|do|does|did|can|could|may|must|should|will|would|has|have|had"),
    )
]
_MOSTLY = 0.5
"""Questions that begin as an English one does, at least, for their kinds to be told."""


def kinds(questions: Mapping[str, str]) -> dict[str, str]:
    """Question id to its kind by its first words; empty where most do not begin as English questions do."""
    found = {
        id: next((name for name, pattern in _KINDS if pattern.match(question.strip())), "other")
        for id, question in questions.items()
    }
    english = sum(kind != "other" for kind in found.values())
    return found if english > _MOSTLY * len(found) else {}


def standard_axes(examples: Sequence[Example], split: Split) -> dict[str, dict[str, str]]:
    """The ways in which test questions are always divided: axis to example id to its part.

    ``documents`` tells what the training can have seen of what answers a question: by the making of the split nothing,
    unless the examples themselves stated other splits.
    """
    answerable = [one for one in examples if one.answerable and one.document_ids]
    trained = split.documents("train")
    return {
        "documents": {
            one.id: "seen in training" if set(one.document_ids) & trained else "not seen in training"
            for one in answerable
        },
        "how the documents were found": {
            one.id: "found by search (weak)" if one.weak else "named by the examples" for one in answerable
        },
        "answer": {one.id: "in the documents" if one.answerable else "not in the documents" for one in examples},
        "kind of question": kinds({one.id: one.question for one in examples}),
        "task": {one.id: one.task for one in examples if one.task},
        "folder": {one.id: topic for one in answerable if (topic := topic_of(one.document_ids))},
    }


def slices(
    baseline: ArmResult, candidate: ArmResult, axes: Mapping[str, Mapping[str, str]], *, fewest: int = FEWEST
) -> list[dict[str, Any]]:
    """Each axis with its parts, the largest first.

    Args:
        axes: name to question id to part; a question that an axis does not know lies in none of its parts.

    Returns:
        ``axis``; ``parts`` with ``name``, ``n``, ``groups``, ``baseline``, ``candidate``, ``difference``, ``low`` and
        ``high`` (None with few groups); ``small``, how many parts have fewer than ``fewest`` questions and are left
        out; ``questions`` in all. An axis that knows no question is left out.
    """
    before = {one.id: one for one in baseline.records if one.answer_score is not None}
    after = {one.id: one for one in candidate.records if one.answer_score is not None}
    rows = []
    for axis, part_of in axes.items():
        members: dict[str, list[str]] = {}
        for id in before:
            if id in after and id in part_of:
                members.setdefault(part_of[id], []).append(id)
        large = {name: ids for name, ids in members.items() if len(ids) >= fewest}
        if not members:
            continue
        parts = []
        for name, ids in sorted(large.items(), key=lambda one: (-len(one[1]), one[0])):
            old, new = ([one[id].answer_score or 0.0 for id in ids] for one in (before, after))
            found = compare(METRIC, old, new, [after[id].group for id in ids])
            figures = {key: value for key, value in found.to_json().items() if key in _SHOWN}
            parts.append({"name": name, **figures})
        counted = sum(map(len, members.values()))
        small = len(members) - len(large)
        rows.append({"axis": axis, "questions": counted, "parts": parts, "small": small, "fewest": fewest})
    return rows


_SHOWN = ("n", "groups", "baseline", "candidate", "difference", "low", "high", "direction", "method", "note")
