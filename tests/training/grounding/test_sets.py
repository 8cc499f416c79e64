"""The public sets, in their own forms, and what is left out of them."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from training.grounding.sets import Asked, evaluation_data, fairytales, held_out, qamr, squad_json

HELD_OUT = "The castle on the northern hill was built by monks in 1204 and burned twice."


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_rows(
        tmp_path / "corpus.jsonl.gz",
        [
            {"id": "a", "title": "Hose", "text": "The hose is 42 mm wide.", "split": "train"},
            {"id": "b", "title": "Castle", "text": HELD_OUT, "split": "test"},
        ],
    )
    asked = {"question": "How  wide?", "answers": ["42 mm", "42 mm wide", "nothing like it"], "doc_ids": ["a"]}
    write_rows(tmp_path / "qa.jsonl.gz", [asked, asked | {"doc_ids": ["b"], "answers": ["1204"]}])
    seems = {"question": "How long is it?", "context_doc_id": "a"}
    write_rows(tmp_path / "qa_unanswerable.jsonl.gz", [seems, seems | {"context_doc_id": "b"}])
    return tmp_path


def test_of_the_evaluation_data_one_split_is_read(data: Path):
    (found,) = evaluation_data(data, "train")
    assert (found.id, found.title) == ("a", "Hose")
    assert found.questions == [("How wide?", "42 mm"), ("How long is it?", "")]


def test_an_answer_must_be_a_part_of_the_text_and_agreed_on():
    found = Asked("a", "", "A hose of 42 mm; the pump gives 7 bar; red.")
    found.ask("Which?", ["2 mm"])  # inside of another word
    found.ask("Which?", ["red", "7 bar", "hose"])  # no two say the same
    assert found.questions == []
    found.ask("Which?", ["7 bar", "7 bar", "red"])
    assert found.questions == [("Which?", "7 bar")]


def test_other_sets_lose_what_shares_words_with_held_out_texts(data: Path, tmp_path: Path):
    forbidden = held_out(data)
    paragraphs = [
        {"context": "Inside: " + HELD_OUT.upper(), "qas": []},
        {"context": "The pump gives 7 bar.", "qas": [{"question": "How much?", "answers": [{"text": "7 bar"}]}]},
    ]
    file = tmp_path / "other.json"
    file.write_text(json.dumps({"data": [{"title": "Some_Pump", "paragraphs": paragraphs}]}))
    (found,) = squad_json(file, forbidden)
    assert (found.title, found.questions) == ("Some Pump", [("How much?", "7 bar")])

    lines = [
        "#wiki:one:2:7",
        "The pump gives 7 bar.",
        "How much does it give?".ljust(50) + "7 bar\t7 bar",
        "What does it?".ljust(50) + "The pump\tgives",
        "",
        "#wiki:two:1:1",
        HELD_OUT,
        "Who built it?".ljust(50) + "monks\tmonks",
    ]
    (tmp_path / "qamr.tsv").write_text("\n".join(lines))
    (sentences,) = qamr(tmp_path / "qamr.tsv", forbidden)
    assert sentences.questions == [("How much does it give?", "7 bar")]

    for kind, name, rows in (
        ("section-stories", "the-fox-story.csv", f'section,text\n1,"The fox ate a  goose."\n2,"{HELD_OUT}"\n'),
        (
            "questions",
            "the-fox-questions.csv",
            'question,answer1,cor_section\nWhat did it eat?,A goose.,"1,2"\nWho built it?,monks,2\n',
        ),
    ):
        place = tmp_path / "fairy" / kind / "train"
        place.mkdir(parents=True)
        (place / name).write_text(rows)
    (story,) = fairytales(tmp_path / "fairy", forbidden)
    assert (story.title, story.questions) == ("The fox", [("What did it eat?", "a goose")])
