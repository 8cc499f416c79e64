"""Answers of several systems with their passages."""

import base64
import hashlib
import json
import re
from types import SimpleNamespace
from typing import Any

import pytest

from retrieval.documents import Chunk
from training.evaluation.evaluate import ArmResult, Record
from training.report.answers_page import render_answers
from training.report.side_by_side import WINDOW, Shown, side_by_side

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
FILLER = "Nothing of note. " * 100
CHUNKS = [
    Chunk("valve.md", 0, "The gate valve opens at **4.5 bar** and weighs 12 kg.", 0, 0, "The valve\nPressure"),
    Chunk("valve.md", 1, "Paint it.", 0, 0, "The valve"),
    Chunk("pump.md", 0, f"The pump starts at 9 bar. {HOSTILE} \U0001f30a 4.5 bar", 0, 0),
    Chunk("long.md", 0, f"{FILLER}It weighs 80 kg. {FILLER}", 0, 0),
]


class Catalog:
    def live_chunks(self, names: list[str]) -> list[Any]:
        return [SimpleNamespace(chunk=chunk) for chunk in CHUNKS if chunk.document_id in names]


def record(id: str, answer: str, outcome: str, passages: tuple[str, ...], **changes: Any) -> Record:
    fields: dict[str, Any] = {
        "question": f"Question {id}?",
        "group": id,
        "answers": ("4.5 bar",),
        "document_ids": ("valve.md",),
        "weak": False,
        "ranked": (),
        "similarity": 0.5,
        "retrieval": None,
        "answer_score": 1.0 if outcome in ("correct", "correctly_abstained") else 0.0,
    }
    return Record(id=id, answer=answer, outcome=outcome, passages=passages, **{**fields, **changes})  # type: ignore[arg-type]


def arm(name: str, *records: Record) -> Shown:
    return Shown(ArmResult(name, False, False, "", records), 2)


FOUND, MISSED = ("valve.md#0", "pump.md#0", "long.md#0"), ("pump.md#0",)
NONE: dict[str, Any] = {"answers": (), "document_ids": ()}
OLD = arm(
    "untouched",
    record("fixed", "9 bar [2]", "wrong", FOUND),
    record("broken", "4.5 bar [1]", "correct", FOUND),
    record("wrong", "9 bar [1]", "wrong", MISSED),
    record("right", "No.", "correctly_abstained", MISSED, **NONE),
)
NEW = arm(
    "both tuned",
    record("fixed", "4.5 bar [1]", "correct", FOUND),
    record("broken", HOSTILE, "wrong", FOUND),
    record("wrong", "9 bar [1]", "wrong", MISSED),
    record("right", "No.", "correctly_abstained", MISSED, **NONE),
)


def made(*systems: Shown) -> dict[str, Any]:
    return side_by_side(Catalog(), systems or (OLD, NEW), run="r", release="r0002-ab")  # type: ignore[arg-type]


def test_questions_are_counted_by_what_became_of_them() -> None:
    value = made()
    assert [row["turn"] for row in value["questions"]] == ["fixed", "broken", "both wrong", "both right"]
    assert value["counts"] == {"fixed": 1, "broken": 1, "both wrong": 1, "both right": 1}
    assert value["buckets"]["not retrieved"] == 1
    assert json.loads(json.dumps(value)) == value


def test_a_passage_is_kept_once_and_only_those_that_the_prompt_shows() -> None:
    value = made()
    assert [one["document"] for one in value["passages"]] == ["valve.md", "pump.md"]
    assert value["passages"][0]["title"] == "The valve"
    first = value["questions"][0]["passages"]
    assert [one["ranks"] for one in first] == [{"untouched": 1, "both tuned": 1}, {"untouched": 2, "both tuned": 2}]
    assert [one["right"] for one in first] == [True, False]


def test_the_places_of_the_answers_are_marked() -> None:
    value = made()
    valve, pump = value["questions"][0]["passages"]

    def said(place: dict[str, Any]) -> list[tuple[str, str]]:
        text = value["passages"][place["passage"]]["text"]
        return [(text[start:end], label) for start, end, label in place["marks"]]

    assert said(valve) == [("4.5 bar", "expected"), ("4.5 bar", "both tuned")]
    assert said(pump) == [("4.5 bar", "expected"), ("9 bar", "untouched"), ("4.5 bar", "both tuned")]


def test_the_right_passage_is_shown_also_where_nobody_was_given_it() -> None:
    places = made()["questions"][2]["passages"]
    assert [(one["right"], one["ranks"] == {}) for one in places] == [(False, False), (True, True)]


def test_a_number_is_not_found_within_another() -> None:
    asked = record("q", "5 bar", "wrong", ("valve.md#0",))
    value = made(arm("a", asked), arm("b", asked))
    assert {mark[2] for mark in value["questions"][0]["passages"][0]["marks"]} == {"expected"}


def test_of_a_long_passage_the_piece_with_the_answer_is_kept() -> None:
    asked = record("q", "80 kg", "correct", ("long.md#0",), answers=("80 kg",), document_ids=("long.md",))
    value = made(arm("a", asked), arm("b", asked))
    (passage,), (place,) = value["passages"], value["questions"][0]["passages"]
    start, end, _ = place["marks"][0]
    assert passage["text"][start:end] == "80 kg"
    assert len(passage["text"]) == WINDOW
    assert passage["before"] + WINDOW + passage["after"] == len(CHUNKS[3].text)


def test_half_a_character_can_be_written() -> None:
    asked = record("q", "a \ud83c b", "wrong", ("valve.md#0",))
    assert made(arm("a", asked), arm("b", asked))["questions"][0]["said"][0]["answer"] == "a ? b"


def test_the_page_is_well_formed_and_runs_nothing_but_its_own_script() -> None:
    page = render_answers(made())
    assert page.count("<script") == 2
    assert "<img" not in page
    assert page.count("The pump starts") == 1
    assert "http://" not in page
    assert "https://" not in page


def test_the_policy_names_the_script_that_the_page_holds() -> None:
    page = render_answers(made())
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"sha256-{digest}'" in page


def test_filters_tell_how_many_questions_they_leave() -> None:
    page = render_answers(made())
    assert 'value="fixed" aria-pressed="false">▲ fixed <span class="n">1</span>' in page
    assert page.count("<article") == 4


def test_another_schema_is_refused() -> None:
    with pytest.raises(ValueError, match="make them again"):
        render_answers({**made(), "schema": 0})
