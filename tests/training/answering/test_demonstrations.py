"""Worked examples: which are shown, beside what, and how they are kept."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from retrieval.documents import Passage
from retrieval.prompt import Demonstration, ShownExcerpt
from training.answering.demonstrations import Demonstrations, Worked, load_pool, save_pool, worked_examples
from training.data.supervised import SupervisedRow

ANGLES = {"asked": 0.0, "near": 0.1, "nearer": 0.05, "far": 1.0, "refused": 0.5, "refused too": 0.6}


def embed(questions: Sequence[str]) -> np.ndarray:
    return np.array([[np.cos(ANGLES[one]), np.sin(ANGLES[one])] for one in questions])


def worked(question: str, *, group: str = "", abstains: bool = False) -> Worked:
    return Worked(Demonstration(question, (ShownExcerpt("c", "t"),), "a [1]"), group or question, abstains)


POOL = [
    worked("far"),
    worked("near"),
    worked("refused too", abstains=True),
    worked("nearer", group="g"),
    worked("asked"),
    worked("refused", abstains=True),
]


def shown(count: int, **without: Sequence[str]) -> list[str]:
    return [one.question for one in Demonstrations(POOL, embed).nearest("asked", count, **without)]


def test_the_nearest_are_shown_the_likest_last_and_never_the_question_itself() -> None:
    assert shown(0) == []
    assert shown(1) == ["nearer"]
    assert shown(2) == ["near", "nearer"]


def test_one_of_three_abstains() -> None:
    assert shown(3) == ["refused", "near", "nearer"]


def test_a_row_shows_none_of_its_own_group() -> None:
    assert shown(2, without=["g"]) == ["far", "near"]


def test_nothing_to_show() -> None:
    assert Demonstrations([], embed).nearest("asked", 3) == ()


def test_a_pool_is_read_as_it_was_written(tmp_path: Path) -> None:
    save_pool(POOL, tmp_path / "pool.jsonl")
    assert load_pool(tmp_path / "pool.jsonl") == POOL


def row(name: str, passages: Sequence[str], mark: int | None, completion: str, *, marks: int = 1) -> SupervisedRow:
    positions = () if mark is None else tuple(range(mark, mark + marks))
    return SupervisedRow(
        name, (), completion, tuple(passages), True, bool(positions), mark, positions, True, None, False
    )


def test_rows_become_short_examples_that_cite_their_oracle() -> None:
    chunks = {f"d#{i}": Passage("d", f"d#{i}", f"text {i}", f"context {i}", 0.0, 0, 0.0) for i in range(4)}
    rows = [
        row("third", ["d#0", "d#1", "d#2"], 3, "42 mm [3]"),
        row("first", ["d#2", "d#1", "d#0"], 1, "array[0] [1]"),
        row("refused", ["d#3", "d#1", "d#0"], None, "Not there."),
        row("two oracles", ["d#0", "d#1"], 1, "x [1][2]", marks=2),
        row("gone", ["d#9"], 1, "x [1]"),
    ]
    questions = {one.example_id: f"{one.example_id}?" for one in rows}
    found = worked_examples(rows, questions, chunks, dict.fromkeys(questions, "g"))
    assert [(one.demonstration.question, one.demonstration.completion, one.abstains) for one in found] == [
        ("third?", "42 mm [2]", False),
        ("first?", "array[0] [1]", False),
        ("refused?", "Not there.", True),
    ]
    assert [[one.text for one in found[i].demonstration.passages] for i in (0, 2)] == [
        ["text 0", "text 2"],
        ["text 3", "text 1"],
    ]


def test_a_task_is_shown_examples_of_its_own_only() -> None:
    pool = [*POOL, replace(worked("far"), task="stance"), replace(worked("near"), task="other")]
    of_task = Demonstrations(pool, embed).nearest("asked", 3, task="stance")
    assert [one.question for one in of_task] == ["far"]
    assert Demonstrations(pool, embed).nearest("asked", 2) == Demonstrations(POOL, embed).nearest("asked", 2)


def test_a_row_of_a_task_becomes_an_example_as_it_is() -> None:
    chunks = {f"d#{i}": Passage("d", f"d#{i}", f"text {i}", "", 0.0, 0, 0.0) for i in range(4)}
    labelled = row("label", ["d#0", "d#1", "d#2", "d#3"], 3, "yes", marks=2)
    (found,) = worked_examples([replace(labelled, task="stance", cites=False)], {"label": "q"}, chunks, {"label": "g"})
    assert (found.demonstration.completion, found.abstains, found.task) == ("yes", False, "stance")
    assert [one.text for one in found.demonstration.passages] == ["text 0", "text 2"]
