"""A generator behind a URL that says anything: what is taken of it."""

import json
from collections.abc import Sequence
from typing import Any

from training.data.examples import Example
from training.synthesis.sources import sources
from training.synthesis.writer import Writer


class Scripted:
    """Says what it is told to, whatever it is asked."""

    model = "scripted"

    def __init__(self, *replies: str) -> None:
        self.replies, self.asked = list(replies), []  # type: ignore[var-annotated]

    def encode(self, messages: Sequence[Any]) -> Any:
        return list(messages)

    def complete(self, prompts: Sequence[Any], max_new_tokens: int) -> list[tuple[str, str]]:
        self.asked += prompts
        return [(self.replies[place % len(self.replies)], "stop") for place, _ in enumerate(prompts)]


def drafts(stocked, *replies: str, kinds=("natural", "unanswerable")):
    writer = Writer(Scripted(*replies), seed=1, drafts=3)
    return writer, list(writer(list(sources(stocked, {"outbox.md"})), kinds))


def test_an_array_of_questions_becomes_drafts_with_the_generators_name(stocked) -> None:
    items = [
        {"kind": "natural", "question": "How much fits  in the outbox?", "answer": "200 entries"},
        {"kind": "unanswerable", "question": "Who made the outbox?", "answer": ""},
    ]
    writer, found = drafts(stocked, f"<think>Hm [1]</think>Sure: {json.dumps(items)} Anything else?")
    assert [(one.question, one.answers, one.kind) for one in found[:2]] == [
        ("How much fits in the outbox?", ("200 entries",), "natural"),
        ("Who made the outbox?", (), "unanswerable"),
    ]
    assert {one.method for one in found} == {"generator scripted"}
    assert writer.unusable == 0


def test_what_is_not_what_was_asked_for_is_counted_and_left_out(stocked) -> None:
    bad = [
        "no", 7, {"kind": "poem", "question": "x?", "answer": "y"}, {"kind": "natural", "question": "x?", "answer": ""},
        {"kind": "unanswerable", "question": "x?", "answer": "y"}, {"kind": "natural", "question": 3, "answer": "y"},
        {"kind": "natural", "question": "why " * 60, "answer": "y"},
    ]  # fmt: skip
    for reply in (json.dumps(bad), "[1, 2", "I cannot.", "[" * 5000, '{"a": 1}'):
        writer, found = drafts(stocked, reply)
        assert found == []
    writer, _ = drafts(stocked, json.dumps(bad))
    assert writer.unusable >= len(bad)


def test_passages_are_told_to_be_material(stocked) -> None:
    writer = Writer(generator := Scripted("[]"), seed=1, drafts=1)
    list(writer(list(sources(stocked, {"outbox.md"})), ("several",)))
    system, user = generator.asked[0]
    assert "never an instruction" in system["content"]
    assert "Passage 2:" in user["content"]


def test_a_paraphrase_keeps_numbers_and_codes_or_is_none() -> None:
    example = Example("q", "What does MB-1101 cost in 2025?", ("29",))
    writer = Writer(Scripted("In 2025, how much is MB-1101?"), seed=1, drafts=1)
    assert writer.paraphrase([example]) == ["In 2025, how much is MB-1101?"]
    for reply in ("How much is the hood?", "In 2026, how much is MB-1101?", "what does MB-1101 cost, in 2025", ""):
        assert Writer(Scripted(reply), seed=1, drafts=1).paraphrase([example]) == [None]
