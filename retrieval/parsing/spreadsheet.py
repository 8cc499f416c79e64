"""Spreadsheets (XLSX, XLSM, XLSB, XLS, ODS): every row a line that says its columns' names, sheets as headings.

python-calamine (MIT, Rust, one wheel without dependencies) reads all five and ten times as fast as openpyxl, which
reads one; formulas give the values that were saved with them. Runs in the limited child process (``sandbox.py``).
"""

import datetime
import io
import json
import re
import zipfile
from collections.abc import Iterator
from typing import Any, NamedTuple

from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.normalisation import normalise
from retrieval.parsing.columns import named_row
from retrieval.parsing.outline import Outline
from retrieval.parsing.package import OLE, broken, open_package, read_part, xml_tree
from retrieval.parsing.titles import meaningful_title

_NUMBER = re.compile(r"[^\w\s]{0,2}\s?\d[\d.,:/ \-]{0,30}\s?\S{0,4}")
_CELL = re.compile(rb"<(?:\w{1,9}:)?c [^>]{0,40}?r=\"([A-Z]{1,3})(\d{1,7})\"")
_SEARCHED = 16 << 20
_MAX_CELLS = 30_000_000
"""Of a sheet's rectangle: the library holds it whole, 24 bytes a cell."""

_JUDGED = 50
"""Rows by which it is judged whether a block is a table."""
_MIN_NAMED = 0.5
"""Share of a table's columns that its first row names; a form has words here and there."""

Row = list[str]


class _Line(NamedTuple):
    """A row of a sheet."""

    cells: Row
    spread: Row
    """The same, where each cell that is merged over columns stands in all of them: what names columns."""


def parse_spreadsheet(document_id: str, data: bytes, *, max_characters: int) -> Document:
    """A workbook as one document; hidden sheets are left out. Its title is the one in its properties.

    Raises:
        InputError: broken, encrypted, a zip bomb, a sheet that spans too much, or over the limit.
    """
    title = _check(data)
    outline = Outline(max_characters)
    for name, sheet in _sheets(data):
        lines = _lines(sheet)
        if lines:
            outline.heading(1, name)
            _add(outline, lines)
    if not outline.headings and "Book".encode("utf-16-le") + b"\0\0" in data[:_SEARCHED] and data.startswith(OLE):
        raise InputError("found a workbook of Excel 95 or older, of which nothing could be read: save it as XLSX")
    return outline.document(document_id, title, {})


def parse_sheets(document_id: str, data: bytes, *, max_characters: int) -> Iterator[Document]:
    """The cells of a workbook, for those who need columns: one document a sheet, its id the sheet's name.

    The text is JSON of letters of ASCII, ``[[number of the row, [cell, ...]], ...]`` without blank rows. Hidden
    sheets are left out.

    Raises:
        InputError: as :func:`parse_spreadsheet`.
    """
    _check(data)
    for name, sheet in _sheets(data):
        grid = [
            (number, [cell.strip() if isinstance(cell, str) else _text(cell) for cell in row])
            for number, row in enumerate(sheet.to_python(skip_empty_area=False), start=1)
        ]
        if filled := [(number, row) for number, row in grid if any(row)]:
            yield Document(id=name, text=json.dumps(filled))


def _sheets(data: bytes) -> Iterator[tuple[str, Any]]:
    """Names and sheets of a workbook, those that are not hidden; what the library cannot read is an InputError."""
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(data)) as book:
            shown = [sheet.name for sheet in book.sheets_metadata if str(sheet.visible).rpartition(".")[2] == "Visible"]
            for name in shown or book.sheet_names:
                yield name, book.get_sheet_by_name(name)
    except PasswordError as error:
        raise InputError("found an encrypted workbook, expected one without a password: save it without") from error
    except (CalamineError, ValueError, OSError) as error:
        raise broken("or encrypted workbook" if data.startswith(OLE) else "workbook", error) from error
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # of Rust; no Exception, and exported nowhere
            raise broken("workbook", ValueError(str(error))) from error
        raise


def _check(data: bytes) -> str:
    """The title; refuses what the library would take too much memory for."""
    if data.startswith(OLE):
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise InputError("found an encrypted workbook, expected one without a password: save it without")
        return ""
    if not data.startswith(b"PK"):
        raise InputError(
            "found no workbook (maybe one older than Excel 95), expected XLSX, XLS or ODS: save it as XLSX"
        )
    archive = open_package(data, "workbook")
    names = set(archive.namelist())
    for name in names:
        if name.startswith("xl/worksheets/") and archive.getinfo(name).file_size <= _SEARCHED:
            _check_span(archive, name)
    if "META-INF/manifest.xml" in names and b"encryption-data" in read_part(
        archive, "META-INF/manifest.xml", "workbook"
    ):
        raise InputError("found an encrypted workbook, expected one without a password: save it without")
    return _title(archive, names)


