"""Faults that lie together."""

from typing import Any

from training.evaluation.clusters import clusters, telling_words, topic_of
from training.evaluation.evaluate import Record


def record(id: str, question: str, *documents: str, group: str = "") -> Record:
    fields: dict[str, Any] = dict.fromkeys(("similarity", "retrieval"))
    return Record(id, question, group or id, ("a",), documents, False, (), **fields)


ASKED = [
    record("1", "How much torque has the pump?", "hw/pumps/a.md", group="pumps"),
    record("2", "Which torque for the pump's lid?", "hw/pumps/b.md", group="pumps"),
    record("3", "Which pump has a filter?", "hw/pumps/c.md"),
    record("4", "How long is the warranty?", "legal/w.md"),
    record("5", "Does the warranty cover water?", "legal/x.md"),
    record("6", "What is it?"),
]


def test_a_folder_is_a_topic() -> None:
    assert topic_of(["hw/pumps/a.md", "legal/w.md"]) == "hw/pumps"
    assert topic_of(["ticket-1"]) == topic_of([]) == ""


def test_words_tell_what_a_topic_is_about() -> None:
    words = telling_words([(one.document_ids[0].split("/")[0], one.question) for one in ASKED[:5]])
    assert words["hw"][:2] == ["pump", "torque"]
    assert words["legal"][0] == "warranty"


def test_faults_are_counted_by_group_and_by_topic() -> None:
    assert clusters(ASKED[:3], ASKED) == [
        {"kind": "documents", "name": "hw/pumps/b.md", "words": [], "n": 2, "of": 2},
        {"kind": "topic", "name": "hw/pumps", "words": ["pump", "torque", "filter"], "n": 3, "of": 3},
    ]


def test_a_single_fault_is_no_cluster() -> None:
    assert clusters([ASKED[0], ASKED[3], ASKED[5]], ASKED) == []
