"""What an answer is worth by its task."""

import pytest

from training.scoring.answer_metrics import score_answer
from training.scoring.task_scores import field_f1, score_by_task
from training.tasks.task import Task

STANCE = Task(kind="classification", instruction="Say.", labels=("yes", "no", "no comment"))
BILL = Task(kind="extraction", instruction="Say.", fields=("vendor", "total", "items"))
SUMMARY = Task(kind="summarisation", instruction="Say.")
WANTED = '{"vendor": "Blue Hose Ltd", "total": 12.5, "items": ["hose", "valve"]}'


def test_a_label_is_right_or_wrong_and_nothing_between() -> None:
    right = score_by_task(STANCE, "Yes", ["yes"], abstained=False)
    assert (right.outcome, right.answer_score) == ("correct", 1.0)
    for answer in ("no", "no comment"):
        wrong = score_by_task(STANCE, answer, ["yes"], abstained=False)
        assert (wrong.outcome, wrong.answer_score) == ("wrong", 0.0)
    assert score_by_task(STANCE, "no", ["no comment"], abstained=False).answer_score == 0.0


@pytest.mark.parametrize(
    ("answer", "f1"),
    [
        (WANTED, 1.0),
        ('```json\n{"total": "12.50", "items": ["Valve", "hose"], "vendor": "blue hose ltd."}\n```', 1.0),
        ('{"vendor": "Blue Hose Ltd", "total": 13, "items": ["hose"]}', 2 * 2 / (3 + 4)),
        ('{"vendor": "Blue Hose Ltd"}', 2 * 1 / (1 + 4)),
        ('{"vendor": "Blue Hose Ltd"', 0.0),
        ("Blue Hose Ltd", 0.0),
        ("[1]", 0.0),
        ('{"total": {"EUR": 1}, "vendor": null}', 0.0),
    ],
)
def test_fields_are_counted_value_by_value(answer: str, f1: float) -> None:
    assert field_f1(answer, WANTED, BILL.fields) == pytest.approx(f1)
    found = score_by_task(BILL, answer, [WANTED], abstained=False)
    assert found.answer_score == pytest.approx(f1)
    assert found.outcome == ("correct" if f1 >= 0.9 else "wrong")


def test_finding_nothing_where_nothing_is_is_right() -> None:
    assert field_f1('{"vendor": null}', '{"vendor": ""}', BILL.fields) == 1.0
    assert field_f1("nothing", '{"vendor": ""}', BILL.fields) == 0.0
    assert field_f1('{"vendor": "x"}', '{"vendor": ""}', BILL.fields) == 0.0


def test_the_brackets_of_a_list_are_no_citation() -> None:
    task = Task(kind="extraction", instruction="Say.", fields=("pages",))
    assert score_by_task(task, '{"pages": [1]}', ['{"pages": [1]}'], abstained=False).answer_score == 1.0


def test_a_summary_is_worth_its_rouge_l() -> None:
    found = score_by_task(SUMMARY, "the pump runs hot", ["the pump runs cold"], abstained=False)
    assert found.answer_score == found.rouge_l == pytest.approx(2 / 3)
    assert found.outcome == "correct"
    assert score_by_task(SUMMARY, "a hose", ["the pump runs cold"], abstained=False).outcome == "wrong"


def test_without_a_task_an_answer_is_scored_as_ever() -> None:
    for task in (None, Task(kind="question answering")):
        for answer, references, abstained in (("42 mm", ["42 mm"], False), ("-", [], True), ("-", ["9"], True)):
            assert score_by_task(task, answer, references, abstained=abstained) == score_answer(
                answer, references, abstained=abstained
            )
    assert score_by_task(STANCE, "-", ["yes"], abstained=True).outcome == "skipped"
