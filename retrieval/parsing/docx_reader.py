"""The walk through a DOCX document: its blocks become headings, items, paragraphs, notes and tables of the outline."""

from collections.abc import Iterator
from typing import Any

from retrieval.parsing.columns import Table
from retrieval.parsing.docx_numbering import W, value
from retrieval.parsing.docx_parts import Parts, Style
from retrieval.parsing.docx_text import ParagraphText
from retrieval.parsing.outline import Outline

_CONTAINERS = frozenset([f"{W}{name}" for name in ("sdt", "sdtContent", "ins", "moveTo", "customXml")])
_MAX_REPEATED = 200
_MAX_LEFTOVER = 3
"""Words of a header's line beside its page number ("Page 1 of 2") that make it one of page numbers only."""


class DocxReader:
    """Reads the body of one document into ``outline``."""

    def __init__(self, outline: Outline, parts: Parts) -> None:
        self.outline = outline
        self.title = ""
        self._parts = parts
        self._carried = ""  # text of paragraphs whose end was deleted: it goes on in the next one
        self._notes: list[tuple[str, str]] = []

    def read(self, body: Any) -> None:
        """The body, with headers before it and footers after it, each once."""
        self._margins("header")
        self._blocks(body)
        self.outline.paragraph(self._carried)
        self._margins("footer")

    def _blocks(self, parent: Any) -> None:
        """Paragraphs and tables below ``parent``, also those inside content controls."""
        for element in parent:
            if element.tag == f"{W}p":
                self._paragraph(element)
            elif element.tag == f"{W}tbl":
                self._table(element)
            elif element.tag in _CONTAINERS:
                self._blocks(element)

    def _paragraph(self, element: Any) -> None:
        read = ParagraphText(element)
        self._notes += read.notes
        properties = element.find(f"{W}pPr")
        text = self._carried + read.text
        self._carried = ""
        if properties is not None and properties.find(f"{W}rPr/{W}del") is not None:
            self._carried = text
            return
        style = self._style(properties)
        if style.name.lower().startswith("toc "):  # the headings once more, with the numbers of their pages
            return
        if not text.strip():
            return
        mark, depth = self._mark(properties, style)
        if style.name == "Title" and not self.title:
            self.title = " ".join(text.split())
            self.outline.heading(1, text)
        elif style.level:
            self.outline.heading(min(style.level, 6), f"{mark} {text}" if mark != "-" else text)
        elif mark or style.name.startswith("List"):
            self.outline.item(f"{'  ' * min(depth, 8)}{mark or '-'} {' '.join(text.split())}")
        else:
            self.outline.paragraph(text)
        self._write_notes()

    def _style(self, properties: Any) -> Style:
        identity = value(properties, "pStyle") or ""
        return self._parts.styles.get(identity, Style(identity))

    def _mark(self, properties: Any, style: Style) -> tuple[str, int]:
        """The automatic number or bullet of a paragraph, or nothing; and how deep its list lies."""
        number = value(properties, "numPr", "numId")
        level = value(properties, "numPr", "ilvl")
        depth = int(level[:2]) if level is not None and level.isdecimal() else style.depth
        number = style.number if number is None else number
        if number is None or number == "0":
            return "", depth
        return self._parts.numbering.mark(number, depth), depth

    def _write_notes(self) -> None:
        notes, self._notes = self._notes, []
        for kind, identity in notes:
            note = self._parts.note(kind, identity)
            text = " ".join(ParagraphText(note).text.split()) if note is not None else ""
            if text:
                self.outline.paragraph(f"Note: {text}")

    def _margins(self, kind: str) -> None:
        lines: dict[str, None] = {}
        for margin in self._parts.margins(kind):
            for paragraph in _paragraphs(margin):
                read = ParagraphText(paragraph)
                text = " ".join(read.text.split())
                if text and not (read.has_page_number and len(text.split()) <= _MAX_LEFTOVER):
                    lines[text] = None
        self.outline.paragraph("\n".join(lines))

    def _table(self, element: Any) -> None:
        rows = [(row, list(_cells(row))) for row in _rows(element)]
        if self._places_content(element, rows):
            for _, cells in rows:
                for cell in cells:
                    self._blocks(cell)
            return
        table = Table()
        above: dict[int, str] = {}  # column -> text of the cell that may go on below
        for i, (row, cells) in enumerate(rows):
            read: list[tuple[str, int, int]] = []
            column = 0
            for cell in cells:
                width = _width(cell)
                text = self._cell(cell)
                merge = cell.find(f"{W}tcPr/{W}vMerge")
                if merge is not None and merge.get(f"{W}val") != "restart":
                    text = text or above.get(column, "")
                above[column] = text if len(text) <= _MAX_REPEATED else ""
                read.append((text, 1, width))
                column += width
            marked = row.find(f"{W}trPr/{W}tblHeader") is not None
            table.row(read, header=marked or (i == 0 and _stands_out(rows)))
        self.outline.table(table)
        self._write_notes()

    def _places_content(self, table: Any, rows: list[tuple[Any, list[Any]]]) -> bool:
        """Whether the table is a frame around other content rather than data."""
        if all(len(cells) <= 1 for _, cells in rows) or table.find(f".//{W}tbl") is not None:
            return True
        return any(self._style(paragraph.find(f"{W}pPr")).level for paragraph in table.iter(f"{W}p"))

    def _cell(self, cell: Any) -> str:
        texts = []
        for paragraph in _paragraphs(cell):
            properties = paragraph.find(f"{W}pPr")
            read = ParagraphText(paragraph)
            self._notes += read.notes
            if read.text.strip():
                mark = self._mark(properties, self._style(properties))[0]
                texts += [mark, read.text]
        return " ".join(" ".join(texts).split())


def _paragraphs(parent: Any) -> Iterator[Any]:
    """The paragraphs at any depth; those in a paragraph's drawings are part of its text."""
    for element in parent:
        if element.tag == f"{W}p":
            yield element
        elif isinstance(element.tag, str):
            yield from _paragraphs(element)


def _rows(table: Any) -> Iterator[Any]:
    """The rows, without those that were deleted; nested tables keep theirs."""
    for element in table:
        if element.tag == f"{W}tr":
            if element.find(f"{W}trPr/{W}del") is None:
                yield element
        elif element.tag in _CONTAINERS:
            yield from _rows(element)


def _cells(row: Any) -> Iterator[Any]:
    for element in row:
        if element.tag == f"{W}tc":
            yield element
        elif element.tag in _CONTAINERS:
            yield from _cells(element)


def _width(cell: Any) -> int:
    span = value(cell, "tcPr", "gridSpan") or "1"
    return max(1, int(span[:4])) if span.isdecimal() else 1


def _stands_out(rows: list[tuple[Any, list[Any]]]) -> bool:
    """Whether the first row alone is bold."""
    return len(rows) > 1 and _bold(rows[0][1]) and not _bold(rows[1][1])


def _bold(cells: list[Any]) -> bool:
    runs = [run for cell in cells for run in cell.iter(f"{W}r") if run.find(f"{W}t") is not None]
    marks = [run.find(f"{W}rPr/{W}b") for run in runs]
    return bool(runs) and all(mark is not None and mark.get(f"{W}val", "1") not in ("0", "false") for mark in marks)
