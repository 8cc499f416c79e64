"""Tables of any columns into examples of a task."""

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from retrieval.errors import ConfigurationError, InputError
from training.data.converting.convert import Converted, convert
from training.data.reading.load import load_examples
from training.tasks.conversion import Conversion
from training.tasks.task import Task

STANCE = Task(kind="classification", instruction="Say.", labels=("yes", "no"))
BILL = Task(kind="extraction", instruction="Say.", fields=("vendor", "total"))
COLUMNS = Conversion(question="Is {title} right?", answers="verdict")
ROWS = [
    {"title": "Alpha", "verdict": "Yes", "doc": "a.md; b.md", "part": "train"},
    {"title": "Beta", "verdict": "no", "doc": "c.md", "part": "dev"},
]


@pytest.fixture
def table(tmp_path: Path) -> Callable[[Sequence[dict[str, Any]]], Path]:
    def write(rows: Sequence[dict[str, Any]]) -> Path:
        path = tmp_path / "rows.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return write


def run(path: Path, task: Task = STANCE, conversion: Conversion = COLUMNS, **changes: Any) -> Converted:
    return convert(path, "mine", task, conversion.model_copy(update=changes), warn=lambda text: None)


def test_columns_and_texts_with_columns_make_examples(table: Callable[..., Path], tmp_path: Path) -> None:
    found = run(table(ROWS), split="part", document_ids="docs/{doc}", id="{part}-{title}")
    assert found.rows == [
        {
            "id": "train-Alpha",
            "question": "Is Alpha right?",
            "answers": ["yes"],
            "document_ids": ["docs/a.md; b.md"],
            "split": "train",
            "task": "mine",
        },
        {
            "id": "dev-Beta",
            "question": "Is Beta right?",
            "answers": ["no"],
            "document_ids": ["docs/c.md"],
            "split": "validation",
            "task": "mine",
        },
    ]
    again = tmp_path / "examples.jsonl"
    again.write_text("".join(json.dumps(row) + "\n" for row in found.rows))
    assert [one.task for one in load_examples([again])] == ["mine", "mine"]


def test_what_a_row_puts_in_is_not_looked_at_again(table: Callable[..., Path]) -> None:
    (row,) = run(table([{"title": "{verdict}", "verdict": "yes"}])).rows
    assert row["question"] == "Is {verdict} right?"


def test_lists_stay_lists_and_repeated_rows_are_left_out(table: Callable[..., Path]) -> None:
    row = {"title": "Alpha", "verdict": ["yes"], "ids": [1, 2]}
    found = run(table([row, row]), document_ids="pmid:{ids}")
    assert found.rows[0]["document_ids"] == ["pmid:1", "pmid:2"]
    assert (len(found.rows), found.repeated) == (1, 1)


def test_values_become_labels_by_the_table(table: Callable[..., Path]) -> None:
    rows = [{"title": "Alpha", "verdict": 1}, {"title": "Beta", "verdict": 0}]
    assert [row["answers"] for row in run(table(rows), labels={"1": "yes", "0": "no"}).rows] == [["yes"], ["no"]]


def test_an_extraction_takes_the_columns_of_its_fields(table: Callable[..., Path]) -> None:
    (row,) = run(table([{"title": "Alpha", "vendor": "Blue", "total": None}]), BILL, answers=None).rows
    assert json.loads(row["answers"][0]) == {"vendor": "Blue", "total": None}
    (row,) = run(table([{"title": "Alpha", "verdict": {"vendor": "Blue"}}]), BILL).rows
    assert json.loads(row["answers"][0]) == {"vendor": "Blue"}


def test_the_same_question_of_two_tasks_has_two_ids(table: Callable[..., Path]) -> None:
    one = run(table(ROWS)).rows[0]
    other = convert(table(ROWS), "other", STANCE, COLUMNS, warn=lambda text: None).rows[0]
    assert one["question"] == other["question"]
    assert one["id"] != other["id"]


def test_every_fault_is_told_with_its_row_the_first_ten_then_a_count(table: Callable[..., Path]) -> None:
    rows = [*ROWS, *({"title": f"T{i}", "verdict": "yess"} for i in range(12))]
    with pytest.raises(InputError) as error:
        run(table(rows))
    message = str(error.value)
    assert message.startswith("found 12 faults in ")
    assert "nothing was written" in message
    assert "rows.jsonl:3: found the label \"yess\" (did you mean 'yes'?), expected one of yes, no" in message
    assert message.count("yess") == 10
    assert message.endswith("and 2 more")


@pytest.mark.parametrize(
    ("row", "changes", "told"),
    [
        ({"title": " ", "verdict": "yes"}, {}, "found no question"),
        ({"title": "Alpha", "verdict": ""}, {}, "found no answer, expected one: this classification does not abstain"),
        ({"title": "Alpha", "verdict": "yes", "part": "other"}, {"split": "part"}, 'found the split "other"'),
        ({"title": "Alpha", "verdict": "yes", "key": None}, {"id": "key"}, "found no id in 'key'"),
        ({"title": "Alpha", "verdict": "yes", "b": ""}, {"question": "{title} {b}"}, "found nothing in the column 'b'"),
    ],
)
def test_a_row_that_is_no_example_is_a_fault(
    table: Callable[..., Path], row: dict[str, Any], changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        run(table([row]), **changes)


def test_one_id_for_two_examples_is_a_fault(table: Callable[..., Path]) -> None:
    rows = [{"title": "Alpha", "verdict": "yes"}, {"title": "Alpha", "verdict": "no"}]
    with pytest.raises(InputError, match=r'found the question "Is Alpha right\?" again .*another answer'):
        run(table(rows))
    with pytest.raises(InputError, match=r"found the id 'one' again .*another question"):
        run(table([{**row, "id": "one"} for row in (ROWS[0], ROWS[1])]), id="id")


def test_a_column_that_is_not_there_is_told_with_those_that_are(table: Callable[..., Path]) -> None:
    with pytest.raises(ConfigurationError, match=r"no column 'titel' \(did you mean 'title'\?\).*'verdict'"):
        run(table(ROWS), question="{titel}")
    with pytest.raises(ConfigurationError, match="found no `answers` under"):
        run(table(ROWS), answers=None)


def test_tables_of_cells_are_converted_too(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["title", "verdict", "ids"], ["Alpha", "yes", "a.md; b.md"]])
    (row,) = run(path, document_ids="ids").rows
    assert (row["answers"], row["document_ids"]) == (["yes"], ["a.md", "b.md"])
    with path.open("a", newline="") as file:
        csv.writer(file).writerow(["Beta", "maybe", "c.md"])
    with pytest.raises(InputError, match=r"rows.csv:3: found the label \"maybe\""):
        run(path)
