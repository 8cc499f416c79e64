"""What general questions prove of a generator, with likelihoods that are made up."""

import pytest

from training.evaluation.forgetting.measuring import GeneralAnswer, GeneralRow
from training.evaluation.forgetting.standing import TIMES, Forgetting, forgetting


def measured(changes: list[float]) -> Forgetting:
    return forgetting(
        [
            GeneralRow(
                f"question {i}",
                ("x",),
                "knowledge",
                GeneralAnswer("x", 1.0, -2.0, 1),
                GeneralAnswer("y", 0.0, -2.0 + change, 1),
            )
            for i, change in enumerate(changes)
        ]
    )


def test_forgetting_is_proven_by_the_whole_interval() -> None:
    found = measured([-0.9, -1.1] * 20)
    assert found.standing == "inferior"
    assert found.times == pytest.approx(2.718, abs=0.01)
    said = found.in_words()
    assert said is not None
    assert said.startswith("The tuned generator has forgotten: on general questions without documents right answers")
    assert "2.72 times as perplexing" in said
    assert "n = 40; answer score 1.00 before, 0.00 after" in said
    assert f"more than the {TIMES:g} times that are allowed" in said


def test_what_cannot_be_ruled_out_is_said_and_no_more() -> None:
    found = measured([-2.0, 1.8] * 20)
    assert found.standing == "not shown"
    assert "Not ruled out that the generator has forgotten" in str(found.in_words())


@pytest.mark.parametrize("changes", [[0.0] * 40, [0.1, -0.1] * 20, [0.9, 1.1] * 20, [-0.2, -0.1] * 20])
def test_no_worse_by_more_than_the_margin_is_passed_over(changes: list[float]) -> None:
    found = measured(changes)
    assert found.standing == "shown"
    assert found.in_words() is None


def test_few_questions_prove_nothing() -> None:
    found = measured([-5.0, -4.0])
    assert found.standing == "not shown"
    assert "no interval with so few" in str(found.in_words())
    with pytest.raises(ValueError, match="found no general question"):
        forgetting([])


def test_figures_are_json() -> None:
    value = measured([-0.9, -1.1] * 20).to_json()
    assert value["standing"] == "inferior"
    assert value["log_likelihood"]["low"] < value["log_likelihood"]["high"] < -value["margin"]
