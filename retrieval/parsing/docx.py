"""DOCX: headings, lists and tables in the order of the document. Runs in the limited child process (``sandbox.py``)."""

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any

from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.parsing.outline import Outline

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HEADING_STYLE = re.compile(r"^heading (\d)$", re.IGNORECASE)
_MAX_PARTS = 10_000
_MAX_PART_BYTES = 128 << 20
_MAX_EXPANDED_BYTES = 512 << 20
# Text that stands elsewhere (deleted, moved away) or is shown twice (the fallback of a drawing).
_SKIPPED = frozenset([f"{_W}del", f"{_W}moveFrom", f"{_W}instrText", "Fallback"])


def parse_docx(document_id: str, data: bytes, *, max_characters: int) -> Document:
    """A DOCX file as one document; its title is the one in its properties, or its Title paragraph.

    Raises:
        InputError: broken, encrypted, the old DOC format, a zip bomb, or over the limit.
    """
    _check_archive(data)
    from docx import Document as open_docx

    try:
        package = open_docx(io.BytesIO(data))
        styles = {style.style_id: str(style.name or "") for style in package.styles}
        body = package.element.body
        title = str(package.core_properties.title or "").strip()
    except MemoryError:
        raise
    except Exception as error:  # python-docx lets KeyError, lxml's and zipfile's errors through for broken files
        raise InputError(
            f"found a broken DOCX ({type(error).__name__}: {error}), expected a whole one: save or copy it again"
        ) from error
    reader = _Reader(Outline(max_characters), styles)
    reader.blocks(body)
    return reader.outline.document(document_id, title or reader.title, {})


def _check_archive(data: bytes) -> None:
    if data.startswith(_OLE):
        raise InputError("found an encrypted or old (DOC) Word file, expected DOCX without a password: save it as such")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise InputError(f"found a broken DOCX ({error}), expected a whole one: save or copy it again") from error
    # zipfile reads no more of a part than its header declares, so the declared sizes bound the memory.
    expanded = sum(part.file_size for part in parts)
    largest = max((part.file_size for part in parts), default=0)
    if len(parts) > _MAX_PARTS or expanded > _MAX_EXPANDED_BYTES or largest > _MAX_PART_BYTES:
        raise InputError(
            f"found {len(parts)} parts that expand to {expanded / 2**20:.0f} MiB (a zip bomb?), expected at most "
            f"{_MAX_PARTS} parts and {_MAX_EXPANDED_BYTES >> 20} MiB: leave the file out, or save it without its images"
        )


class _Reader:
    def __init__(self, outline: Outline, styles: dict[str, str]) -> None:
        self.outline = outline
        self.title = ""
        self._styles = styles

    def blocks(self, parent: Any) -> None:
        """Paragraphs and tables below ``parent``, also those inside content controls."""
        for element in parent:
            if element.tag == f"{_W}p":
                self._paragraph(element)
            elif element.tag == f"{_W}tbl":
                self._table(element)
            elif element.tag in (f"{_W}sdt", f"{_W}sdtContent", f"{_W}ins", f"{_W}customXml"):
                self.blocks(element)

    def _paragraph(self, element: Any) -> None:
        text = "".join(_texts(element))
        properties = element.find(f"{_W}pPr")
        style_id = _value(properties, "pStyle")
        style = self._styles.get(style_id or "", style_id or "")
        level = _HEADING_STYLE.match(style)
        if style == "Title" and not self.title:
            self.title = " ".join(text.split())
            self.outline.heading(1, text)
        elif level:
            self.outline.heading(min(int(level[1]) or 1, 6), text)
        elif style.startswith("List") or _is_numbered(properties):
            if text.strip():
                depth = int(_value(properties, "numPr", "ilvl") or 0)
                self.outline.item(f"{'  ' * min(depth, 8)}- {' '.join(text.split())}")
        else:
            self.outline.paragraph(text)

    def _table(self, table: Any) -> None:
        for row in table.iter(f"{_W}tr"):
            cells = [" ".join("".join(_texts(cell)).split()) for cell in _cells(row)]
            self.outline.row(cells)


def _cells(row: Any) -> Iterator[Any]:
    for element in row:
        if element.tag == f"{_W}tc":
            yield element
        elif element.tag == f"{_W}sdt":
            yield from _cells(element.find(f"{_W}sdtContent"))


def _texts(element: Any) -> Iterator[str]:
    """The pieces of text below an element; a nested table is left to the walk over rows."""
    for child in element:
        tag = child.tag
        if not isinstance(tag, str) or tag in _SKIPPED or tag.endswith("}Fallback"):
            continue
        if tag == f"{_W}t":
            yield child.text or ""
        elif tag in (f"{_W}tab", f"{_W}ptab"):
            yield "\t"
        elif tag in (f"{_W}br", f"{_W}cr"):
            yield "\n"
        elif tag == f"{_W}noBreakHyphen":
            yield "-"
        elif tag not in (f"{_W}tbl", f"{_W}pPr", f"{_W}rPr", f"{_W}tcPr"):
            yield from _texts(child)
            if tag == f"{_W}p":
                yield "\n"


def _value(properties: Any, *path: str) -> str | None:
    element = properties
    for name in path:
        element = element.find(f"{_W}{name}") if element is not None else None
    return None if element is None else element.get(f"{_W}val")


def _is_numbered(properties: Any) -> bool:
    number = _value(properties, "numPr", "numId")
    return number is not None and number != "0"
