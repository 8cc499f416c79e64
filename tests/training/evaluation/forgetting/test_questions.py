"""The general questions that come with Lockstep, and a user's own."""

from collections import Counter
from pathlib import Path

import pytest

from retrieval.errors import InputError
from training.evaluation.forgetting.questions import GeneralQuestion, own_questions, shipped_questions
from training.scoring.answer_metrics import score_answer


def test_those_that_come_with_lockstep() -> None:
    questions = shipped_questions()
    assert len({one.question for one in questions}) == len(questions) == 40
    assert Counter(one.kind for one in questions).keys() == {
        "knowledge",
        "arithmetic",
        "instruction",
        "language",
        "format",
    }


@pytest.mark.parametrize("one", shipped_questions(), ids=lambda one: one.question)
def test_each_right_answer_is_scored_as_right(one: GeneralQuestion) -> None:
    for answer in one.answers:
        assert score_answer(answer, one.answers, abstained=False, question=one.question).outcome == "correct"


def test_own_questions(tmp_path: Path) -> None:
    path = tmp_path / "general.jsonl"
    path.write_text('{"question": "Who leads the team?", "answers": ["Ada"]}\n')
    assert own_questions(path) == [GeneralQuestion("Who leads the team?", ("Ada",))]
    path.write_text(path.read_text() + '{"question": "And who follows?", "answers": []}\n')
    with pytest.raises(InputError, match="found no answer to 'And who follows\\?', expected one"):
        own_questions(path)
