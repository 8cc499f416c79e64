"""Tables of any columns into examples of one task, all rows or none; every fault is told with its row."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from retrieval.errors import ConfigurationError, InputError
from retrieval.normalisation import normalise
from training.data.converting.filling import text_of, value_of
from training.data.examples import SPLITS, SplitName
from training.data.reading.columns import cell_texts
from training.data.reading.faults import FaultyRow, told
from training.data.reading.json_rows import shown
from training.data.reading.sources import Tell, read_sources
from training.data.task_checks import answers_fault
from training.tasks.conversion import Conversion, columns_of
from training.tasks.task import Task

_SPLITS: dict[str, SplitName] = {
    **{name: name for name in SPLITS},
    **dict.fromkeys(("dev", "val", "valid", "eval"), SPLITS[1]),
    "training": "train",
    "testing": "test",
}
"""What files call their splits."""


@dataclass(frozen=True)
class Converted:
    """What came of a source."""

    rows: list[dict[str, Any]]
    """As an examples file has them."""
    repeated: int
    """Rows that repeat an earlier one word for word, and were left out."""


def convert(path: Path, name: str, task: Task, conversion: Conversion, *, warn: Tell) -> Converted:
    """The examples of a file or folder.

    Args:
        name: the task's.

    Raises:
        ConfigurationError: a column that the table names is not there.
        InputError: the source cannot be read, or rows cannot be examples: each with its place, the first ten.
    """
    faults: list[str] = []
    rows: dict[str, tuple[str, dict[str, Any]]] = {}
    read = repeated = 0
    for source in read_sources(path, faults.append, warn):
        _check_columns(source.name, source.columns, conversion, task)
        for where, row in source.rows:
            read += 1
            try:
                if isinstance(row, FaultyRow):
                    raise row
                made = _example(_lists(row, conversion) if source.cells else row, name, task, conversion)
                first, held = rows.setdefault(made["id"], (where, made))
                if held is not made:
                    if held != made:
                        raise FaultyRow(_contradiction(made, held, first))
                    repeated += 1
            except FaultyRow as fault:
                faults.append(f"{where}: {fault}")
    if not read and not faults:
        faults.append(f"{path}: found no row, expected one example a row")
    if faults:
        raise InputError(told(faults, str(path), "correct this, or the task's file; nothing was written"))
    return Converted([made for _, made in rows.values()], repeated)


def _contradiction(made: Mapping[str, Any], held: Mapping[str, Any], first: str) -> str:
    """What is wrong with a row that has the id of an earlier one."""
    if made["question"] == held["question"]:
        found = (
            f"the question {shown(made['question'])} again (first in {first}) with another answer, document or split"
        )
        return f"found {found}, expected each question once: keep the right row"
    return f"found the id {made['id']!r} again (first in {first}) with another question, expected each id once"


def _check_columns(source: str, columns: tuple[str, ...], conversion: Conversion, task: Task) -> None:
    named = [getattr(conversion, field) for field in ("question", "answers", "document_ids", "id", "split")]
    wanted = [column for value in named if value is not None and value not in columns for column in columns_of(value)]
    if conversion.answers is None:
        if not task.fields:
            raise ConfigurationError(
                f"found no `answers` under [convert], expected the column that has them (only an extraction takes its "
                f"fields' columns): {', '.join(map(repr, columns))}"
            )
        wanted += task.fields
    for column in wanted:
        if column not in columns and columns:
            near = get_close_matches(column, columns, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise ConfigurationError(
                f"found no column {column!r}{hint} in {source}, which [convert] names; expected one of "
                f"{', '.join(map(repr, columns))}"
            )


def _lists(row: Mapping[str, Any], conversion: Conversion) -> dict[str, Any]:
    """A table's row with lists where its cells hold several texts."""
    lists = {
        column: cell_texts(row[column], split=column == conversion.document_ids)
        for column in (conversion.answers, conversion.document_ids)
        if column is not None and column in row
    }
    return {**row, **lists}


def _example(row: Mapping[str, Any], name: str, task: Task, conversion: Conversion) -> dict[str, Any]:
    question = text_of(conversion.question, row)
    if question is None:
        raise FaultyRow(f"found no question in {conversion.question!r}, expected text")
    answers = [normalise(one) for one in _answers(row, task, conversion)]
    if fault := answers_fault(answers, task):
        raise FaultyRow(fault)
    made: dict[str, Any] = {"id": _id(row, name, normalise(question), conversion), "question": normalise(question)}
    made["answers"] = list(dict.fromkeys(answers))
    if conversion.document_ids is not None and answers and (ids := value_of(conversion.document_ids, row)) is not None:
        made["document_ids"] = list(dict.fromkeys(_texts(ids)))
    if conversion.split is not None and (split := text_of(conversion.split, row)) is not None:
        made["split"] = _SPLITS.get(split.casefold())
        if made["split"] is None:
            raise FaultyRow(f"found the split {shown(split)}, expected one of {', '.join(SPLITS)}")
    return {**made, "task": name}


def _answers(row: Mapping[str, Any], task: Task, conversion: Conversion) -> Iterator[str]:
    if conversion.answers is None:
        yield json.dumps({field: row.get(field) for field in task.fields}, ensure_ascii=False)
        return
    value = value_of(conversion.answers, row)
    if value is None:
        return
    for text in _texts(value):
        text = conversion.labels.get(text, text)
        # A label in other letters is that label: "Yes" where "yes" is asked for.
        yield next((one for one in task.labels if one.casefold() == text.casefold()), text)


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [one.strip() if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in values]


def _id(row: Mapping[str, Any], name: str, question: str, conversion: Conversion) -> str:
    """Its own, or one made of task and question: the same question may be asked for another task."""
    if conversion.id is not None:
        own = text_of(conversion.id, row)
        if own is None:
            raise FaultyRow(f"found no id in {conversion.id!r}, expected one")
        return own
    return f"{name}-{hashlib.sha256(question.encode()).hexdigest()[:16]}"
