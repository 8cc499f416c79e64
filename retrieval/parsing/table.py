"""CSV: one document, each row a line that says its columns' names, so that a chunk out of the middle still does.

Malformed rows are named and left out; the others are kept.
"""

import csv
import io
import warnings
from collections.abc import Iterator

from retrieval.documents import Document
from retrieval.errors import DocumentWarning, InputError
from retrieval.parsing.bounds import clipped
from retrieval.parsing.columns import named_row
from retrieval.parsing.text import clean, decode

_DELIMITERS = ",;\t|"
_SAMPLE_ROWS = 50
_NAMED = 5
_MAX_NAME = 200
"""Characters of a column's name, which every row repeats."""


def parse_table(document_id: str, data: bytes, *, max_characters: int = 64 << 20) -> Iterator[Document | InputError]:
    """The table as a document (first row: the columns' names), then an error that names the malformed rows, if any.

    Raises:
        InputError: binary content, no rows, unbalanced quotes, or more malformed rows than good ones.
    """
    text = clean(decode(data))
    delimiter = delimiter_of(text)
    rows = table_rows(text, delimiter)
    _, header = next(rows, (0, []))
    names = [" ".join(name.split()) or f"column {i}" for i, name in enumerate(header, start=1)]
    if any(len(name) > _MAX_NAME for name in names):
        warnings.warn(
            DocumentWarning(f"found column names longer than {_MAX_NAME} characters, cut them: each row repeats them"),
            stacklevel=2,
        )
        names = [clipped(name, _MAX_NAME) for name in names]
    lines = []
    malformed = _Malformed(len(names))
    length = 0
    for number, row in rows:
        if len(row) != len(names):
            malformed.add(number, len(row))
            continue
        line = named_row(names, [" ".join(cell.split()) for cell in row])
        if line:
            lines.append(line)
            length += len(line) + 1
            if length > max_characters:
                raise InputError(
                    f"row on line {number}: found more than {max_characters} characters of text with the columns' "
                    "names in each row, expected fewer: split the file"
                )
    if malformed.count > len(lines):
        raise InputError(f"{malformed}, which is most of them: check the delimiter and the quotes")
    if not lines:
        raise InputError(
            "found no rows, expected a row of column names and rows below it: fill the table or leave it out"
        )
    yield Document(id=document_id, text="\n".join(lines), metadata={"rows": len(lines)})
    if malformed.count:
        yield InputError(f"{malformed}: correct them; the other {len(lines)} rows were read")


def delimiter_of(text: str) -> str:
    """The delimiter under which most of the first rows have as many cells as the header, and more than one."""
    # csv.Sniffer takes a letter for the delimiter of a table with one column, and stumbles over quoted text.
    sample = "\n".join(text[: 1 << 16].split("\n")[:_SAMPLE_ROWS])
    best, most = ",", 0.0
    for delimiter in _DELIMITERS:
        widths = [len(row) for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter) if row]
        if widths and widths[0] > 1:
            agreeing = sum(width == widths[0] for width in widths) / len(widths)
            score = agreeing + widths[0] / 1000  # among equals the delimiter that finds more columns
            if score > most:
                best, most = delimiter, score
    return best


def table_rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Line numbers and rows of CSV, without blank ones.

    Raises:
        InputError: quotes that do not balance.
    """
    limit = csv.field_size_limit(len(text) + 1)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield number, row
            number = reader.line_num + 1
    except csv.Error as error:
        raise InputError(
            f"row on line {number}: found quotes that do not balance ({error}), expected CSV: correct the quotes"
        ) from error
    finally:
        csv.field_size_limit(limit)


class _Malformed:
    """How many rows are malformed, and which the first are."""

    def __init__(self, width: int) -> None:
        self.count = 0
        self._width = width
        self._first: list[str] = []

    def add(self, number: int, cells: int) -> None:
        self.count += 1
        if len(self._first) < _NAMED:
            self._first.append(f"line {number} ({cells} cells)")

    def __str__(self) -> str:
        more = f" and {self.count - _NAMED} more" if self.count > _NAMED else ""
        return f"found malformed rows: {', '.join(self._first)}{more}; expected {self._width} cells as in the header"
