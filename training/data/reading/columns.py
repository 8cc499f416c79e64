"""Which column of a file is which field of an example: by its name, or as the user says.

A column's meaning never depends on its position. Where names do not tell, the user is asked in one sentence.
"""

import difflib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from retrieval.errors import ConfigurationError
from training.data.reading.faults import FaultyRow
from training.data.reading.source import Source

FIELDS = ("id", "question", "answers", "document_ids", "split", "task", "metadata")
LISTS = ("answers", "document_ids")
"""Fields of which a table may have several columns."""
_ALIASES = {
    "answer": "answers",
    "doc_ids": "document_ids",
    "doc_id": "document_ids",
    "document_id": "document_ids",
    "document": "document_ids",
    "documents": "document_ids",
}
_IN_JSON = {"doc_ids": "document_ids"}

Columns = Mapping[str, str]
"""Column to field."""


class UnclearColumns(ValueError):
    """The names of a file's columns do not tell which is which; the message asks."""


def parse_columns(given: Sequence[str]) -> dict[str, str]:
    """What ``--column FIELD=NAME`` says, as column to field.

    Raises:
        ConfigurationError: another form, an unknown field, or one that is named twice.
    """
    columns: dict[str, str] = {}
    for one in given:
        field, _, column = (part.strip() for part in one.partition("="))
        if field not in FIELDS[:-1] or not column:
            raise ConfigurationError(
                f"found --column {one!r}, expected FIELD=NAME, such as question=Frage, with one of the fields "
                f"{', '.join(FIELDS[:-1])}"
            )
        if column in columns or (field in columns.values() and field not in LISTS):
            raise ConfigurationError(f"found --column {one!r} beside another for the same, expected each once")
        columns[column] = field
    return columns


def choose_columns(source: Source, given: Columns) -> Columns:
    """Column to field for a file; other columns are the user's own and kept as metadata.

    Args:
        given: what the user says, which wins over names.

    Raises:
        UnclearColumns: no column is the question or the answers, or several are.
    """
    chosen = {column: field for column, field in given.items() if column in source.columns}
    settled = set(chosen.values())
    found: dict[str, list[str]] = {}
    for column in source.columns:
        field = _field(column, cells=source.cells)
        if field and field not in settled:
            found.setdefault(field, []).append(column)
    for field, columns in found.items():
        if source.cells and len(columns) > 1 and field not in LISTS:
            raise UnclearColumns(
                f"{source.name}: found the columns {_quoted(columns)}, which may all be the {field}, expected one: say "
                f'which, such as --column "{field}={columns[0]}"'
            )
        chosen |= dict.fromkeys(columns, field)
    missing = [field for field in ("question", "answers") if field not in chosen.values()]
    if missing:
        free = [column for column in source.columns if column not in chosen]
        near = {field: difflib.get_close_matches(field, free, n=1, cutoff=0.6) for field in missing}
        asked = " ".join(f'--column "{field}={(near[field] or ["NAME"])[0]}"' for field in missing)
        raise UnclearColumns(
            f"{source.name}: found the columns {_quoted(source.columns)} and none of them called "
            f"{' or '.join(missing)}: say which is which, such as {asked}"
        )
    return chosen


def fields(row: Mapping[str, Any], columns: Columns, *, cells: bool) -> dict[str, Any]:
    """A row by the names of fields.

    Raises:
        FaultyRow: a cell that does not say what an example needs, or two columns for one field.
    """
    return _of_cells(row, columns) if cells else _of_json(row, columns)


def _field(column: str, *, cells: bool) -> str | None:
    if not cells:
        return column if column in FIELDS else _IN_JSON.get(column)
    name = "_".join(column.casefold().replace("-", " ").split())
    name = name.rstrip("0123456789").rstrip("_") or name  # "Answer 2" is a further answer
    return name if name in FIELDS[:-1] else _ALIASES.get(name)


def _of_json(row: Mapping[str, Any], columns: Columns) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for key, value in row.items():
        field = columns.get(key, key)
        if field in LISTS and field != key and isinstance(value, str):
            value = [value]
        if field in named:
            other = next(one for one in row if columns.get(one, one) == field)
            raise FaultyRow(f"found both {other!r} and {key!r}, expected one of them")
        named[field] = value
    return named


def _of_cells(row: Mapping[str, str], columns: Columns) -> dict[str, Any]:
    named: dict[str, Any] = {"metadata": {}}
    for column, cell in row.items():
        field = columns.get(column)
        if field is None:
            named["metadata"][column] = cell
        elif field in LISTS:
            named.setdefault(field, []).extend(cell_texts(cell, split=field == "document_ids"))
        else:
            named[field] = cell
    if "answers" not in named:
        raise FaultyRow("found no answer, expected one, or [] in its cell for a question that the corpus cannot answer")
    return named


def cell_texts(cell: str, *, split: bool) -> list[str]:
    """The texts of a table's cell: a JSON array, else one.

    Args:
        split: several may stand between semicolons or on lines, as document ids do.
    """
    if cell.startswith("[") and cell.endswith("]"):
        try:
            value = json.loads(cell)
        except ValueError:
            value = None
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            return value
        if not split and not cell[1:-1].strip():
            return []
    if not split:
        return [cell]
    return [one.strip() for line in cell.splitlines() for one in line.split(";") if one.strip()]


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names)) or "nothing"
