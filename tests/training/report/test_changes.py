"""Which answers changed, and which way: by outcome, not by score."""

import pytest

from training.evaluation.evaluate import ArmResult, Record
from training.report.changes import changed_answers, count_changes, turn
from training.scoring.answer_metrics import score_answer

ABSTENTION = "I cannot find this in the documents."


def record(i: int, answer: str, references: tuple[str, ...] = ("42 mm",)) -> Record:
    scores = score_answer(answer, references, abstained=answer == ABSTENTION)
    return Record(
        id=f"q{i:03}",
        question="?",
        group=f"g{i}",
        answers=references,
        document_ids=("a.md",),
        weak=False,
        ranked=("a.md",),
        similarity=0.5,
        retrieval=None,
        answer=answer,
        outcome=scores.outcome,
        answer_score=scores.answer_score,
    )


def arm(name: str, *records: Record) -> ArmResult:
    return ArmResult(name, False, False, "r", records)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("wrong", "correct", "better"),
        ("skipped", "correct", "better"),
        ("hallucinated", "correctly_abstained", "better"),
        ("correct", "wrong", "worse"),
        ("correct", "skipped", "worse"),
        ("correctly_abstained", "hallucinated", "worse"),
        ("wrong", "skipped", "neither"),
        ("skipped", "wrong", "neither"),
        ("wrong", "wrong", "neither"),
        ("hallucinated", "hallucinated", "neither"),
        ("correct", "correct", "neither"),
    ],
)
def test_only_what_became_right_is_better(before, after, expected) -> None:
    assert turn(before, after) == expected


def test_both_sides_are_shown_in_equal_parts() -> None:
    before = arm("a", *(record(i, "wrong") for i in range(30)), *(record(i, "42 mm") for i in range(30, 34)))
    after = arm("b", *(record(i, "42 mm") for i in range(30)), *(record(i, "wrong") for i in range(30, 34)))
    rows = changed_answers(before, after)
    assert len(rows) == 20
    assert [row["change"] for row in rows] == [1.0] * 16 + [-1.0] * 4
    assert rows[-1]["before"]["outcome"] == "correct"
    assert rows[-1]["after"]["outcome"] == "wrong"
    many_worse = changed_answers(after, before)
    assert [row["change"] for row in many_worse] == [1.0] * 4 + [-1.0] * 16
    assert count_changes(before, after) == {"better": 30, "worse": 4, "neither": 0, "same": 0}


def test_the_same_words_are_no_change_and_a_better_score_of_a_wrong_answer_comes_last() -> None:
    six = ("red, green, blue, black, white, grey",)
    before = arm("a", record(0, "42 mm [1]"), record(1, "pink", six), record(2, "nine kg"), record(3, "42 mm"))
    after = arm("b", record(0, "42 mm [2]"), record(1, "green and blue", six), record(2, "42 mm"), record(3, "42 mm."))
    rows = changed_answers(before, after)
    assert [row["id"] for row in rows] == ["q002", "q001", "q003"]
    assert rows[1]["change"] > 0, "more of its words are right, and it is still wrong"
    assert count_changes(before, after) == {"better": 1, "worse": 0, "neither": 2, "same": 1}


def test_questions_that_were_not_answered_are_left_out() -> None:
    silent = arm("a", Record("q000", "?", "g", ("x",), (), False, (), None, None))
    assert changed_answers(silent, silent) == []
    assert count_changes(silent, silent) == {"better": 0, "worse": 0, "neither": 0, "same": 0}
