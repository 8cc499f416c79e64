"""Each task by its own metric: figures, intervals, comparisons, and what the verdict makes of them."""

import random
from dataclasses import replace

import pytest
from sklearn.metrics import f1_score

from training.evaluation.comparison import compare_arms
from training.evaluation.errors import bucket_of
from training.evaluation.evaluate import ArmResult, Record, abstaining_below
from training.evaluation.intervals import metric_intervals
from training.evaluation.judgement import choose_thresholds, judge
from training.evaluation.task_comparison import compare_tasks
from training.evaluation.verdict import decide
from training.runs.repetition import row_of
from training.scoring.task_scores import score_by_task
from training.tasks.task import Task

STANCE = Task(kind="classification", instruction="Say.", labels=("yes", "no", "maybe"))
BILL = Task(kind="extraction", instruction="Say.", fields=("total",))
BRIEF = Task(kind="summarisation", instruction="Say.")
NAMES = {"stance": STANCE, "bill": BILL, "brief": BRIEF}


def record(number: int, task: str | None, answer: str, reference: str) -> Record:
    own = NAMES.get(task or "")
    worth = score_by_task(own, answer, [reference], abstained=False)
    return Record(
        id=f"{task}-{number}",
        question=f"Q{number}?",
        group=f"g{number}",
        answers=(reference,),
        document_ids=("a.md",),
        weak=False,
        ranked=("a.md",),
        similarity=0.2,
        retrieval=None,
        passages=("a.md#0",),
        answer=answer,
        outcome=worth.outcome,
        answer_score=worth.answer_score,
        exact_match=worth.exact_match,
        f1=worth.f1,
        rouge_l=worth.rouge_l,
        task=task,
        kind=own.kind if own else "question answering",
        abstains=own.abstains if own else True,
    )


def arm(name: str, *records: Record) -> ArmResult:
    return ArmResult(name, False, name != "untouched", "r1", records)


def labelled(said: list[str], wanted: list[str]) -> list[Record]:
    return [record(number, "stance", *pair) for number, pair in enumerate(zip(said, wanted, strict=True))]


def drawn(seed: int, *labels: str) -> list[str]:
    return random.Random(seed).choices(labels, k=60)


def test_every_task_has_its_line_and_the_rest_is_question_answering() -> None:
    found = arm(
        "x",
        record(0, "stance", "yes", "yes"),
        record(1, "stance", "no", "maybe"),
        record(2, "bill", '{"total": 3}', '{"total": 3}'),
        record(3, "brief", "the pump runs hot", "the pump runs cold"),
        record(4, None, "42 mm", "42 mm"),
    ).metrics()["tasks"]
    assert found["stance"] == {"kind": "classification", "questions": 2, "accuracy": 0.5, "macro_f1": 0.5}
    assert found["bill"] == {"kind": "extraction", "questions": 1, "field_f1": 1.0}
    assert found["brief"]["rouge_l"] == pytest.approx(2 / 3)
    assert found["question answering"]["answer_score"] == pytest.approx(1.0)


def test_without_tasks_nothing_is_added() -> None:
    one = arm("x", record(0, None, "42 mm", "42 mm"))
    assert "tasks" not in one.metrics()
    assert not [name for name in metric_intervals(one) if ":" in name]
    assert compare_tasks(one, replace(one, name="y")) == []


def test_macro_f1_is_scikit_learns_over_the_labels_of_the_references() -> None:
    said, wanted = drawn(1, "yes", "no", "maybe"), drawn(2, "yes", "yes", "no")
    found = arm("x", *labelled(said, wanted)).metrics()["tasks"]["stance"]["macro_f1"]
    assert found == pytest.approx(f1_score(wanted, said, labels=["no", "yes"], average="macro"))


def test_intervals_hold_the_figures() -> None:
    one = arm("x", *labelled(drawn(1, "yes", "no"), drawn(2, "yes", "no")))
    metrics, intervals = one.metrics()["tasks"]["stance"], metric_intervals(one)
    for name in ("accuracy", "macro_f1"):
        found = intervals[f"{name}:stance"]
        assert 0 < found["low"] < metrics[name] < found["high"] < 1
        assert (found["n"], found["groups"]) == (60, 60)


