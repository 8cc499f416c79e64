"""Rows that go on with further questions on the same passages."""

import pytest

from retrieval.documents import Passage
from retrieval.prompt import Prompt, render
from training.data.examples import Example
from training.data.supervised import SupervisedRow
from training.grounding.conversations import converse

PROMPT = Prompt()
CHUNKS = {
    "hose#0": Passage("hose", "hose#0", "The hose is 42 mm wide and 3 m long.", "", 0.0, 0, 0.0),
    "pump#0": Passage("pump", "pump#0", "The pump gives 7 bar.", "", 0.0, 0, 0.0),
}


def example(identifier: str, question: str, *answers: str, document: str = "hose") -> Example:
    return Example(identifier, question, answers, (document,) if answers else ())


ASKED = {
    "hose": [
        example("wide", "How wide is it?", "42 mm"),
        example("long", "How long is it?", "3 m"),
        example("colour", "Of what colour is it?", "red"),
        example("price", "What is the price?"),
    ],
    "pump": [example("bar", "How much does it give?", "7 bar", document="pump")],
}


@pytest.fixture
def row() -> SupervisedRow:
    messages = render("How wide is it?", list(CHUNKS.values()), PROMPT)
    return SupervisedRow("wide", tuple(messages), "42 mm [1]", tuple(CHUNKS), True, True, 1, (1,), True, "train", False)


def turns_of(row: SupervisedRow) -> list[tuple[str, str]]:
    texts = [message["content"] for message in row.messages[3:]]
    return list(zip(texts[::2], [*texts[1::2], row.completion], strict=True))


def test_what_the_passages_answer_is_asked_with_its_passage(row: SupervisedRow):
    (found,) = converse([row], ASKED, CHUNKS, PROMPT, turns=6, refused_share=0.0, seed=17)
    assert found.messages[:2] == row.messages, "the first turn is what serving sends"
    assert found.messages[2] == {"role": "assistant", "content": "42 mm [1]"}
    said = {"Question: How long is it?": "3 m [1]", "Question: How much does it give?": "7 bar [2]"}
    assert dict(turns_of(found)) == said
    assert [message["role"] for message in found.messages] == ["system", *["user", "assistant"] * 2, "user"]


def test_what_they_do_not_answer_is_refused(row: SupervisedRow):
    (found,) = converse([row], ASKED, CHUNKS, PROMPT, turns=6, refused_share=1.0, seed=17)
    assert {question for question, _ in turns_of(found)} == {
        "Question: Of what colour is it?",
        "Question: What is the price?",
    }
    assert {answer for _, answer in turns_of(found)} == {PROMPT.abstention}


def test_no_more_turns_than_asked_for_and_the_same_for_a_seed(row: SupervisedRow):
    assert converse([row], ASKED, CHUNKS, PROMPT, turns=1, refused_share=0.2, seed=17) == [row]
    (two,) = converse([row], ASKED, CHUNKS, PROMPT, turns=2, refused_share=0.0, seed=17)
    assert len(turns_of(two)) == 1
    assert converse([row], ASKED, CHUNKS, PROMPT, turns=2, refused_share=0.0, seed=17) == [two]
