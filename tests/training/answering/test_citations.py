"""Marks into quotations: the right sentence, nothing invented."""

import pytest

from retrieval.documents import Passage
from training.answering.citations import cite, quote

TEXT = "The cap lasts 24 months. It may stay dry for 48 hours.\n\n- Torque: 2.4 N m\n- Port: 8443"


def passage(text: str, name: str = "manual.md") -> Passage:
    return Passage(name, f"{name}#0", text, "", score=1.0, rank=1, similarity=0.5)


def test_quote_is_the_sentence_that_holds_the_answer() -> None:
    assert quote("48 hours", TEXT) == "It may stay dry for 48 hours."
    assert quote("The port is 8443", TEXT) == "Port: 8443"


def test_of_two_equal_sentences_the_shorter_then_the_earlier_is_quoted() -> None:
    assert quote("red", "The lamp on the left is red. It is red. So is red.") == "It is red."


def test_quote_of_an_unsupported_claim_tells_what_the_passage_is_about() -> None:
    assert quote("bananas", TEXT) == "The cap lasts 24 months."
    assert quote("", f"# Caps\n\n{TEXT}") == "The cap lasts 24 months."
    assert quote("bananas", "# Caps") == "Caps"
    assert quote("bananas", "---") == "---"


def test_a_heading_is_quoted_only_where_nothing_else_says_it() -> None:
    assert quote("Leine pump", "# Leine pump\n\nThe Leine pump is blue.") == "The Leine pump is blue."
    assert quote("Leine pump", "# Leine pump\n\nIt is blue.") == "Leine pump"


def test_a_row_is_quoted_with_its_header() -> None:
    table = "| Model | Weight |\n|---|---|\n| Leine | 55 kg |\n| Isar | 28 kg |"
    assert quote("28 kg", table) == "Model: Isar; Weight: 28 kg"


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
