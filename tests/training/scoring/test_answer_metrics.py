"""The answer score, exact match, F1 and ROUGE-L against hand-worked values; the five outcomes."""

import json
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from training.evaluation.comparison import compare_arms
from training.evaluation.evaluate import ArmResult, Record
from training.evaluation.verdict import decide
from training.scoring.answer_metrics import (
    CORRECT_SCORE,
    OUTCOMES,
    exact_match,
    rouge_l,
    score_answer,
    squad_words,
    token_f1,
)

JUDGED = [json.loads(line) for line in (Path(__file__).parent / "judged_pairs.jsonl").read_text().splitlines()]
NUMERIC = ("number", "unit", "code", "date", "negation")


def correct(pair: dict[str, object]) -> bool:
    scores = score_answer(
        str(pair["answer"]),
        pair["references"],  # type: ignore[arg-type]
        abstained=False,
        question=str(pair["question"]),
    )
    assert (scores.answer_score >= CORRECT_SCORE) == (scores.outcome == "correct") or scores.outcome == "wrong"
    return scores.outcome == "correct"


@pytest.mark.parametrize("pair", [p for p in JUDGED if p["kind"] in NUMERIC], ids=lambda p: p["answer"])
def test_no_number_and_no_negation_is_judged_wrongly(pair: dict[str, object]) -> None:
    assert correct(pair) == pair["correct"], pair


def test_of_a_hundred_judged_pairs_at_least_97_are_right() -> None:
    assert len(JUDGED) >= 100
    assert set(Counter(pair["kind"] for pair in JUDGED)) == {*NUMERIC, "list", "phrase", "language"}
    wrong = [pair for pair in JUDGED if correct(pair) != pair["correct"]]
    assert len(wrong) <= 0.03 * len(JUDGED), wrong


@pytest.mark.parametrize(
    ("answer", "reference", "same"),
    [
        ("1.5 bar", "15 bar", False),
        ("-5 °C", "5 °C", False),
        ("2.25 mm", "225 mm", False),
        ("v1.2", "v12", False),
        ("42mm", "42 mm", True),
        ("10 - 20 bar", "10-20 bar", True),
        ("三年。", "三年", True),
        ("Oce\u0301ane Fre\u0300res", "Océane Frères", True),
    ],
)
def test_exact_match_is_by_value(answer: str, reference: str, same: bool) -> None:
    assert exact_match(answer, [reference]) == float(same)
    assert (token_f1(answer, [reference]) == 1) is same
    assert (score_answer(answer, [reference], abstained=False).outcome == "correct") is same


def test_exact_match_takes_any_reference() -> None:
    assert exact_match("the 42 mm.", ["40 mm", "42 mm"]) == 1.0
    assert exact_match("42", ["40 mm", "42 mm"]) == 0.0


def test_an_answer_of_punctuation_is_not_an_empty_answer() -> None:
    assert exact_match("", ["+"]) == 0.0
    assert exact_match("+", ["+"]) == 1.0
    assert token_f1("", ["+"]) == 0.0
    assert exact_match("", ["..."]) == 0.0


@pytest.mark.parametrize(
    ("answer", "references", "expected"),
    [
        ("42 mm", ["42 mm"], 1.0),
        ("cable is 42 mm", ["42 mm"], 2 * 2 / (4 + 2)),
        ("mm mm", ["42 mm"], 2 * 1 / (2 + 2)),
        ("red red", ["red fox"], 2 * 1 / (2 + 2)),  # a repeated word counts once
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
    assert rouge_l("police killed the gunman", ["police kill the gunman"]) == pytest.approx(2 / 3)
    assert rouge_l("", ["x"]) == 0.0


@pytest.mark.parametrize(
    ("answer", "references", "abstained", "outcome", "score"),
    [
        ("It is 42 mm [2].", ["42 mm"], False, "correct", 0.9 + 0.1 * 2 * 2 / (4 + 2)),
        ("42 mm [1]", ["42 mm"], False, "correct", 1.0),
        ("the cable has a length of nine mm", ["42 mm"], False, "wrong", 0.0),  # another number in its place
        ("green and blue", ["red, green, blue, black, white, grey"], False, "wrong", 2 * 2 / (3 + 6)),
        ("I cannot find this.", ["42 mm"], True, "skipped", 0.0),
        ("I cannot find this.", [], True, "correctly_abstained", 1.0),
        ("42 mm", [], False, "hallucinated", 0.0),
        ("<think>\nIt says 42.\n</think>\n\n42 mm [1]", ["42 mm"], False, "correct", 1.0),
    ],
)
def test_outcome_and_score(answer: str, references: list[str], abstained: bool, outcome: str, score: float) -> None:
    scores = score_answer(answer, references, abstained=abstained)
    assert scores.outcome == outcome
    assert scores.answer_score == pytest.approx(score)
    assert outcome in OUTCOMES


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
        ("The", "the"),
    ],
)
def test_words_as_squad_has_them(text: str, expected: str) -> None:
    assert squad_words(text) == expected.split()


