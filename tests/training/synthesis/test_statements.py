"""Sentences into questions: what each rule makes, and what none may touch."""

import pytest

from retrieval.documents import Chunk
from training.synthesis.drafts import Draft
from training.synthesis.sources import Source
from training.synthesis.statements import from_statements

COMMON = frozenset({"receipts", "quarantined", "payment", "orders"})


def drafts(statement: str, kind: str, document: str = "a") -> list[Draft]:
    source = Source(Chunk(document, 0, statement, 0, len(statement)), "Title", "", False, (statement,), (), (), COMMON)
    return [one for one in from_statements(source, 1) if one.kind == kind]


@pytest.mark.parametrize(
    ("statement", "question", "answer"),
    [
        ("The outbox holds 200 entries.", "How many entries does the outbox hold?", "200 entries"),
        ("A G2 takes up to 40 buoys per gateway.", "How many buoys does a G2 take per gateway?", "up to 40 buoys"),
        ("A scan takes 3 minutes.", "How long does a scan take?", "3 minutes"),
        ("A resit costs EUR 60.", "How much does a resit cost?", "EUR 60"),
        ("The deposit is EUR 400.", "What is the deposit?", "EUR 400"),
        ("The mast is 7 m high.", "How high is the mast?", "7 m"),
        ("Receipts are kept for 30 days.", "How long are receipts kept?", "30 days"),
        ("Rights are reviewed every three months.", "How often are Rights reviewed?", "every three months"),
        ("Payment is due within 14 days.", "When is payment due?", "within 14 days"),
        ("To stop the buoy, hold the magnet.", "How do you stop the buoy?", "hold the magnet"),
        ("If the lamp turns red, the outbox is full.", "What if the lamp turns red?", "the outbox is full"),
        ("A dashboard is a grid of columns.", "What is a dashboard?", "a grid of columns"),
        ("The clean-up stops when the disk is full.", "When does the clean-up stop?", "when the disk is full"),
        ("Locks are used to guard a resource.", "What are Locks used for?", "to guard a resource"),
    ],
)
def test_a_sentence_that_a_rule_fits_becomes_its_question(statement: str, question: str, answer: str) -> None:
    assert [(one.question, one.answers) for one in drafts(statement, "natural")] == [(question, (answer,))]


@pytest.mark.parametrize(
    "statement",
    [
        "It holds 200 entries.",  # what it is stands elsewhere
        "The last 50 deliveries are listed.",
        "Firmware is never changed in the last 48 hours.",
        "A full G1 keeps 14 days of readings when the network is down.",
        "If an application takes a lock, fails, and cannot free it, the lock expires.",
        "To prevent loss, in-flight messages are unaffected.",
        "Using it is a great way to save time.",
        "The default value is 5 seconds.",
        "Open the two halves and check the rubber strip.",
    ],
)
def test_a_sentence_that_no_rule_fits_for_sure_gives_no_question(statement: str) -> None:
    assert drafts(statement, "natural") == []


def test_a_claim_says_the_number_or_another_and_its_answer_says_which() -> None:
    verdicts = set()
    for number in range(20):
        statement = f"The outbox holds 2{number:02} entries."
        (claim,) = drafts(statement, "claim", f"d{number}")
        verdict, _, fact = claim.answers[0].partition(", ")
        assert fact == f"2{number:02} entries"
        assert (verdict == "Yes") == (f" 2{number:02} " in claim.question)
        verdicts.add(verdict)
    assert verdicts == {"Yes", "No"}


def test_a_gap_stands_for_a_number_or_a_code_and_not_for_half_a_date() -> None:
    (gapped,) = drafts("The app keeps the last 7 days of readings for favourite stations.", "cloze")
    assert gapped.question == "Fill the gap: The app keeps the last ___ of readings for favourite stations"
    assert gapped.answers == ("7 days",)
    assert drafts("The old page was valid from the first of May 2023 and replaced.", "cloze") == []
    assert drafts("Pin a version with the header Rookery-Date: 2026-02-01 in each call.", "cloze") == []
