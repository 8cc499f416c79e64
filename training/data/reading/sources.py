"""The rows of a file, whatever its form: JSON Lines, a JSON array, CSV, TSV, a workbook; ``.gz`` too; Parquet.

A folder is a data set as the library ``datasets`` saves it.

Knows nothing about what the columns mean.
"""

import gzip
import json
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from retrieval.documents import Document, SourceFile
from retrieval.errors import InputError
from training.data.reading import columnar, json_rows
from training.data.reading.faults import FaultyRow
from training.data.reading.source import Source

Tell = Callable[[str], None]
"""Takes a sentence for the user about something that stops nothing."""

_TABLES = (".csv", ".tsv")
_WORKBOOKS = (".xlsx", ".xlsm", ".xltx", ".xlsb", ".xls", ".ods")


def read_sources(path: Path, fault: Tell, warn: Tell) -> Iterator[Source]:
    """The rows of a file. Faults are told with their place, and the rows around them given."""
    suffix = Path(path.stem).suffix.lower() if path.suffix == ".gz" else path.suffix.lower()
    try:
        if suffix == ".parquet" or path.is_dir():
            yield from columnar.read_sources(path)
            return
        if suffix in _WORKBOOKS:
            yield from _workbook(path, fault, warn)
            return
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            data = file.read()
        if suffix in _TABLES:
            yield _table(path, data, "\t" if suffix == ".tsv" else None, warn)
        elif suffix == ".json" and (text := _decoded(path, data, warn)).lstrip().startswith("["):
            yield _json(path, json_rows.array(text))
        else:
            yield _json(path, json_rows.lines(data))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        fault(f"{path}: found a damaged gzip file ({error}), expected examples: write it anew")
    except OSError as error:
        fault(f"{path}: cannot be read ({error.strerror}), expected a file of examples: check the path")
    except InputError as error:
        fault(str(error) if str(error).startswith(str(path)) else f"{path}: {error}")


def _json(path: Path, read: Iterable[json_rows.JsonRow]) -> Source:
    rows = [(f"{path}:{number}", row) for number, row in read]
    keys = (key for _, row in rows if not isinstance(row, FaultyRow) for key in row)
    return Source(str(path), tuple(dict.fromkeys(keys)), rows, cells=False)


def _table(path: Path, data: bytes, delimiter: str | None, warn: Tell) -> Source:
    from retrieval.parsing.table import delimiter_of, table_rows

    text = _decoded(path, data, warn) if data else ""
    grid = [*table_rows(text, delimiter or delimiter_of(text))]
    return _from_cells(str(path), f"{path}:", grid)


def _decoded(path: Path, data: bytes, warn: Tell) -> str:
    from retrieval.parsing.text import clean, decode

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        text = clean(decode(data))
    for warning in caught:
        warn(f"{path}: {warning.message}")
    return text


def _workbook(path: Path, fault: Tell, warn: Tell) -> Iterator[Source]:
    """The sheets, read as every binary format is: in a limited child process."""
    from retrieval.parsing.parse import ParseWarning, parse_file

    status = path.stat()
    file = SourceFile(str(path), path, status.st_size, status.st_mtime_ns, str(path))
    sheets = []
    for item in parse_file(file, form="sheets"):
        if isinstance(item, Document):
            sheets.append((item.id, json.loads(item.text)))
        else:
            (warn if isinstance(item, ParseWarning) else fault)(
                f"{path}: {item.warning if isinstance(item, ParseWarning) else item.error}"
            )
    for sheet, grid in sheets:
        name = f"{path}, sheet {sheet!r}" if len(sheets) > 1 else str(path)
        yield _from_cells(name, f"{path}:{sheet}!" if len(sheets) > 1 else f"{path}:", grid)


def _from_cells(name: str, place: str, grid: Sequence[tuple[int, Sequence[str]]]) -> Source:
    """Rows under the names of the first one.

    Raises:
        InputError: two columns have the same name.
    """
    header = [" ".join(cell.split()) for cell in grid[0][1]] if grid else []
    columns = [column for column in header if column]
    for column in columns:
        if columns.count(column) > 1:
            raise InputError(f"{name}: found the column {column!r} twice, expected each name once: rename one")
    rows: list[tuple[str, dict[str, Any] | FaultyRow]] = []
    for number, cells in grid[1:]:
        filled = [(header[i] if i < len(header) else "", cell.strip()) for i, cell in enumerate(cells) if cell.strip()]
        stray = next((cell for column, cell in filled if not column), None)
        if stray is None:
            rows.append((f"{place}{number}", dict(filled)))
        else:
            fault = (
                f"found the cell {json_rows.shown(stray)} in a column without a name, expected cells under the "
                f"{len(columns)} names of the first row: check quotes and delimiters"
            )
            rows.append((f"{place}{number}", FaultyRow(fault)))
    return Source(name, tuple(columns), rows, cells=True)