def test_squad_takes_15_for_1_5_which_is_why_nothing_is_decided_by_it() -> None:
    assert exact_match("1.5 bar", ["15 bar"], squad_words) == 1.0
    assert token_f1("43 mm", ["42 mm"], squad_words) == 0.5
    assert token_f1("", ["+"], squad_words) == 0.0


def test_marks_do_not_spoil_an_exact_match() -> None:
    assert score_answer("48 hours [1][3].", ["48 hours"], abstained=False).exact_match == 1.0


def test_words_of_the_question_neither_help_nor_harm() -> None:
    asked = "Who pays for the return of the goods?"
    said = "The seller pays for the return of the goods."
    other = score_answer(said, ["The buyer pays for the return of the goods."], abstained=False, question=asked)
    assert other.outcome == "wrong"
    assert score_answer(said, ["the seller"], abstained=False, question=asked).outcome == "correct"


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("less water", "more water"),
        ("more water", "less water"),
        ("fewer seats", "more seats"),
        ("less than 5 litres", "more than 5 litres"),
    ],
)
def test_a_word_with_several_opposites_contradicts_each_of_them(answer: str, reference: str) -> None:
    scores = score_answer(answer, [reference], abstained=False)
    assert (scores.outcome, scores.answer_score) == ("wrong", 0.0)


# Planted generators: the ruler decides what the verdict sees.

REFERENCES = [
    f"{value} {unit}"
    for value, unit in zip(
        [f"{Random(i).uniform(1, 90):.1f}" for i in range(60)], ["mm", "bar", "V", "kg", "hours", "%"] * 10, strict=True
    )
]


def arm(name: str, answers: list[str]) -> ArmResult:
    records = []
    for i, (answer, reference) in enumerate(zip(answers, REFERENCES, strict=True)):
        scores = score_answer(answer, [reference], abstained=False)
        record = Record(str(i), "?", f"g{i}", (reference,), ("d",), False, ("d",), 0.9, None, answer=answer)
        records.append(Record(**{**vars(record), **vars(scores)}))
    return ArmResult(name, False, name != "right", "r", tuple(records))


def test_a_generator_that_shifts_every_decimal_point_is_rejected() -> None:
    right = arm("right", REFERENCES)
    shifted = arm("shifted", [reference.replace(".", "") for reference in REFERENCES])
    assert shifted.metrics()["generation"]["squad_f1"] == 1.0, "SQuAD's rule sees nothing"
    assert shifted.metrics()["outcomes"]["correct"] == 0
    assert decide(compare_arms(right, shifted)).outcome == "rejected"


def test_other_words_for_the_same_cost_a_tenth_at_most() -> None:
    spelled = {"mm": "millimetres", "V": "volts", "kg": "kilograms", "%": "percent", "hours": "h"}
    ways = ("It is {}.", "{}", "According to the manual the value amounts to {} [1].", "That would be about {}")
    said = []
    for i, reference in enumerate(REFERENCES):
        value, unit = reference.split()
        said.append(ways[i % 4].format(f"{value} {spelled.get(unit, unit)}"))
    right, reworded = arm("right", REFERENCES), arm("reworded", said)
    worth = [one.metrics()["generation"]["answer_score"] for one in (right, reworded)]
    assert worth[0] == 1.0
    assert worth[0] - worth[1] <= 0.1
    assert reworded.metrics()["outcomes"]["correct"] == len(REFERENCES)


@pytest.mark.parametrize(
    ("answer", "question", "right"),
    [
        ("It came with version 3.1.", "Which version brought it?", False),
        ("v3.10", "Which version brought it?", True),
        ("3.10.", "In which release was it?", True),
        ("3.1", "What is the ratio?", True),
    ],
)
def test_a_number_that_answers_a_question_for_a_version_is_one(answer: str, question: str, right: bool):
    found = score_answer(answer, ["3.10"], abstained=False, question=question)
    assert (found.outcome == "correct") == right
