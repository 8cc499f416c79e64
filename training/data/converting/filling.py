"""A row's values by a ``[convert]`` table: a column's own value, or columns put into a text.

Plain substitution, one pass: what is put in is not looked at again.
"""

import json
from collections.abc import Mapping
from typing import Any

from training.data.reading.faults import FaultyRow
from training.tasks.conversion import PLACEHOLDER


def text_of(value: str, row: Mapping[str, Any]) -> str | None:
    """The text that a value of the table stands for in a row; None where all its columns are empty."""
    found = value_of(value, row)
    return None if found is None else _text(found)


def value_of(value: str, row: Mapping[str, Any]) -> Any:
    """The same as it is: of a single column also a list, a number or an object.

    Raises:
        FaultyRow: a text with several columns, one of which is empty.
    """
    if value in row or not PLACEHOLDER.search(value):
        return _filled(row.get(value))
    columns = PLACEHOLDER.findall(value)
    parts = {column: _filled(row.get(column)) for column in columns}
    if all(part is None for part in parts.values()):
        return None
    empty = next((column for column, part in parts.items() if part is None), None)
    if empty is not None:
        raise FaultyRow(f"found nothing in the column {empty!r}, expected something for {value!r}")
    if len(columns) == 1 and isinstance(parts[columns[0]], list):
        return [_put(value, {columns[0]: one}) for one in parts[columns[0]]]
    return _put(value, parts)


def _put(text: str, parts: Mapping[str, Any]) -> str:
    return PLACEHOLDER.sub(lambda found: _text(parts[found[1]]), text)


def _filled(value: Any) -> Any:
    """A value, or None for what says nothing."""
    return None if value is None or (isinstance(value, str) and not value.strip()) or value in ([], {}) else value


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list):
        return "\n".join(map(_text, value))
    return json.dumps(value, ensure_ascii=False)