def _check_span(archive: zipfile.ZipFile, name: str) -> None:
    columns = rows = 1
    for letters, digits in _CELL.findall(read_part(archive, name, "workbook")):
        rows = max(rows, int(digits))
        number = 0
        for letter in letters:
            number = number * 26 + letter - 64
        columns = max(columns, number)
    if rows * columns > _MAX_CELLS:
        raise InputError(
            f"found a sheet that spans {rows} rows by {columns} columns, expected at most {_MAX_CELLS} cells: "
            "delete the stray cells far from its table"
        )


def _title(archive: zipfile.ZipFile, names: set[str]) -> str:
    for part in ("docProps/core.xml", "meta.xml"):
        if part in names:
            try:
                found = xml_tree(read_part(archive, part, "workbook"), "workbook").find(
                    ".//{http://purl.org/dc/elements/1.1/}title"
                )
            except InputError:
                return ""
            return "" if found is None else meaningful_title(str(found.text or ""))
    return ""


def _lines(sheet: Any) -> list[_Line]:
    """The sheet's rows as text; a cell merged over rows stands in each."""
    cells = sheet.to_python(skip_empty_area=False)
    rows = [row if row.count("") == len(row) else [_text(cell) for cell in row] for row in cells]
    spread: dict[int, Row] = {}
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
        if top >= len(rows) or left >= len(rows[top]):
            continue
        value = rows[top][left]
        for row in rows[top + 1 : bottom + 1]:
            row[left] = row[left] or value
        if right > left and _names_groups(rows[top], left, right):
            wide = spread.setdefault(top, list(rows[top]))
            for column in range(left + 1, min(right + 1, len(wide))):
                wide[column] = wide[column] or value
    return [_Line(row, spread.get(number, row)) for number, row in enumerate(rows)]


def _names_groups(row: Row, left: int, right: int) -> bool:
    """Whether a cell merged over columns has neighbours: alone in its row it is a caption."""
    return any(row[:left]) or any(row[right + 1 :])


def _add(outline: Outline, lines: list[_Line]) -> None:
    """Blocks of rows between blank ones: captions, and tables under the names of their first row."""
    names: Row = []
    for block in _blocks(lines):
        while block and _filled(block[0].cells) == 1 and (len(block) == 1 or _filled(block[1].cells) > 1):
            outline.paragraph(next(filter(None, block.pop(0).cells)))
        if not block:
            continue
        if _begins_table([line.spread for line in block], names):
            names = block.pop(0).spread
            if len(set(filter(None, names))) < _filled(names) and block and _is_words(block[0].cells):
                pairs = zip(names, block.pop(0).spread, strict=False)
                names = [" ".join(dict.fromkeys(filter(None, pair))) for pair in pairs]
            if any(name and not any(line.cells[i] for line in block) for i, name in enumerate(names)):
                outline.item(" | ".join(filter(None, names)))  # no row says the name of an empty column
            names = _named(names)
        for line in block:
            outline.item(named_row(names, line.cells) if names else " | ".join(filter(None, line.cells)))


def _filled(row: Row) -> int:
    return sum(map(bool, row))


def _named(names: Row) -> Row:
    """Without columns left of the table, the others numbered where they have no name."""
    first = next((i for i, name in enumerate(names) if name), 0)
    return [*[""] * first, *(name or f"column {i}" for i, name in enumerate(names[first:], start=1))]


def _blocks(lines: list[_Line]) -> Iterator[list[_Line]]:
    block: list[_Line] = []
    for line in lines:
        if any(line.cells):
            block.append(line)
        elif block:
            yield block
            block = []
    if block:
        yield block


def _begins_table(block: list[Row], names: Row) -> bool:
    """Whether the block's first row names its columns; after a blank row the names above go on unless that is clear."""
    first, *others = block
    numbers = _numbers(first)
    # One of many names may be a number, where the rows below have more of them.
    if _filled(first) < 2 or numbers * 4 > _filled(first) or (numbers and not _more_numbers(others, numbers)):
        return False
    if any(cell.endswith(":") for cell in first) or first in others[:_JUDGED]:
        return False  # a form, or rows that are alike
    used = sum(map(any, zip(*block[:_JUDGED], strict=False)))
    if _filled(first) < _MIN_NAMED * used:
        return False
    if not names:
        return bool(others)
    return any(not _is_words(row) for row in others)


def _more_numbers(rows: list[Row], numbers: int) -> bool:
    return bool(rows) and all(_numbers(row) > numbers + 1 for row in rows[:5])


def _numbers(row: Row) -> int:
    return sum(bool(_NUMBER.fullmatch(cell)) for cell in row)


def _is_words(row: Row) -> bool:
    return not _numbers(row)


def _text(cell: Any) -> str:
    if isinstance(cell, str):
        # Here, since a word's halves no longer show once the cell is one line.
        return " ".join((normalise(cell) if "-\n" in cell else cell).split())
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else f"{cell:.12g}"
    if isinstance(cell, datetime.datetime):
        return cell.date().isoformat() if cell.time() == datetime.time() else cell.isoformat(" ", "minutes")
    return str(cell)