def test_two_arms_are_compared_question_by_question() -> None:
    wanted = drawn(2, "yes", "no", "maybe")
    before = arm("untouched", *labelled(["yes"] * 60, wanted))
    after = arm("tuned", *labelled(wanted[:50] + ["yes"] * 10, wanted))
    accuracy, macro = compare_tasks(before, after)
    assert (accuracy.metric, accuracy.label, accuracy.task) == ("accuracy:stance", "accuracy of stance", "stance")
    assert (macro.metric, macro.label) == ("macro_f1:stance", "macro-F1 of stance")
    for one in (accuracy, macro):
        assert one.direction == "better"
        assert one.low is not None
        assert one.high is not None
        assert 0 < one.low < one.difference < one.high
    same = compare_tasks(before, replace(before, name="tuned"))
    assert [one.same for one in same] == [True, True]


def test_too_few_groups_have_no_interval() -> None:
    before, after = (arm(name, *labelled([answer] * 3, ["yes"] * 3)) for name, answer in (("a", "no"), ("b", "yes")))
    for one in compare_tasks(before, after):
        assert one.low is None
        assert "too few" in one.note


def test_the_verdict_tells_each_task_and_takes_no_gain_that_one_of_them_pays_for() -> None:
    questions = [record(100 + number, None, "42 mm", "42 mm") for number in range(100)]
    wrong = [record(100 + number, None, "nine kg", "42 mm") for number in range(100)]
    wanted = drawn(2, "yes", "no", "maybe")[:20]
    right, lost = labelled(wanted, wanted), labelled(["no" if one != "no" else "yes" for one in wanted], wanted)
    gained = judge([arm("untouched", *wrong, *right), arm("both tuned", *questions, *right)], "both tuned", [], [])
    assert gained.verdict.outcome == "promoted"
    assert any(reason.startswith("Accuracy of stance stayed at") for reason in gained.verdict.reasons)
    paid = judge([arm("untouched", *wrong, *right), arm("both tuned", *questions, *lost)], "both tuned", [], [])
    assert paid.verdict.outcome == "kept"
    assert any("Accuracy of stance fell from 1.00 to 0.00" in reason for reason in paid.verdict.reasons)
    assert any("the accuracy of stance fell by more than chance" in reason for reason in paid.verdict.reasons)


def test_no_threshold_makes_a_task_abstain_that_does_not() -> None:
    result = arm("x", *labelled(["no"] * 20, ["yes"] * 20))
    assert abstaining_below(result, 0.9, "-").records == result.records
    thresholds, _ = choose_thresholds([result], "-")
    assert thresholds == {"x": -1.0}


@pytest.mark.parametrize(
    ("one", "bucket"),
    [
        (record(0, "stance", "yes", "yes"), None),
        (record(0, "stance", "no", "yes"), "wrong label"),
        (replace(record(0, "stance", "no", "yes"), passages=("b.md#0",)), "not retrieved"),
        (record(0, "bill", '{"total": 4}', '{"total": 3}'), "wrong fields"),
        (record(0, "bill", "4", '{"total": 3}'), "wrong format"),
        (record(0, "brief", "another hose", "the pump runs"), None),
        (record(0, "brief", "", "the pump runs"), "wrong format"),
    ],
)
def test_what_is_wrong_has_a_cause_of_its_task(one: Record, bucket: str | None) -> None:
    assert bucket_of(one, {"a.md": {"a.md#0": "The pump runs."}}, shown=2) == bucket


def test_the_metrics_of_all_questions_are_compared_as_ever() -> None:
    before, after = (arm(name, *labelled([name] * 6, ["yes"] * 6)) for name in ("no", "yes"))
    assert not [one for one in compare_arms(before, after) if one.task]


def test_the_verdict_on_another_seed_sees_a_task_that_is_lost() -> None:
    kind = drawn(1, "yes", "no")[:20]
    asked = [record(number, None, "7 mm", "42 mm") for number in range(60)]
    told = [record(number, None, "42 mm", "42 mm") for number in range(60)]
    before = arm("untouched", *asked, *labelled(kind, kind))
    kept, lost = (arm("tuned", *told, *labelled(said, kind)) for said in (kind, ["maybe"] * 20))
    assert row_of(3, kept, kept, before, 0.02)["verdict"] == "promoted"
    assert decide(compare_arms(before, lost)).outcome == "promoted"  # over all questions it gains
    assert row_of(3, lost, lost, before, 0.02)["verdict"] == "kept"
