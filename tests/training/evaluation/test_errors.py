"""Faults in buckets: each of the nine kinds, planted."""

from dataclasses import replace
from typing import Any, get_args

import pytest

from training.evaluation.errors import ADVICE, Bucket, bucket_of, faults, summary
from training.evaluation.evaluate import Record

CHUNKS = {
    "valve.md": {
        "valve.md#0": "The gate valve opens at 4.5 bar. It closes at 2 bar and weighs 12 kg.",
        "valve.md#1": "Paint the valve every two years with grey enamel.",
    },
    "pump.md": {"pump.md#0": "The pump starts at 9 bar and weighs 80 kg."},
    "mast.md": {"mast.md#0": "The mast is 7 m high."},
}
SERVED = ("pump.md#0", "valve.md#0", "mast.md#0")


def record(answer: str, outcome: str, **changes: Any) -> Record:
    fields: dict[str, Any] = {
        "id": "q",
        "question": "At what pressure does the gate valve open?",
        "group": "g",
        "answers": ("4.5 bar",),
        "document_ids": ("valve.md",),
        "weak": False,
        "ranked": ("pump.md", "valve.md", "mast.md"),
        "similarity": 0.7,
        "retrieval": None,
        "passages": SERVED,
        "answer": answer,
        "outcome": outcome,
        "answer_score": 1.0 if outcome == "correct" else 0.0,
    }
    return Record(**{**fields, **changes})


UNANSWERABLE: dict[str, Any] = {"answers": (), "document_ids": ()}
ELSEWHERE = ("pump.md#0", "mast.md#0", "valve.md#1")
PLANTED: list[tuple[Record, Bucket | None]] = [
    (record("9 bar [1]", "wrong", passages=ELSEWHERE), "not retrieved"),  # another chunk of the document is no help
    (record("I cannot find this.", "skipped", passages=("pump.md#0",)), "not retrieved"),
    (record("9 bar [1]", "wrong", passages=("pump.md#0", "mast.md#0", "pump.md#0", "valve.md#0")), "not retrieved"),
    (record("9 bar [1]", "wrong"), "retrieved and ignored"),
    (record("80 kg", "wrong"), "retrieved and ignored"),
    (record("At sunrise, by hand", "wrong"), "retrieved and ignored"),
    (record("2 bar [2]", "wrong"), "wrong span"),
    (record("12 kg", "wrong"), "wrong span"),
    (record("it closes at 2 bar", "wrong"), "wrong span"),
    (record("I cannot find this in the documents.", "skipped"), "wrongly abstained"),
    (record("9 bar [1]", "hallucinated", **UNANSWERABLE), "should have abstained"),
    (record("4.5 bar [1]", "correct"), "wrong citation"),
    (record("4.5 bar [3]", "correct"), "wrong citation"),
    (record("4.5 bar", "correct"), "wrong format"),
    (record("no", "wrong", kind="classification"), "wrong label"),
    (record('{"total": 4}', "wrong", kind="extraction"), "wrong fields"),
    (record("", "wrong"), "wrong format"),
    (record("<|im_start|>assistant 2 bar [2]", "wrong"), "wrong format"),
    (record("Question: at what pressure? Answer: 2 bar", "wrong"), "wrong format"),
    (record("The pump, the valve and the mast are parts of it. " * 4, "wrong"), "wrong format"),
    (record("4.5 bar [2]", "correct"), None),
    (record("4.5 bar [1][2]", "correct"), None),
    (record("I cannot find this in the documents.", "correctly_abstained", **UNANSWERABLE), None),
    (replace(record("", "wrong"), outcome=None, answer=None), None),
]


@pytest.mark.parametrize(("planted", "bucket"), PLANTED)
def test_planted_faults_fall_into_their_buckets(planted: Record, bucket: Bucket | None) -> None:
    assert bucket_of(planted, CHUNKS, shown=3) == bucket


def test_every_bucket_is_planted_and_has_advice() -> None:
    assert {bucket for _, bucket in PLANTED} - {None} == set(get_args(Bucket)) == set(ADVICE)


def test_the_summary_counts_and_shows_different_groups() -> None:
    records = [record("2 bar [2]", "wrong", id=str(n), group=f"g{n // 3}") for n in range(6)]
    records.append(record("9 bar [1]", "hallucinated", **UNANSWERABLE))
    right = [record("4.5 bar [2]", "correct", id=f"right {n}", group="g0") for n in range(3)]
    rows = summary(faults(records, CHUNKS, shown=3), records + right, examples=2)
    assert [(row["bucket"], row["n"], row["share"]) for row in rows] == [
        ("wrong span", 6, 0.6),
        ("should have abstained", 1, 0.1),
    ]
    assert rows[0]["documents"] == [("valve.md", 6)]
    assert [one["id"] for one in rows[0]["examples"]] == ["2", "5"]
    assert [(one["n"], one["of"]) for one in rows[0]["clusters"]] == [(3, 6), (3, 3)]
    assert summary([], right) == []
