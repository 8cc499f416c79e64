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
from typing import Any

from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.parsing.columns import named_row
from retrieval.parsing.outline import Outline
from retrieval.parsing.package import OLE, broken, open_package, read_part, xml_tree

_NUMBER = re.compile(r"[^\w\s]{0,2}\s?\d[\d.,:/ \-]{0,30}\s?\S{0,4}")
_CELL = re.compile(rb"<(?:\w{1,9}:)?c [^>]{0,40}?r=\"([A-Z]{1,3})(\d{1,7})\"")
_SEARCHED = 16 << 20
_MAX_CELLS = 30_000_000
"""Of a sheet's rectangle: the library holds it whole, 24 bytes a cell."""

Row = list[str]


def parse_spreadsheet(document_id: str, data: bytes, *, max_characters: int) -> Document:
    """A workbook as one document; hidden sheets are left out. Its title is the one in its properties.

    Raises:
        InputError: broken, encrypted, a zip bomb, a sheet that spans too much, or over the limit.
    """
    title = _check(data)
    outline = Outline(max_characters)
    for name, sheet in _sheets(data):
        rows = _rows(sheet)
        if rows:
            outline.heading(1, name)
            _add(outline, rows)
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
            return "" if found is None else str(found.text or "")
    return ""


def _rows(sheet: Any) -> list[Row]:
    """The sheet's rows as text, blank ones as empty lists; a cell merged over rows stands in each."""
    rows = [[_text(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
        if top >= len(rows) or left >= len(rows[top]):
            continue
        value = rows[top][left]
        for row in rows[top + 1 : bottom + 1]:
            row[left] = row[left] or value
        if right > left and _names_groups(rows[top], left, right):
            for column in range(left + 1, min(right + 1, len(rows[top]))):
                rows[top][column] = rows[top][column] or value
    return [row if any(row) else [] for row in rows]


def _names_groups(row: Row, left: int, right: int) -> bool:
    """Whether a cell merged over columns has neighbours: alone in its row it is a caption."""
    return any(row[:left]) or any(row[right + 1 :])


def _add(outline: Outline, rows: list[Row]) -> None:
    """Blocks of rows between blank ones: captions, and tables under the names of their first row."""
    names: Row = []
    for block in _blocks(rows):
        while block and sum(map(bool, block[0])) == 1 and (len(block) == 1 or sum(map(bool, block[1])) > 1):
            outline.paragraph(next(filter(None, block.pop(0))))
        if not block:
            continue
        if _begins_table(block, names):
            names = block.pop(0)
            if len(set(filter(None, names))) < sum(map(bool, names)) and block and _is_words(block[0]):
                names = [" ".join(dict.fromkeys(filter(None, pair))) for pair in zip(names, block.pop(0), strict=False)]
            names = _named(names)
            if not block:
                outline.item(" | ".join(filter(None, names)))
        for row in block:
            outline.item(named_row(names, row) if names else " | ".join(filter(None, row)))


def _named(names: Row) -> Row:
    """Without columns left of the table, the others numbered where they have no name."""
    first = next((i for i, name in enumerate(names) if name), 0)
    return [*[""] * first, *(name or f"column {i}" for i, name in enumerate(names[first:], start=1))]


def _blocks(rows: list[Row]) -> Iterator[list[Row]]:
    block: list[Row] = []
    for row in rows:
        if row:
            block.append(row)
        elif block:
            yield block
            block = []
    if block:
        yield block


def _begins_table(block: list[Row], names: Row) -> bool:
    """Whether the block's first row names its columns; after a blank row the names above go on unless that is clear."""
    first = block[0]
    if sum(map(bool, first)) < 2 or not _is_words(first):
        return False
    if not names:
        return len(block) > 1
    return any(not _is_words(row) for row in block[1:])


def _is_words(row: Row) -> bool:
    return not any(_NUMBER.fullmatch(cell) for cell in row)


def _text(cell: Any) -> str:
    if isinstance(cell, str):
        return " ".join(cell.split())
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else f"{cell:.12g}"
    if isinstance(cell, datetime.datetime):
        return cell.date().isoformat() if cell.time() == datetime.time() else cell.isoformat(" ", "minutes")
    return str(cell)
