"""Questions said otherwise: what changes, what must not, and what is skipped."""

from random import Random

import pytest

from retrieval.documents import Passage
from training.data.examples import Example
from training.synthesis.augment import METHODS, augment
from training.synthesis.rewording import careless, denied, in_key_words, indirect, misspelled, turned_round

ASKED = Example(
    "q", "What is the lead time of MB-1101?", ("30 days",), ("spares.md",), split="train", metadata={"kind": "natural"}
)
CLAIMED = Example("c", "Is it true that MB-1101 costs EUR 29?", ("Yes, EUR 29",), ("spares.md",), split="train")


def search(questions: list[str]) -> list[list[Passage]]:
    return [[Passage("spares.md", "spares.md#0", "text", "", 1.0, 1, 0.5)] for _ in questions]


def made(*examples: Example, methods=METHODS, held_out=(), find=search, **more):
    return augment(examples, methods, find, held_out, {}, seed=1, within=3, **more)


def test_slips_spare_names_numbers_and_codes() -> None:
    question = "At which pressure does valve MB-1101 open before v2.4 was installed?"
    for seed in range(50):
        slipped = misspelled(question, Random(seed))
        assert slipped is not None
        assert "MB-1101" in slipped
        assert "v2.4" in slipped
        assert slipped != question
    assert misspelled("MB-1101 v2.4?", Random(1)) is None


def test_rewordings_are_made_where_the_rule_is_sure() -> None:
    draw = Random(1)
    assert turned_round("What is the price of a hood?", draw) == "A hood: what is its price?"
    assert turned_round("Who sells hoods?", draw) is None
    assert in_key_words("At what pressure does the heron open?", draw) == "pressure heron open"
    assert in_key_words("heron pressure", draw) is None
    assert (indirect("What is the deposit for a hood?", draw) or "").partition("what ")[2].rstrip("?.") == (
        "the deposit for a hood is"
    )
    assert indirect("What is the temperature measured in?", draw) is None
    assert indirect("What is the lamp that is red?", draw) is None
    assert {careless("What is it?", Random(seed)) for seed in range(20)} >= {"what is it", "hi, what is it"}


def test_a_denied_claim_has_the_opposite_verdict_and_nothing_else_is_denied() -> None:
    assert denied(CLAIMED.question, "Yes, EUR 29") == ("Is it wrong that MB-1101 costs EUR 29?", "No, EUR 29")
    assert denied("Is MB-1101 cheap?", "Yes") is None
    assert denied(CLAIMED.question, "EUR 29") is None


def test_every_row_says_how_it_was_made_of_which_and_stays_in_train() -> None:
    result = made(ASKED, CLAIMED)
    assert set(result.methods) == set(METHODS)
    assert sum(result.methods.values()) == len(result.rows)
    for row in result.rows:
        assert row["split"] == "train"
        assert row["metadata"]["augmented"] in ("q", "c")
        assert row["metadata"]["method"] in METHODS
        assert row["document_ids"] == ["spares.md"]
    assert len({row["id"] for row in result.rows}) == len(result.rows)
    assert made(ASKED, CLAIMED) == result


@pytest.mark.parametrize("without", METHODS)
def test_each_method_can_be_left_out(without: str) -> None:
    methods = tuple(one for one in METHODS if one != without)
    assert set(made(ASKED, CLAIMED, methods=methods).methods) == set(methods)


def test_rows_near_held_out_questions_or_not_found_again_are_dropped() -> None:
    result = made(ASKED, methods=("paraphrase",), held_out=["MB-1101: what is its lead time"])
    assert result.rows == ()
    assert result.dropped == {"near a question of validation or test": 1}

    def nothing(questions: list[str]) -> list[list[Passage]]:
        return [[] for _ in questions]

    result = made(ASKED, methods=("paraphrase",), find=nothing)
    assert result.dropped == {"not found again within 3": 1}


def test_what_was_augmented_or_made_for_the_embedder_is_not_augmented() -> None:
    again = Example("a", "How long?", ("x",), ("spares.md",), metadata={"augmented": "q"})
    query = Example("b", "Some sentence of it.", ("x",), ("spares.md",), metadata={"trains": "embedder"})
    assert made(again, query).rows == ()


def test_a_generators_paraphrase_comes_before_the_rules() -> None:
    result = made(ASKED, methods=("paraphrase",), paraphrase=lambda examples: ["How soon does MB-1101 come?"])
    assert [row["question"] for row in result.rows] == ["How soon does MB-1101 come?"]
