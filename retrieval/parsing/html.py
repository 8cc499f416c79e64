"""HTML: what a reader sees, without navigation; headings, lists, code blocks, tables with their columns' names."""

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.parsing.columns import Table
from retrieval.parsing.notation import lowered, numeral, raised
from retrieval.parsing.outline import Outline
from retrieval.parsing.text import decode

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

# fmt: off
_DROPPED = frozenset([
    "head", "script", "style", "template", "noscript", "nav", "footer", "dialog",
    "svg", "iframe", "object", "canvas", "select", "del", "s", "strike", "annotation", "annotation-xml",
])
_BLOCKS = frozenset([
    "html", "body", "header", "main", "article", "section", "aside", "address", "hgroup", "div", "center", "hr",
    "p", "blockquote", "pre", "figure", "figcaption", "details", "summary", "form", "fieldset", "legend",
    "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "menu", "li", "dl", "dt", "dd",
    "table", "caption", "thead", "tbody", "tfoot", "tr",
])
_QUESTIONS = frozenset(["h1", "h2", "h3", "h4", "h5", "h6", "summary", "dt", "legend"])
# What generators of documentation put beside the text: marks of anchors, numbers of lines, formulas a second time.
_DECORATION = frozenset(["headerlink", "anchor-link", "hash-link", "linenos", "katex-html", "MathJax_Preview"])
# fmt: on
_CONTAINER = re.compile(
    r"<(/?)(?:div|[uod]l|menu|section|article|aside|main|header|blockquote|details|fieldset|center|figure)\b",
    re.IGNORECASE,
)
_MAX_OPENED = 6000
_NEAR = 8
"""How many elements may stand between a question and its button."""
_LIST_FORMS = {"a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_SPACES = re.compile(r"\s+")
_SIGN = re.compile(r"\s*[^\w\s*†‡§]{1,3}\s*")
"""The text of a link that leads up the page or to its own place, rather than to a footnote."""
_CHARSET = re.compile(
    rb"<(?:meta[^>]{0,200}?charset|\?xml[^>]{0,200}?encoding)\s{0,9}=\s{0,9}[\"']?\s{0,9}([A-Za-z0-9_:.-]{1,40})",
    re.IGNORECASE,
)


def parse_html(document_id: str, data: bytes, *, max_characters: int) -> Document:
    """An HTML file as one document; its title is ``<title>``, or the first level-1 heading.

    Raises:
        InputError: binary content, more text than the limit, or elements nested thousands deep.
    """
    declared = _CHARSET.search(data)  # wherever it stands: some files have long scripts before it
    return read_html(document_id, decode(data, declared[1].decode() if declared else None), max_characters)


def read_html(document_id: str, source: str, max_characters: int) -> Document:
    """As :func:`parse_html`, of text."""
    tree = _tree(source)
    outline = Outline(max_characters)
    if tree.root is not None:
        _Reader(outline, _Seen(tree.root)).read(tree.root)
    title_node = tree.css_first("head > title")
    title = " ".join(title_node.text().split()) if title_node is not None else ""
    if not title:
        title = next((heading.text for heading in outline.headings if heading.level == 1), "")
    return outline.document(document_id, title, {})


def _tree(source: str) -> "LexborHTMLParser":
    from selectolax.lexbor import LexborHTMLParser

    opened = sum(-1 if mark else 1 for mark in _CONTAINER.findall(source))
    if opened > _MAX_OPENED:  # the parser's time grows with the square of the depth
        raise InputError(
            f"found {opened} elements that nothing closes, expected at most {_MAX_OPENED}: save the page again"
        )
    return LexborHTMLParser(source)


def read_into(outline: Outline, source: str) -> None:
    """Add what a reader sees of a piece of HTML to ``outline``."""
    tree = _tree(source)
    if tree.root is not None:
        _Reader(outline, _Seen(tree.root)).read(tree.root)


class _Seen:
    """Which parts of a page a reader sees, though maybe only after a click on a question or a tab."""

    def __init__(self, root: "LexborNode") -> None:
        self.layout: set[int] = set()
        """Tables that place other content rather than hold data."""
        self.inner: set[int] = set()
        """Tables that are the content of a cell of data."""
        self._opened: set[str] = set()
        """Ids of parts that a button opens."""
        tables: list[LexborNode] = []
        for node, entering in _walk(root, lambda _: False):
            if node.tag == "table":
                if entering and tables and _is_data(tables[-1]):
                    self.inner.add(node.mem_id)
                elif entering and (tables or node.attributes.get("role") in ("presentation", "none")):
                    self.layout.add((tables[-1] if tables else node).mem_id)
                tables.append(node) if entering else tables.pop()
            elif node.tag in _HEADINGS and tables and entering and _parent(node) != "th":
                self.layout.add(tables[-1].mem_id)
            elif node.tag == "button" and entering and self._opens(node):
                self._opened.update((node.attributes.get("aria-controls") or "").split())

    def skips(self, node: "LexborNode") -> bool:
        """Whether nothing below the node is read."""
        if not node.is_element_node:
            return False
        if node.tag in _DROPPED:
            return True
        if node.tag == "math":
            return bool(_tex(node))
        attributes = node.attributes
        if node.tag == "button":
            return not (self._opens(node) or _in_question(node))
        if node.tag == "a" and (attributes.get("href") or "").startswith("#") and _SIGN.fullmatch(node.text()):
            return True
        if "hidden" in attributes and (attributes["hidden"] or "").lower() != "until-found":
            return attributes.get("role") != "tabpanel" and attributes.get("id") not in self._opened
        return not _DECORATION.isdisjoint((attributes.get("class") or "").split())

    @staticmethod
    def _opens(button: "LexborNode") -> bool:
        """Whether the button is a question that opens its answer, rather than a menu."""
        if button.text().rstrip().endswith(("?", "？")):
            return True
        opens = "aria-expanded" in button.attributes or button.attributes.get("data-bs-toggle") == "collapse"
        return opens and "aria-haspopup" not in button.attributes and len(button.text().split()) > 1


def _is_data(table: "LexborNode") -> bool:
    """Whether the table's first row names several columns."""
    row = table.css_first("tr")
    cells = [cell.tag for cell in row.iter()] if row is not None else []
    return len(cells) > 1 and (set(cells) == {"th"} or (row is not None and _parent(row) == "thead"))


def _parent(node: "LexborNode") -> str:
    return (node.parent.tag or "") if node.parent is not None else ""


def _in_question(button: "LexborNode") -> bool:
    above = button.parent
    for _ in range(_NEAR):
        if above is None or above.tag in _BLOCKS:
            break
        above = above.parent
    return above is not None and above.tag in _QUESTIONS


def _tex(math: "LexborNode") -> str:
    """The formula in TeX, where it stands beside its MathML."""
    annotation = math.css_first('annotation[encoding="application/x-tex"]')
    return annotation.text().strip() if annotation is not None else ""


def _follows(node: "LexborNode") -> bool:
    """Whether an element stands before the node, below the same one."""
    before = node.prev
    while before is not None and not before.is_element_node:
        before = before.prev
    return before is not None


def _walk(root: "LexborNode", skips: Callable[["LexborNode"], bool]) -> Iterator[tuple["LexborNode", bool]]:
    """Every node twice, as (node, True) on entering and (node, False) on leaving; no recursion, nesting may be deep."""
    node: LexborNode | None = root
    top = root.mem_id  # "==" of nodes compares their HTML
    while node is not None:
        yield node, True
        child = None if skips(node) else node.first_child
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


class _Reader:
    """Collects inline text and hands it to the outline whenever a block begins or ends."""

    def __init__(self, outline: Outline, seen: _Seen) -> None:
        self.outline = outline
        self._seen = seen
        self._inline: list[str] = []
        self._scripts: list[int] = []  # where in the inline text the open superscripts and subscripts begin
        self._table: _DataTable | None = None
        self._inner: list[int] = []  # for each open table inside a cell, how many rows it has had
        self._lists: list[_Numbers] = []
        self._items = 0  # how many list items are open
        self._marker = ""
        self._pre = 0
        self._math = 0

    def read(self, root: "LexborNode") -> None:
        for node, entering in _walk(root, self._seen.skips):
            tag = node.tag or ""
            if tag == "-text":
                if entering:
                    text = node.text_content or ""
                    if self._math:
                        text = text.strip()
                    # Newlines of the source are mere white space; those that stay come from <br> and <pre>.
                    self._inline.append(text if self._pre else _SPACES.sub(" ", text))
            elif tag == "br":
                if entering:
                    self._inline.append("\n")
            elif tag in ("sup", "sub"):
                self._script(tag, entering)
            elif tag == "math":
                self._math += 1 if entering else -1
                if entering:
                    self._inline.append(_tex(node))
            elif self._math:
                above = _parent(node)
                if above in ("msup", "msub") and _follows(node):
                    self._script(above[1:], entering)
                elif above == "mfrac" and entering and _follows(node):
                    self._inline.append("/")
            elif node.mem_id in self._seen.inner:
                self._inline.append(" ")
                self._inner.append(0) if entering else self._inner.pop()
            elif tag == "table":
                self._flush()
                if node.mem_id not in self._seen.layout:
                    if not entering and self._table is not None:
                        self.outline.table(self._table.table)
                    self._table = _DataTable() if entering else None
            elif self._table is not None:
                self._in_table(self._table, node, entering)
            elif tag in ("td", "th") or tag in _BLOCKS:
                self._block(node, tag, entering)
        self._flush()

    def _script(self, tag: str, entering: bool) -> None:
        if entering:
            self._scripts.append(len(self._inline))
        elif self._scripts:
            start = self._scripts.pop()
            before = next((piece for piece in reversed(self._inline[max(0, start - 3) : start]) if piece), "")
            text = "".join(self._inline[start:])
            self._inline[start:] = [raised(before, text) if tag == "sup" else lowered(before, text)]

    def _in_table(self, table: "_DataTable", node: "LexborNode", entering: bool) -> None:
        if self._inner:
            if node.tag == "tr" and entering:
                self._inline.append("; " if self._inner[-1] else " ")
                self._inner[-1] += 1
            elif node.tag in _BLOCKS - {"tr"} or (node.tag in ("td", "th") and entering):
                self._inline.append(" ")
        elif node.tag == "caption":
            self._flush()
        elif node.tag == "thead":
            table.in_head = entering
        elif node.tag == "tr":
            table.end_row()
        elif node.tag in ("td", "th"):
            text = " ".join("".join(self._inline).split())
            self._inline.clear()
            if not entering:
                spans = [_number(node, name, 1, 0 if name == "rowspan" else 1) for name in ("rowspan", "colspan")]
                table.cells.append((text, spans[0], spans[1]))
                table.heads += node.tag == "th"
        elif node.tag in _BLOCKS:
            self._inline.append(" ")  # a block inside a cell stays on the row's line

    def _block(self, node: "LexborNode", tag: str, entering: bool) -> None:
        if tag in _HEADINGS and not entering:
            text = "".join(self._inline)
            self._inline.clear()
            self.outline.heading(_HEADINGS[tag], text)
            return
        self._flush()
        if tag in ("ol", "ul", "menu"):
            if entering:
                self._lists.append(_Numbers(node))
            elif self._lists:
                self._lists.pop()
        elif tag == "li":
            self._items += 1 if entering else -1
            self._marker = (self._lists[-1].mark(node) if self._lists else "- ") if entering else ""
        elif tag == "pre":
            self._pre += 1 if entering else -1

    def _flush(self) -> None:
        text = "".join(self._inline)
        self._inline.clear()
        self._scripts = [0] * len(self._scripts)
        if not text.strip():
            return
        if self._pre:
            self.outline.paragraph(text)
            return
        text = "\n".join(" ".join(line.split()) for line in text.split("\n") if line.strip())
        if self._items:
            indent = "  " * min(self._items - 1, 8)
            self.outline.item(f"{indent}{self._marker or '  '}{text}")
            self._marker = ""
        else:
            self.outline.paragraph(text)


class _DataTable:
    """A table being read: its cells so far."""

    def __init__(self) -> None:
        self.table = Table()
        self.in_head = False
        self.cells: list[tuple[str, int, int]] = []
        self.heads = 0
        """How many of the cells are header cells."""

    def end_row(self) -> None:
        if self.cells:
            self.table.row(self.cells, header=self.in_head or self.heads == len(self.cells))
        self.cells, self.heads = [], 0


class _Numbers:
    """The marks of a list's items."""

    def __init__(self, node: "LexborNode") -> None:
        self._form = _LIST_FORMS.get(node.attributes.get("type") or "", "decimal") if node.tag == "ol" else ""
        self._step = -1 if "reversed" in node.attributes else 1
        self._next = _number(node, "start", 1)

    def mark(self, item: "LexborNode") -> str:
        if not self._form:
            return "- "
        number = _number(item, "value", self._next)
        self._next = number + self._step
        return f"{numeral(number, self._form)}. "


def _number(node: "LexborNode", name: str, default: int, least: int = -(10**9)) -> int:
    """An attribute that is a number."""
    try:
        return min(max(int((node.attributes.get(name) or "")[:10]), least), 10**9)
    except ValueError:
        return default
