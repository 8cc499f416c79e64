"""Exact match, F1 and ROUGE-L against hand-worked values; the five outcomes."""

import pytest

from training.answer_metrics import (
    CORRECT_F1,
    OUTCOMES,
    exact_match,
    normalise,
    rouge_l,
    score_answer,
    token_f1,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The  Eiffel Tower!", "eiffel tower"),
        ("a cat, an owl and the dog", "cat owl and dog"),
        ("1,490", "1490"),
        ("don't", "dont"),
        ("theatre", "theatre"),
        ("ÄRGER", "ärger"),
        ("", ""),
    ],
)
def test_normalise_as_squad_does(text: str, expected: str) -> None:
    assert normalise(text) == expected


def test_exact_match_takes_any_reference() -> None:
    assert exact_match("the 42 mm.", ["40 mm", "42 mm"]) == 1.0
    assert exact_match("42", ["40 mm", "42 mm"]) == 0.0


def test_an_answer_of_punctuation_is_not_an_empty_answer() -> None:
    assert exact_match("", ["+"]) == 0.0
    assert exact_match("+", ["+"]) == 1.0
    assert token_f1("", ["+"]) == 0.0


@pytest.mark.parametrize(
    ("answer", "references", "expected"),
    [
        ("42 mm", ["42 mm"], 1.0),
        ("cable is 42 mm", ["42 mm"], 2 * 2 / (4 + 2)),
        ("mm mm", ["42 mm"], 2 * 1 / (2 + 2)),  # a repeated word counts once
        ("nothing shared", ["42 mm"], 0.0),
        ("42", ["nine", "42 mm"], 2 * 1 / (1 + 2)),  # the best reference counts
        ("", ["42 mm"], 0.0),
    ],
)
def test_token_f1(answer: str, references: list[str], expected: float) -> None:
    assert token_f1(answer, references) == pytest.approx(expected)


def test_rouge_l_needs_the_order_that_f1_ignores() -> None:
    # The longest common subsequence of (b, a, c) and (a, b, c) has 2 words.
    assert rouge_l("bee ant cow", ["ant bee cow"]) == pytest.approx(2 * 2 / (3 + 3))
    assert token_f1("bee ant cow", ["ant bee cow"]) == 1.0
    assert rouge_l("police killed the gunman", ["police kill the gunman"]) == pytest.approx(0.75)
    assert rouge_l("", ["x"]) == 0.0


@pytest.mark.parametrize(
    ("answer", "references", "abstained", "outcome", "score"),
    [
        ("It is 42 mm [2].", ["42 mm"], False, "correct", 2 * 2 / (4 + 2)),
        ("42 mm [1]", ["42 mm"], False, "correct", 1.0),
        ("the cable has a length of nine mm", ["42 mm"], False, "wrong", 2 * 1 / (6 + 2)),
        ("I cannot find this.", ["42 mm"], True, "skipped", 0.0),
        ("I cannot find this.", [], True, "correctly_abstained", 1.0),
        ("42 mm", [], False, "hallucinated", 0.0),
    ],
)
def test_outcome_and_score(answer: str, references: list[str], abstained: bool, outcome: str, score: float) -> None:
    scores = score_answer(answer, references, abstained=abstained)
    assert scores.outcome == outcome
    assert scores.f1 == pytest.approx(score)
    assert outcome in OUTCOMES


def test_an_f1_of_exactly_the_threshold_is_correct() -> None:
    assert token_f1("one two", ["one three"]) == CORRECT_F1
    assert score_answer("one two", ["one three"], abstained=False).outcome == "correct"
    assert score_answer("one two four", ["one three"], abstained=False).outcome == "wrong"


def test_marks_do_not_spoil_an_exact_match() -> None:
    assert score_answer("48 hours [1][3].", ["48 hours"], abstained=False).exact_match == 1.0
