"""Rows of columnar files: Parquet, and a data set in a folder as the library ``datasets`` saves it.

Columns keep their types as far as JSON has them: dates and the like become text, class labels their names.
"""

import math
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from retrieval.errors import InputError
from training.data.reading.faults import FaultyRow
from training.data.reading.json_rows import shown
from training.data.reading.source import Source

SPLIT = "split"
"""The column that a data set's own splits become, where it has none of that name."""
_BATCH = 1_000


def read_sources(path: Path) -> Iterator[Source]:
    """The rows of a Parquet file or of a saved data set; each split of the latter for itself.

    Raises:
        InputError: it is damaged, or a folder without a data set.
    """
    yield from _saved(path) if path.is_dir() else [_parquet(path)]


def _parquet(path: Path) -> Source:
    import pyarrow
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path) as file:
            rows = [row for batch in file.iter_batches(_BATCH) for row in batch.to_pylist()]
            columns = tuple(file.schema_arrow.names)
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(
            f"found a damaged Parquet file ({_first_line(error)}), expected rows: write it anew"
        ) from error
    return _source(str(path), columns, rows)


def _saved(directory: Path) -> Iterator[Source]:
    import pyarrow
    from datasets import Dataset, load_from_disk

    try:
        found = load_from_disk(str(directory))
    except (FileNotFoundError, ValueError, KeyError, TypeError, pyarrow.ArrowException) as error:
        raise InputError(
            f"found a folder that is no saved data set ({_first_line(error)}), expected one that `save_to_disk` of the "
            "library datasets has written, or a file"
        ) from error
    for split, own in {"": found}.items() if isinstance(found, Dataset) else found.items():
        names = {name: one.names for name, one in own.features.items() if hasattr(one, "int2str")}
        rows: list[dict[str, Any]] = []
        for batch in own.with_format("arrow").iter(_BATCH):
            for row in batch.to_pylist():
                row |= {name: _named(row[name], labels) for name, labels in names.items()}
                rows.append(row if not split or SPLIT in row else {**row, SPLIT: split})
        added = [SPLIT] if split and SPLIT not in own.column_names else []
        yield _source(f"{directory}, {split}" if split else str(directory), (*own.column_names, *added), rows)


def _source(name: str, columns: Iterable[str], rows: Iterable[dict[str, Any]]) -> Source:
    read: list[tuple[str, dict[str, Any] | FaultyRow]] = []
    for number, row in enumerate(rows, start=1):
        try:
            read.append((f"{name}, row {number}", {key: _plain(value) for key, value in row.items()}))
        except FaultyRow as fault:
            read.append((f"{name}, row {number}", fault))
    return Source(name, tuple(columns), read, cells=False)


def _named(value: Any, labels: list[str]) -> Any:
    """A class label by its name; -1 stands for none."""
    return labels[value] if isinstance(value, int) and 0 <= value < len(labels) else None


def _plain(value: Any) -> Any:
    """A value as JSON has it.

    Raises:
        FaultyRow: it has none like it.
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    raise FaultyRow(f"found {shown(repr(value))}, expected text, numbers, lists and objects of them")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
