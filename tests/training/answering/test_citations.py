"""Marks into quotations: exact substrings, the right sentence, nothing invented."""

import pytest

from retrieval.documents import Passage
from training.answering.citations import cite, quote, sentences

TEXT = "The cap lasts 24 months. It may stay dry for 48 hours.\n\n- Torque: 2.4 N m\n- Port: 8443"


def passage(text: str, name: str = "manual.md") -> Passage:
    return Passage(name, f"{name}#0", text, "", score=1.0, rank=1, similarity=0.5)


def test_sentences_are_exact_substrings_in_order() -> None:
    assert list(sentences(TEXT)) == [
        "The cap lasts 24 months.",
        "It may stay dry for 48 hours.",
        "- Torque: 2.4 N m",
        "- Port: 8443",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Version 3.5 is out. Use it.", ["Version 3.5 is out.", "Use it."]),
        ('He said "stop!" Then left.', ['He said "stop!"', "Then left."]),
        ("a short line\nthat goes on. End", ["a short line\nthat goes on.", "End"]),
        ("x" * 70 + "\nNeedle was wrapped here", ["x" * 70 + "\nNeedle was wrapped here"]),
        ("Row one\nRow two\n", ["Row one", "Row two"]),
        ("  \n\n ", []),
        ("", []),
    ],
)
def test_sentence_boundaries(text: str, expected: list[str]) -> None:
    found = list(sentences(text))
    assert found == expected
    assert all(sentence in text for sentence in found)


def test_quote_is_the_sentence_that_holds_the_answer() -> None:
    assert quote("48 hours", TEXT) == "It may stay dry for 48 hours."
    assert quote("The port is 8443", TEXT) == "- Port: 8443"


def test_of_two_equal_sentences_the_shorter_then_the_earlier_is_quoted() -> None:
    assert quote("red", "The lamp on the left is red. It is red. So is red.") == "It is red."


def test_quote_of_an_unsupported_claim_is_empty() -> None:
    assert quote("bananas", TEXT) == ""
    assert quote("", TEXT) == ""


def test_each_mark_quotes_for_what_was_said_before_it() -> None:
    first = passage("The cap lasts 24 months. The port is 8443.", "a.md")
    second = passage("The port is 8443. The cap lasts 24 months.", "b.md")
    citations = cite("The cap lasts 24 months [2]. The port is 8443 [1].", [first, second])
    assert [(one.document_id, one.chunk_id, one.quote) for one in citations] == [
        ("b.md", "b.md#0", "The cap lasts 24 months."),
        ("a.md", "a.md#0", "The port is 8443."),
    ]


def test_marks_that_stand_together_share_the_claim() -> None:
    passages = [passage("Other text. Dry for 48 hours.", "a.md"), passage("48 hours dry. Nothing.", "b.md")]
    assert [one.quote for one in cite("48 hours [1][2]", passages)] == ["Dry for 48 hours.", "48 hours dry."]


def test_a_mark_before_the_text_quotes_for_the_whole_answer() -> None:
    assert [one.quote for one in cite("[1] says 48 hours", [passage(TEXT)])] == ["It may stay dry for 48 hours."]


@pytest.mark.parametrize("answer", ["48 hours", "48 hours [0]", "48 hours [7]", "48 hours [x]"])
def test_no_citation_is_invented(answer: str) -> None:
    assert cite(answer, [passage(TEXT)]) == ()
