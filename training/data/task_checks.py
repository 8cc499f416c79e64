"""Examples against the tasks that they name: known, with an answer that the task allows."""

import difflib
from collections.abc import Mapping, Sequence

from retrieval.errors import InputError
from training.data.examples import Example
from training.data.reading.faults import told
from training.data.reading.json_rows import shown
from training.scoring.task_scores import parse_object
from training.tasks.task import Task


def check_tasks(examples: Sequence[Example], tasks: Mapping[str, Task]) -> None:
    """Check every example that names a task. Without any task in the workspace the name is a note of the user's own.

    Raises:
        InputError: an unknown task, or an answer that its task does not allow, each with its row.
    """
    faults = [f"{one.where}: {fault}" for one in examples if (fault := task_fault(one, tasks))] if tasks else []
    if faults:
        raise InputError(told(faults, "the tasks of the examples", "correct them, or the files in tasks/"))


def task_fault(example: Example, tasks: Mapping[str, Task]) -> str | None:
    """What is wrong with an example of a task; None where nothing is, or it names none."""
    if example.task is None:
        return None
    task = tasks.get(example.task)
    if task is None:
        near = difflib.get_close_matches(example.task, tasks, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        return f"found the task {example.task!r}{hint}, expected one of {', '.join(tasks)}"
    return answers_fault(example.answers, task)


def answers_fault(answers: Sequence[str], task: Task) -> str | None:
    """What is wrong with answers to a task; None where nothing is."""
    if not answers:
        return None if task.abstains else f"found no answer, expected one: this {task.kind} does not abstain"
    for answer in answers:
        if task.labels and answer not in task.labels:
            near = difflib.get_close_matches(
                answer.casefold(), [one.casefold() for one in task.labels], n=1, cutoff=0.7
            )
            meant = next((one for one in task.labels if near and one.casefold() == near[0]), None)
            hint = f" (did you mean {meant!r}?)" if meant else ""
            return f"found the label {shown(answer)}{hint}, expected one of {', '.join(task.labels)}"
        if task.fields:
            found = parse_object(answer)
            if found is None:
                return f"found the answer {shown(answer)}, expected a JSON object with {', '.join(task.fields)}"
            if odd := sorted(found.keys() - set(task.fields)):
                return f"found the field {odd[0]!r} in an answer, expected only {', '.join(task.fields)}"
    return None
