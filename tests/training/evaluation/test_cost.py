"""Tokens and their price."""

import pytest

from training.evaluation.cost import TokenPrice, dearer_in_words, times_dearer, tokens
from training.evaluation.evaluate import ArmResult, Record


def result(*spent: tuple[int | None, int | None]) -> ArmResult:
    records = [
        Record(str(i), "?", "g", (), (), False, (), None, None, prompt_tokens=read, completion_tokens=written)
        for i, (read, written) in enumerate(spent)
    ]
    return ArmResult("arm", False, False, "", tuple(records))


def test_refusing_without_generating_costs_nothing() -> None:
    found = tokens(result((400, 20), (0, 0)))
    assert found is not None
    assert (found.prompt, found.completion, found.questions) == (200, 10, 2)
    assert found.to_json(TokenPrice(1.0, 2.0))["cost_per_thousand"] == pytest.approx(0.22)
    assert found.to_json(None)["cost_per_thousand"] is None


def test_what_is_written_weighs_more() -> None:
    assert times_dearer(result((100, 25)), result((100, 75))) == 2.0
    assert times_dearer(result((100, 25)), result((100, 75)), TokenPrice(1.0, 0.0)) == 1.0


def test_dearer_answers_are_told_in_words() -> None:
    sentence = dearer_in_words(result((100, 25)), result((100, 75)))
    assert sentence == (
        "An answer costs 2.0 times as much (one written token counted as 4 read): 100 tokens read and 75 written in "
        "the mean, before 100 and 25 (n = 1)."
    )
    assert dearer_in_words(result((100, 25)), result((100, 75)), factor=2.0) is None


@pytest.mark.parametrize("before", [(None, None), (0, 0)])
def test_what_was_not_counted_is_not_compared(before: tuple[int | None, int | None]) -> None:
    assert times_dearer(result(before), result((1, 1))) is None
    assert dearer_in_words(result(before), result((1, 1))) is None
