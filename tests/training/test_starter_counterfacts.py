import re
from random import Random

import pytest

from training.starter import counterfacts
from training.starter.counterfacts import Counterfacts
from training.starter.questions import Question

ASKED = [
    ("Who opened the mill?", 0, "Ann Reed"),
    ("When was the mill opened?", 0, "1901"),
    ("What became of it?", 1, "a museum"),
    ("What did Ann Reed leave behind?", 1, "the mill of Ann Reed"),
    ("Who owns it?", None, None),
]
TEXTS = [
    ("In 1901 Ann Reed opened the mill. It had 19011 windows.", "Mills"),
    ("Later the mill of Ann Reed became a museum.", "Ann Reed"),
]


@pytest.fixture
def others(monkeypatch) -> Counterfacts:
    """Exchanges whatever it can, for the only one of its kind that is not the answer itself."""
    monkeypatch.setattr(counterfacts, "SHARE", 1.0)
    told = [("Who sings?", "Tom Hall"), ("When does it end?", "1877"), ("What is that?", "a river")]
    return Counterfacts([Question(question, answer, 0, "p") for question, answer in told])


def test_names_and_numbers_are_exchanged_wherever_they_stand(others):
    texts, asked = others.tell(Random(1), TEXTS, ASKED)
    assert texts == [
        ("In 1877 Tom Hall opened the mill. It had 19011 windows.", "Mills"),
        ("Later the mill of Tom Hall became a museum.", "Tom Hall"),
    ]
    assert asked == [
        ("Who opened the mill?", 0, "Tom Hall"),
        ("When was the mill opened?", 0, "1877"),
        ("What became of it?", 1, "a museum"),
        ("What did Tom Hall leave behind?", 1, "the mill of Tom Hall"),
        ("Who owns it?", None, None),
    ]


def test_nothing_is_exchanged_for_what_stands_there_already(others):
    texts = [*TEXTS, ("Tom Hall came in 1877.", "")]
    assert others.tell(Random(1), texts, ASKED) == (texts, ASKED)


def test_an_answer_that_is_cut_in_two_is_asked_for_no_more(others):
    texts = [("It was Ann Reed-Miller who opened it in 1901.", "")]
    asked = [
        ("Who opened it?", 0, "Ann Reed"),
        ("And when?", 0, "1901"),
        ("Which name has a hyphen?", 0, "Reed-Miller"),
    ]
    assert others.tell(Random(1), texts, asked) == (
        [("It was Tom Hall-Miller who opened it in 1877.", "")],
        [("Who opened it?", 0, "Tom Hall"), ("And when?", 0, "1877")],
    )


def test_the_first_question_stays_whole(others):
    texts = [("It was Ann Reed-Miller who opened it.", "")]
    asked = [("Which name has a hyphen?", 0, "Reed-Miller"), ("Who opened it?", 0, "Ann Reed")]
    assert others.tell(Random(1), texts, asked) == (texts, asked)


def test_only_a_share_is_exchanged(others, monkeypatch):
    monkeypatch.setattr(counterfacts, "SHARE", 0.5)
    random = Random(2)
    told = [others.tell(random, TEXTS, ASKED)[0][0][0] for _ in range(200)]
    assert 60 < sum("Tom Hall" in text for text in told) < 140
    assert all(bool(re.search("Tom Hall|Ann Reed", text)) for text in told)
