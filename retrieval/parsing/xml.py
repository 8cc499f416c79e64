"""XML of any kind: XHTML through the HTML parser; else titles as headings, mixed content as paragraphs, data as rows.

lxml reads it without entities from outside. Runs in the limited child process (``sandbox.py``).
"""

from typing import Any

from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.parsing.columns import Table
from retrieval.parsing.html import parse_html
from retrieval.parsing.outline import Outline
from retrieval.parsing.package import local, xml_tree

_NAME = "XML"
_TITLES = frozenset(["title", "head", "heading", "titleabbrev", "article-title"])
_PARAGRAPHS = frozenset(
    ["p", "para", "simpara", "paragraph", "description", "summary", "content", "encoded", "abstract", "shortdesc"]
)
_CODE = frozenset(["programlisting", "screen", "codeblock", "literallayout", "pre", "code-block"])
_TABLES = frozenset(["table", "informaltable", "tgroup", "simpletable"])
_ROWS = frozenset(["tr", "row", "strow", "sthead"])
_LONG = 200


def parse_xml(document_id: str, data: bytes, *, max_characters: int) -> Document:
    """An XML file as one document; its title is the first element that is called so.

    Raises:
        InputError: malformed, an entity bomb, nested too deeply, or over the limit.
    """
    try:
        root = xml_tree(data, _NAME)
    except InputError:
        if b"<html" in data[:2048].lower():
            return parse_html(document_id, data, max_characters=max_characters)
        raise
    if local(root) == "html":
        return parse_html(document_id, data, max_characters=max_characters)
    reader = _Reader(document_id, Outline(max_characters))
    reader.read(root, 0)
    return reader.outline.document(document_id, reader.title, {})


class _Reader:
    def __init__(self, document_id: str, outline: Outline) -> None:
        self.outline = outline
        self.title = ""
        self._document_id = document_id

    def read(self, element: Any, depth: int) -> None:
        """An element; ``depth`` is the number of titled elements that it stands in."""
        children = [child for child in element if isinstance(child.tag, str)]
        name = local(element)
        if not children:
            self._leaf(name, element)
        elif name in _CODE:
            self.outline.code("".join(element.itertext()))
        elif name in _TABLES and any(local(one) in _ROWS for one in element.iter()):
            self._table(element)
        elif name in _PARAGRAPHS or _is_mixed(element, children):
            self.outline.paragraph(" ".join("".join(element.itertext()).split()))
        elif _is_record(children):
            self._record(children, depth)
        else:
            inner = depth + any(local(child) in _TITLES for child in children)
            for child in children:
                if local(child) in _TITLES:
                    self._heading(child, inner)
                else:
                    self.read(child, inner)

    def _heading(self, element: Any, level: int) -> None:
        text = " ".join("".join(element.itertext()).split())
        self.title = self.title or text[:_LONG]
        self.outline.heading(min(level, 6), text)

    def _table(self, element: Any) -> None:
        table = Table()
        marked = False
        for row in element.iter():
            if local(row) not in _ROWS:
                continue
            cells = [cell for cell in row if isinstance(cell.tag, str)]
            header = local(row.getparent()) == "thead" or all(local(cell) == "th" for cell in cells)
            marked = marked or header
            table.row([(" ".join("".join(cell.itertext()).split()), 1, 1) for cell in cells], header=header)
        self.outline.table(table, guess=not marked)

    def _record(self, children: list[Any], depth: int) -> None:
        """An element whose children are leaves: its title as a heading, short values as a row, others below."""
        pairs = [(local(child), " ".join((child.text or "").split()), child) for child in children]
        title = next((text for name, text, _ in pairs if name in _TITLES), "")
        if title and any(len(text) > _LONG or "<" in text for _, text, _ in pairs):
            self.title = self.title or title[:_LONG]
            self.outline.heading(min(depth + 1, 6), title)
            pairs = [pair for pair in pairs if pair[0] not in _TITLES]
        elif title and not self.title:
            self.title = title[:_LONG]
        short = [
            f"{name}: {text}" if name not in _PARAGRAPHS else text
            for name, text, _ in pairs
            if text and len(text) <= _LONG and "<" not in text
        ]
        if short:
            self.outline.item("; ".join(short))
        for name, text, child in pairs:
            if len(text) > _LONG or "<" in text:
                self._leaf(name, child)

    def _leaf(self, name: str, element: Any) -> None:
        text = (element.text or "").strip()
        if name in _CODE:
            self.outline.code(element.text or "")
        elif "</" in text or "/>" in text:  # HTML that a feed carries as text
            page = parse_html(self._document_id, text.encode(), max_characters=self.outline.max_characters)
            self.outline.include(page, below=2)
        elif text:
            flat = " ".join(text.split())
            if name in _PARAGRAPHS or len(flat) > _LONG:
                self.outline.paragraph(flat)
            else:
                self.outline.item(f"{name}: {flat}")


def _is_mixed(element: Any, children: list[Any]) -> bool:
    """Whether words stand between the children."""
    return bool((element.text or "").strip()) or any((child.tail or "").strip() for child in children)


def _is_record(children: list[Any]) -> bool:
    return not any(len(child) for child in children) and len({local(child) for child in children}) > 1
