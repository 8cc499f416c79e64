"""OpenDocument text and presentations (ODT, ODP, and flat FODT, FODP): headings, lists, tables, notes, slides.

Plain XML over zip with lxml: odfpy, the library there is, had its last release in 2020 and gives no more than the
tree. Spreadsheets (ODS) go to ``spreadsheet.py``. Runs in the limited child process (``sandbox.py``).
"""

from typing import Any

from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.parsing.columns import Table
from retrieval.parsing.outline import Outline
from retrieval.parsing.package import broken, local, open_package, read_part, xml_tree
from retrieval.parsing.titles import meaningful_title

_NAME = "OpenDocument"
_DROPPED = frozenset(
    ["tracked-changes", "annotation", "annotation-end", "sequence-decls", "forms", "table-of-content", "bibliography"]
)
_MAX_REPEATED = 256


def parse_opendocument(document_id: str, data: bytes, *, max_characters: int) -> Document:
    """A text document or presentation; its title is the one in its properties, or its Title paragraph.

    Raises:
        InputError: broken, encrypted, a zip bomb, or over the limit.
    """
    if data.lstrip()[:1] == b"<" or data.startswith(b"\xef\xbb\xbf<"):
        content = properties = xml_tree(data, _NAME)
    else:
        archive = open_package(data, _NAME)
        names = set(archive.namelist())
        manifest = "META-INF/manifest.xml"
        if manifest in names and b"encryption-data" in read_part(archive, manifest, _NAME):
            raise InputError("found an encrypted OpenDocument file, expected one without a password: save it without")
        content = xml_tree(read_part(archive, "content.xml", _NAME), _NAME)
        properties = xml_tree(read_part(archive, "meta.xml", _NAME), _NAME) if "meta.xml" in names else None
    body = next((element for element in content.iter() if local(element) == "body"), None)
    if body is None:
        raise broken(_NAME, ValueError("no body"))
    reader = _Reader(Outline(max_characters), _parents(content))
    reader.blocks(body)
    title = ""
    if properties is not None:
        found = properties.find(".//{http://purl.org/dc/elements/1.1/}title")
        title = meaningful_title("".join(found.itertext())) if found is not None else ""
    return reader.outline.document(document_id, title or reader.title, {})


def _parents(content: Any) -> dict[str, str]:
    """The style that each automatic style is made from."""
    parents = {}
    for element in content.iter():
        if local(element) == "style":
            name, parent = _attribute(element, "name"), _attribute(element, "parent-style-name")
            if name and parent:
                parents[name] = parent
    return parents


class _Reader:
    def __init__(self, outline: Outline, parents: dict[str, str]) -> None:
        self.outline = outline
        self.title = ""
        self._parents = parents
        self._pages = 0

    def blocks(self, parent: Any, depth: int = 0) -> None:
        """Everything below ``parent`` that shows text, in order; ``depth`` counts the lists it stands in."""
        for element in parent:
            name = local(element)
            if name in _DROPPED:
                continue
            if name == "h":
                self.outline.heading(min(int(_attribute(element, "outline-level") or 1), 6), _text(element))
            elif name == "p":
                self._paragraph(element, depth)
            elif name == "list":
                self.blocks(element, depth + 1)
            elif name == "table":
                self._table(element)
            elif name == "page":
                self._page(element)
            elif name == "notes":
                self._notes(element)
            else:
                self.blocks(element, depth)

    def _paragraph(self, element: Any, depth: int) -> None:
        text = _text(element)
        style = _attribute(element, "style-name")
        style = self._parents.get(style, style)
        if style == "Title" and not self.title:
            self.title = " ".join(text.split())
            self.outline.heading(1, text)
        elif depth:
            if text.strip():
                self.outline.item(f"{'  ' * (min(depth, 8) - 1)}- {' '.join(text.split())}")
        else:
            self.outline.paragraph(text)
        for frame in _frames(element):
            self.blocks(frame, depth)

    def _page(self, page: Any) -> None:
        """A slide: the frame that holds its title first."""
        self._pages += 1
        title = next((one for one in page if _attribute(one, "class") == "title"), None)
        parts = () if title is None else (part for part in title.iter() if local(part) == "p")
        name = " ".join(" ".join(map(_text, parts)).split())
        if not any(local(part) in ("p", "h") and _text(part).strip() for part in page.iter()):
            return
        self.outline.heading(1, name or f"Slide {self._pages}")
        self.title = self.title or name
        for element in page:
            if element is not title:
                self._notes(element) if local(element) == "notes" else self.blocks([element])

    def _notes(self, notes: Any) -> None:
        text = "\n".join(_text(part) for part in notes.iter() if local(part) == "p").strip()
        if text:
            self.outline.paragraph(f"Notes: {text}")

    def _table(self, table: Any) -> None:
        rows = Table()
        marked = False
        for row in table.iter():
            if local(row) != "table-row":
                continue
            header = local(row.getparent()) == "table-header-rows"
            marked = marked or header
            cells: list[tuple[str, int, int]] = []
            for cell in row:
                if local(cell) == "table-cell":  # a covered one lies under another
                    text = " ".join(" ".join(_text(part) for part in cell.iter() if local(part) in ("p", "h")).split())
                    spans = _number(cell, "number-rows-spanned"), _number(cell, "number-columns-spanned")
                    cells += [(text, *spans)] * _number(cell, "number-columns-repeated")
            rows.row(cells, header=header)
        self.outline.table(rows, guess=not marked)


def _frames(paragraph: Any) -> list[Any]:
    """Text boxes anchored in a paragraph, whose text is not the paragraph's."""
    return [element for element in paragraph.iter() if local(element) == "text-box"]


def _text(element: Any) -> str:
    """A paragraph's text: footnotes in brackets; what stands in text boxes or comments left out."""
    parts = [element.text or ""]
    for child in element:
        name = local(child)
        if name in ("s", "tab", "line-break"):
            parts.append({"s": " " * _number(child, "c"), "tab": "\t"}.get(name, "\n"))
        elif name == "note":
            note = next((part for part in child if local(part) == "note-body"), None)
            text = " ".join(_text(part) for part in note.iter() if local(part) == "p") if note is not None else ""
            parts.append(f" [{' '.join(text.split())}]" if text.strip() else "")
        elif name not in _DROPPED and name not in ("frame", "custom-shape", "p"):
            parts.append(_text(child))
        parts.append(child.tail or "")
    return "".join(parts)


def _number(element: Any, name: str) -> int:
    """The attribute as a number, 1 where it is missing."""
    value = _attribute(element, name)
    return min(int(value), _MAX_REPEATED) if value.isdigit() else 1


def _attribute(element: Any, name: str) -> str:
    """The attribute of that name in any namespace."""
    for key, value in element.attrib.items():
        if key.rpartition("}")[2] == name:
            return str(value)
    return ""
