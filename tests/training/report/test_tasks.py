"""A report's lines of tasks, in both of its forms."""

from dataclasses import replace
from typing import Any

from tests.training.report.test_build import AFTER, BEFORE, Page, report
from tests.training.report.test_markdown import report as for_markdown
from training.evaluation.comparison import compare_arms
from training.evaluation.evaluate import ArmResult
from training.evaluation.task_comparison import compare_tasks
from training.report.build import render_report
from training.report.markdown import render_markdown
from training.report.tasks import task_lines


def labelled(arm: ArmResult, *right: int) -> ArmResult:
    """The arm with its answerable questions as a classification, some of them right."""
    records = [
        replace(
            one,
            answers=(("yes", "no")[number % 2],),
            answer=("yes", "no")[(number + (number not in right)) % 2],
            outcome="correct" if number in right else "wrong",
            answer_score=float(number in right),
            task="stance",
            kind="classification",
            abstains=False,
        )
        for number, one in enumerate(arm.records[:10])
    ]
    return replace(arm, records=(*records, *arm.records[10:]))


def with_tasks() -> dict[str, Any]:
    before, after = labelled(BEFORE, 0, 1), labelled(AFTER, *range(8))
    compared = [*compare_arms(before, after), *compare_tasks(before, after)]
    return report(arms=[before, after], validation=[after], comparisons={"both tuned": compared})


def test_every_metric_of_every_task_has_a_line_with_each_arm() -> None:
    lines = task_lines(with_tasks())
    assert [(line["label"], line["n"]) for line in lines] == [
        ("answer score of question answering", 7),
        ("accuracy of stance", 10),
        ("macro-F1 of stance", 10),
    ]
    before, after = lines[1]["cells"]
    assert (before["value"], before["comparison"]) == (0.2, None)
    assert after["value"] == 0.8
    assert after["comparison"]["direction"] == "better"
    assert task_lines(report()) == []


def test_the_page_and_the_markdown_show_them_with_intervals() -> None:
    value = with_tasks()
    text = Page(render_report(value)).text
    assert "Each task by its own metric" in text
    for shown in ("accuracy of stance", "macro-F1 of stance", "The share of questions with the right label"):
        assert shown in text
    assert "Each task by its own metric" not in Page(render_report(report())).text
    markdown = render_markdown(for_markdown(arms=value["arms"], chosen="both tuned"))
    (line,) = [one for one in markdown.splitlines() if one.startswith("| accuracy of stance ")]
    assert line.startswith("| accuracy of stance | 0.200 | 0.800 (+0.600 [+")
    assert line.endswith("▲ | 10 |")
