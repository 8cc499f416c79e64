"""Examples against the tasks that they name."""

import pytest

from retrieval.errors import InputError
from training.data.examples import Example
from training.data.task_checks import check_tasks
from training.tasks.task import Task

TASKS = {
    "stance": Task(kind="classification", instruction="Say.", labels=("yes", "no")),
    "bill": Task(kind="extraction", instruction="Say.", fields=("vendor", "total")),
    "brief": Task(kind="summarisation", instruction="Say.", abstains=True),
}


def example(task: str | None, *answers: str) -> Example:
    return Example("q", "Is it?", answers, task=task, provenance="x.jsonl:3")


def test_what_a_task_allows_passes() -> None:
    allowed = [example("stance", "no"), example("bill", '{"total": 3}'), example("brief"), example(None, "anything")]
    check_tasks(allowed, TASKS)


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (example("stanse", "no"), r"x.jsonl:3.*found the task 'stanse' \(did you mean 'stance'\?\)"),
        (example("stance", "No"), r"found the label \"No\" \(did you mean 'no'\?\), expected one of yes, no"),
        (example("stance"), "found no answer, expected one: this classification does not abstain"),
        (example("bill", "Blue Ltd"), "expected a JSON object with vendor, total"),
        (example("bill", '{"seller": 1}'), "found the field 'seller' in an answer"),
    ],
)
def test_what_it_does_not_is_told_with_its_row(one: Example, told: str) -> None:
    with pytest.raises(InputError, match=told):
        check_tasks([one], TASKS)


def test_without_tasks_a_name_is_a_note_of_the_users_own() -> None:
    check_tasks([example("whatever", "x")], {})
