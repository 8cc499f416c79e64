import csv
import gzip
import json
from argparse import Namespace
from pathlib import Path

import pytest

from training.starter.build import questions_of
from training.starter.questions import Question, Questions, fairytales, held_out, qamr, runs, squad, squad_json

HELD_OUT = "The test river rises in the hills near Oldtown, and it flows west."


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Evaluation data with a paragraph of each split."""
    splits = ("train", "test", "validation")
    corpus = [
        {"id": f"p{n}", "title": "Rivers", "article": "rivers", "split": split, "text": HELD_OUT.replace("test", split)}
        for n, split in enumerate(splits)
    ]
    asked = [
        {"question": "Where?", "answers": ["the hills", "hills", "hills"], "doc_ids": [f"p{n}"], "split": split}
        for n, split in enumerate(splits)
    ]
    asked.append({"question": "stray", "answers": ["hills"], "doc_ids": ["p1"], "split": "train"})
    asked.append({"question": "of another split", "answers": ["hills"], "doc_ids": ["p0"], "split": "test"})
    asked.append({"question": "not said", "answers": ["mountains"], "doc_ids": ["p0"], "split": "train"})
    absent = [
        {"question": "Who?", "answers": [], "doc_ids": [], "context_doc_id": f"p{n}", "split": split}
        for n, split in enumerate(splits)
    ]
    absent.append({"question": "of another split", "context_doc_id": "p0", "split": "test"})
    for name, rows in (("corpus", corpus), ("qa", asked), ("qa_unanswerable", absent)):
        with gzip.open(tmp_path / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
    return tmp_path


def test_only_the_train_split_is_read(data):
    found = squad(data)
    assert list(found.text) == ["p0"]
    assert found.questions == [Question("Where?", "hills", 29, "p0")]
    assert found.unanswerable == [("Who?", "p0")]


def test_a_held_out_paragraph_is_known_again_without_case_and_punctuation(data):
    forbidden = held_out(data)
    assert not forbidden.isdisjoint(runs("They say: THE TEST RIVER -- rises in the hills near Oldtown!"))
    assert forbidden.isdisjoint(runs("The train river rises in the hills near"))


def test_a_file_of_squads_form_loses_what_is_held_out(data, tmp_path: Path):
    paragraphs = [
        {
            "context": text,
            "qas": [{"question": "Where?", "answers": [{"text": "hills"}, {"text": "hills"}, {"text": "the hills"}]}],
        }
        for text in (HELD_OUT, "Other rivers rise in the hills of the south.")
    ]
    file = tmp_path / "more.json"
    file.write_text(json.dumps({"data": [{"title": "Long_rivers", "paragraphs": paragraphs}]}))
    found = squad_json(file, held_out(data))
    assert found.questions == [Question("Where?", "hills", 25, "more:Long rivers:1")]
    assert found.title == {"more:Long rivers:1": "Long rivers"}

    together = questions_of(Namespace(squad=str(data), squad_json=[str(file)], qamr=[], fairytales=None))
    assert [question.paragraph for question in together.questions] == ["p0", "more:Long rivers:1"]
    assert together.article == {"rivers": ["p0"], "Long rivers": ["more:Long rivers:1"]}


def test_fairytales_are_answered_in_their_own_words(tmp_path: Path):
    def write(path: Path, header: str, rows: list[list[str]]) -> None:
        path.parent.mkdir(parents=True)
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([header.split(), *rows])

    sections = [
        ["1", "Once a troll lived\nunder a bridge."],
        ["2", "The GOAT came, and\nthe troll fled."],
        ["3", HELD_OUT],
    ]
    write(tmp_path / "section-stories" / "train" / "the-goat-story.csv", "section text", sections)
    asked = [
        ["2", "Who came?", "the goat."],
        ["1,2", "Who fled?", "The troll"],
        ["1", "Why?", "He was afraid"],
        ["2", "Which grain?", "oat"],
        ["3", "Where?", "hills"],
    ]
    write(tmp_path / "questions" / "train" / "the-goat-questions.csv", "cor_section question answer1", asked)
    found = fairytales(tmp_path, runs(HELD_OUT))
    assert found.questions == [
        Question("Who came?", "The GOAT", 0, "the-goat:2"),
        Question("Who fled?", "the troll", 19, "the-goat:2"),
    ]
    assert found.text["the-goat:1"] == "Once a troll lived under a bridge."
    assert set(found.title.values()) == {"The goat"}


def test_of_qamr_only_what_people_agree_on_is_kept(tmp_path: Path):
    def asked(question: str, *answers: str) -> str:
        return f"{question:<50}" + "\t".join(answers)

    blocks = [
        [
            "#wiki:7:1:0",
            "The goat crossed the bridge.",
            asked("Who crossed?", "goat", "goat"),
            asked("What?", "bridge", "the bridge"),
            asked("Cut of", "goat", "goat"),
        ],
        ["#wiki:7:1:1", HELD_OUT, asked("Where?", "hills", "hills")],
    ]
    file = tmp_path / "dev.tsv"
    file.write_text("\n\n".join("\n".join(block) for block in blocks) + "\n\n")
    found = qamr(file, runs(HELD_OUT))
    assert found.questions == [Question("Who crossed?", "goat", 4, "#wiki:7:1:0")]
    assert found.text == {"#wiki:7:1:0": "The goat crossed the bridge."}


def test_where_an_answer_stands_twice_the_place_nearest_to_the_question_counts():
    found = Questions()
    text = "The mill was built in 1901. " + "It has been rebuilt since. " * 6 + "The bridge was opened in 1901, too."
    found.paragraph("p", "town", "Town", text)
    found.question("When was the bridge opened?", ["1901"], "p")
    found.question("When was the mill built?", ["1901"], "p")
    assert [question.start for question in found.questions] == [text.rindex("1901"), text.index("1901")]


def test_what_most_people_answered_counts_and_nothing_where_they_disagree():
    found = Questions()
    found.paragraph("p", "town", "Town", "The old stone bridge over the Oder was opened by the queen in May.")
    found.question("What was opened?", ["stone bridge", "The old stone bridge", "May"], "p")
    found.question("By whom?", ["the queen", "Oder"], "p")
    found.question("What is in it?", ["ridge"], "p")
    assert [question.answer for question in found.questions] == ["stone bridge"]
