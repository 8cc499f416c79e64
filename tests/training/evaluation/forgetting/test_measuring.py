"""General questions put to a generator that says and scores what is made up."""

from collections.abc import Sequence
from typing import Any

import pytest

from training.evaluation.forgetting.measuring import NEW_TOKENS, ask, before_and_after
from training.evaluation.forgetting.questions import GeneralQuestion

QUESTIONS = [
    GeneralQuestion("What is 1 plus 1?", ("2", "two")),
    GeneralQuestion("Which sea is it?", ("The Baltic Sea",)),
]


class Says:
    """Says one text to everything; each token of an answer costs as much as told."""

    can_score = True

    def __init__(self, text: str, loss: float) -> None:
        self.text, self.loss = text, loss
        self.asked: list[Any] = []

    def encode(self, messages: Sequence[Any], *, thinking: bool = False) -> Any:
        return messages

    def encode_completion(self, text: str) -> list[int]:
        return [len(word) for word in text.split()]

    def complete(self, prompts: Sequence[Any], max_new_tokens: int) -> list[tuple[str, str]]:
        assert max_new_tokens == NEW_TOKENS
        self.asked += prompts
        return [(f" {self.text} ", "stop") for _ in prompts]

    def score(self, prompt_ids: Any, completion_ids: list[int]) -> tuple[float, int, int]:
        return self.loss * len(completion_ids), len(completion_ids), 0


def test_questions_are_asked_directly() -> None:
    says = Says("It is 2.", 0.5)
    first, second = ask(says, QUESTIONS)  # type: ignore[arg-type]
    assert says.asked == [[{"role": "user", "content": one.question}] for one in QUESTIONS], "no passages, no system"
    assert first.answer == "It is 2."
    assert first.score > 0.9 > 0.0 == second.score
    assert (second.log_likelihood, second.tokens) == (pytest.approx(-0.5), 3), "per token of the first right answer"


def test_both_stand_in_one_row() -> None:
    rows = before_and_after(Says("2", 0.5), Says("I do not know.", 1.5), QUESTIONS)  # type: ignore[arg-type]
    assert [row.question for row in rows] == [one.question for one in QUESTIONS]
    assert [(row.before.log_likelihood, row.after.log_likelihood) for row in rows] == [(-0.5, -1.5)] * 2
