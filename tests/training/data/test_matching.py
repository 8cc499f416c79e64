import pytest

from training.data.matching import first_verbatim, holds_answer, question_key, supporting
from training.scoring.tokens import tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Quick, brown FOX.", ["quick", "brown", "fox"]),
        ("-1,234.5mm", ["-1234.5", "mm"]),
        ("pH-11 at 5°C or 5 %", ["ph-11", "at", "5", "°", "c", "or", "5", "%"]),
        ("东京2020", ["东", "京", "2020"]),
        ("पानी का", ["पानी", "का"]),
        ("soft\u00adhyphen ﬁne", ["softhyphen", "fine"]),
        ("...", []),
    ],
)
def test_tokens(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


@pytest.mark.parametrize(
    ("text", "answer", "held"),
    [
        ("The battery lasts 42 mm.", "42 MM", True),
        ("It was built in 2010.", "10", False),
        ("pi is 3.12", "12", False),
        ("pi is 3.12", "3.12", True),
        ("between -5 °C and 40 °C", "5 °C", False),
        ("between -5 °C and 40 °C", "-5°C", True),
        ("costs 1,000 euros", "1000", True),
        ("the Eiffel Tower", "Eiffel tower", True),
        ("in Eiffel towers", "Eiffel Tower", False),
        ("press the A key", "A", True),
        ("press a key", "???", False),
        ("weiter: ???", "???", True),
        ("东京是日本的首都", "日本", True),
    ],
)
def test_an_answer_is_held_as_whole_words(text: str, answer: str, held: bool) -> None:
    assert holds_answer(text, [answer]) is held


def test_a_documents_only_chunk_supports_it_and_of_several_those_with_the_answer() -> None:
    assert supporting(["nothing of the kind"], ["42"]) == [0]
    assert supporting(["x", "it is 42", "42 again"], ["42"]) == [1, 2]
    assert supporting(["x", "y"], ["42"]) == []
    assert supporting([], ["42"]) == []


def test_the_first_answer_that_stands_literally() -> None:
    assert first_verbatim(["the range is ten metres"], ["10 m", "Ten metres", "ten metres"]) == "ten metres"
    assert first_verbatim(["since 2010"], ["10", "2010"]) == "2010"
    assert first_verbatim(["nothing"], ["a1", "a2"]) == "a1"


def test_questions_are_the_same_but_for_case_articles_and_punctuation() -> None:
    assert question_key("What is  the range?") == question_key("what is a range")
    assert question_key("What is the range?") != question_key("What is the rate?")
    assert question_key("???") != question_key("!")


def test_a_passage_holds_the_fact_behind_a_verdict() -> None:
    assert holds_answer("They are kept for 30 days.", ["No, 30 days"])
    assert not holds_answer("They are kept for 30 days.", ["No, 90 days"])
    assert not holds_answer("They are kept for 30 days.", ["No"])
