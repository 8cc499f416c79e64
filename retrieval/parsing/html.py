"""HTML: what a reader sees, without navigation; headings, lists, code blocks, tables as ``a | b`` lines."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from retrieval.documents import Document
from retrieval.parsing.outline import Outline
from retrieval.parsing.text import decode

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

# fmt: off
_DROPPED = frozenset([
    "head", "script", "style", "template", "noscript", "nav", "footer", "dialog",
    "svg", "iframe", "object", "canvas", "button", "select",
])
_BLOCKS = frozenset([
    "html", "body", "header", "main", "article", "section", "aside", "address", "hgroup", "div", "center", "hr",
    "p", "blockquote", "pre", "figure", "figcaption", "details", "summary", "form", "fieldset", "legend",
    "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "menu", "li", "dl", "dt", "dd",
    "table", "caption", "thead", "tbody", "tfoot", "tr",
])
# fmt: on
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_SPACES = re.compile(r"\s+")
_CHARSET = re.compile(
    rb"<(?:meta[^>]{0,200}?charset|\?xml[^>]{0,200}?encoding)\s{0,9}=\s{0,9}[\"']?\s{0,9}([A-Za-z0-9_:.-]{1,40})",
    re.IGNORECASE,
)


def parse_html(document_id: str, data: bytes, *, max_characters: int) -> Document:
    """An HTML file as one document; its title is ``<title>``, or the first level-1 heading.

    Raises:
        InputError: binary content, or more text than the limit.
    """
    from selectolax.lexbor import LexborHTMLParser

    declared = _CHARSET.search(data)  # wherever it stands: some files have long scripts before it
    tree = LexborHTMLParser(decode(data, declared[1].decode() if declared else None))
    outline = Outline(max_characters)
    if tree.root is not None:
        _Reader(outline).read(tree.root)
    title_node = tree.css_first("head > title")
    title = " ".join(title_node.text().split()) if title_node is not None else ""
    if not title:
        title = next((heading.text for heading in outline.headings if heading.level == 1), "")
    return outline.document(document_id, title, {})


def _walk(root: "LexborNode") -> Iterator[tuple["LexborNode", bool]]:
    """Every node twice, as (node, True) on entering and (node, False) on leaving; no recursion, nesting may be deep."""
    node: LexborNode | None = root
    top = root.mem_id  # "==" of nodes compares their HTML
    while node is not None:
        yield node, True
        child = None if node.tag in _DROPPED or _hidden(node) else node.first_child
        if child is not None:
            node = child
            continue
        yield node, False
        while node is not None and (node.mem_id == top or node.next is None):
            if node.mem_id == top:
                return
            node = node.parent
            if node is not None:
                yield node, False
        if node is not None:
            node = node.next


def _hidden(node: "LexborNode") -> bool:
    return node.is_element_node and "hidden" in node.attributes


class _Reader:
    """Collects inline text and hands it to the outline whenever a block begins or ends."""

    def __init__(self, outline: Outline) -> None:
        self.outline = outline
        self._inline: list[str] = []
        self._cells: list[str] | None = None
        self._items = 0  # how many list items are open
        self._marker = False
        self._pre = 0

    def read(self, root: "LexborNode") -> None:
        for node, entering in _walk(root):
            tag = node.tag
            if tag == "-text":
                if entering:
                    text = node.text_content or ""
                    # Newlines of the source are mere white space; those that stay come from <br> and <pre>.
                    self._inline.append(text if self._pre else _SPACES.sub(" ", text))
            elif tag == "br":
                if entering:
                    self._inline.append("\n" if self._cells is None else " ")
            elif tag in ("td", "th"):
                if self._cells is not None:
                    if not entering:
                        self._cells.append(" ".join("".join(self._inline).split()))
                    self._inline.clear()
            elif tag in _BLOCKS:
                self._block(tag or "", entering)
        self._flush()

    def _block(self, tag: str, entering: bool) -> None:
        if tag == "tr":
            self._flush_row() if self._cells is not None else self._flush()
            self._cells = [] if entering else None
        elif self._cells is not None and tag != "table":
            self._inline.append(" ")  # a block inside a cell stays on the row's line
        elif tag in _HEADINGS and not entering:
            text = "".join(self._inline)
            self._inline.clear()
            self.outline.heading(_HEADINGS[tag], text)
        else:
            if self._cells is not None:
                self._flush_row()
                self._cells = None
            self._flush()
            if tag == "li":
                self._items += 1 if entering else -1
                self._marker = entering
            elif tag == "pre":
                self._pre += 1 if entering else -1

    def _flush_row(self) -> None:
        loose = " ".join("".join(self._inline).split())
        cells = [*(self._cells or []), *([loose] if loose else [])]
        self._inline.clear()
        self.outline.row(cells)

    def _flush(self) -> None:
        text = "".join(self._inline)
        self._inline.clear()
        if not text.strip():
            return
        if self._pre:
            self.outline.paragraph(text)
            return
        text = "\n".join(" ".join(line.split()) for line in text.split("\n") if line.strip())
        if self._items:
            indent = "  " * min(self._items - 1, 8)
            self.outline.item(f"{indent}- {text}" if self._marker else f"{indent}  {text}")
            self._marker = False
        else:
            self.outline.paragraph(text)
