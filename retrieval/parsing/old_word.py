"""DOC, Word's binary format since Word 97: text, headings, tables and footnotes.

Read after [MS-DOC], the published specification, over olefile (BSD): the readers there are (antiword, catdoc,
LibreOffice) are programs under the GPL or hundreds of megabytes. Runs in the limited child process.
"""

import re
import struct
from bisect import bisect_right
from collections.abc import Iterator

from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.parsing.compound import Compound
from retrieval.parsing.grid import add_table
from retrieval.parsing.outline import Outline
from retrieval.parsing.package import broken
from retrieval.parsing.titles import meaningful_title

_IDENTIFIER = 0xA5EC
_ENCRYPTED, _SECOND_TABLE = 0x0100, 0x0200
_WORD_97 = 0x00C1
_CLX, _PAPX = 0x01A2, 0x0102
"""Where the header says where the piece table and the table of paragraphs' properties lie."""
_PAGE = 512
_ROW_END = b"\x17\x24\x01"
"""sprmPFTtp: the paragraph is the mark at a row's end."""
_MAX_HEADING = 9
_FIELD = re.compile("\x13[^\x13\x14\x15]*(?:\x14([^\x13\x14\x15]*))?\x15")
_PARAGRAPH = re.compile("[^\r\x07\x0c]*[\r\x07\x0c]?")
_SIGNS = str.maketrans(
    {"\x0b": "\n", "\x1e": "-", "\xa0": " "} | dict.fromkeys("\x01\x02\x03\x04\x05\x08\x13\x14\x15\x1f", "")
)


def parse_old_word_file(document_id: str, data: bytes, *, max_characters: int) -> Document:
    """A DOC file as one document; its title is the one in its properties.

    Text that was deleted under review is not told apart.

    Raises:
        InputError: broken, encrypted, older than Word 97, or over the limit.
    """
    with Compound(data, "DOC") as file:
        main = file.stream("WordDocument")
        if len(main) < _PAGE or struct.unpack_from("<H", main)[0] != _IDENTIFIER:
            raise InputError("found a Word file older than Word 97, expected DOCX: save it as DOCX")
        version, flags = struct.unpack_from("<2xH6xH", main)
        if flags & _ENCRYPTED:
            raise InputError("found an encrypted Word file, expected one without a password: save it without")
        if version < _WORD_97:
            raise InputError("found a Word file older than Word 97, expected DOCX: save it as DOCX")
        table = file.stream("1Table" if flags & _SECOND_TABLE else "0Table")
        title = meaningful_title(file.title())
    outline = Outline(max_characters)
    try:
        _read(outline, main, table)
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise broken("DOC", error) from error
    return outline.document(document_id, title, {})


def _read(outline: Outline, main: bytes, table: bytes) -> None:
    properties = _Properties(main, table)
    body, footnotes = struct.unpack_from("<4xii", main, 0x48)
    text, offsets = _pieces(main, table, max(body, 0) + max(footnotes, 0))
    rows: list[list[str]] = []
    cells: list[str] = []
    waiting = ""  # paragraphs of a cell before its last one
    text = _without_fields(text)
    for match in _PARAGRAPH.finditer(text):
        if not match[0]:
            break
        mark = match[0][-1]
        style, ends_row = properties.at(offsets(match.end() - 1))
        plain = match[0].rstrip("\r\x07\x0c").translate(_SIGNS)
        if mark == "\x07":
            if ends_row:
                rows.append(cells)
                cells = []
            else:
                cells.append(f"{waiting} {plain}".strip())
            waiting = ""
            continue
        if cells:
            waiting = f"{waiting} {plain}"
            continue
        if rows:
            add_table(outline, rows)
            rows = []
        if 1 <= style <= _MAX_HEADING:
            outline.heading(min(style, 6), plain)
        else:
            outline.paragraph(plain)
    add_table(outline, [*rows, cells])


def _without_fields(text: str) -> str:
    """Each field's result in its place, padded so that offsets stay; fields nest."""
    for _ in range(8):
        if "\x13" not in text:
            break
        text = _FIELD.sub(lambda match: (match[1] or "").ljust(len(match[0]), "\x01"), text)
    return text


def _pieces(main: bytes, table: bytes, length: int) -> tuple[str, "_Offsets"]:
    """The text put together from its pieces, and where in the file each character lies."""
    start, size = struct.unpack_from("<II", main, _CLX)
    clx = table[start : start + size]
    at = 0
    while at < len(clx) and clx[at] == 1:  # properties of pieces
        at += 3 + struct.unpack_from("<H", clx, at + 1)[0]
    if at >= len(clx) or clx[at] != 2:
        raise struct.error("no piece table")
    count = (struct.unpack_from("<I", clx, at + 1)[0] - 4) // 12
    positions = struct.unpack_from(f"<{count + 1}I", clx, at + 5)
    texts, offsets = [], _Offsets()
    total = 0
    for i in range(count):
        place = struct.unpack_from("<I", clx, at + 5 + 4 * (count + 1) + 8 * i + 2)[0]
        characters = min(positions[i + 1], length) - positions[i]
        if characters <= 0:
            break
        narrow = bool(place & 0x40000000)
        place &= 0x3FFFFFFF
        place, width = (place // 2, 1) if narrow else (place, 2)
        raw = main[place : place + characters * width]
        piece = raw.decode("cp1252" if narrow else "utf-16-le", "replace")
        texts.append(piece[:characters].ljust(characters))
        offsets.add(total, place, width)
        total += characters
    return "".join(texts), offsets


class _Offsets:
    """Character positions to offsets in the file."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._places: list[tuple[int, int]] = []

    def add(self, start: int, place: int, width: int) -> None:
        self._starts.append(start)
        self._places.append((place, width))

    def __call__(self, position: int) -> int:
        index = max(bisect_right(self._starts, position) - 1, 0)
        place, width = self._places[index]
        return place + (position - self._starts[index]) * width


class _Properties:
    """Style and end of row of the paragraph at an offset in the file."""

    def __init__(self, main: bytes, table: bytes) -> None:
        runs = sorted(_runs(main, table))
        self._starts = [start for start, _, _ in runs]
        self._values = [(style, ends_row) for _, style, ends_row in runs]

    def at(self, offset: int) -> tuple[int, bool]:
        index = bisect_right(self._starts, offset) - 1
        return self._values[index] if index >= 0 else (0, False)


def _runs(main: bytes, table: bytes) -> Iterator[tuple[int, int, bool]]:
    start, size = struct.unpack_from("<II", main, _PAPX)
    count = max(size - 4, 0) // 8
    for number in struct.unpack_from(f"<{count}I", table, start + 4 * (count + 1)):
        page = main[(number & 0x3FFFFF) * _PAGE :][:_PAGE]
        if len(page) < _PAGE:
            continue
        held = page[-1]
        offsets = struct.unpack_from(f"<{held + 1}I", page)
        for i in range(held):
            at = page[4 * (held + 1) + 13 * i] * 2
            style, ends_row = 0, False
            if at:
                length = page[at]
                begin, end = (at + 2, at + 2 + 2 * page[at + 1]) if length == 0 else (at + 1, at + 2 * length)
                if begin + 2 <= _PAGE:
                    style = struct.unpack_from("<H", page, begin)[0]
                    ends_row = _ROW_END in page[begin + 2 : end]
            yield offsets[i], style, ends_row
