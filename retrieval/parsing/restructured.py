"""RST, with or without Sphinx: sections, lists, tables, code, admonitions, footnotes.

docutils (public domain and BSD) parses; directives and roles that only Sphinx knows are read by their content.
Nothing is included from other files. Runs in the limited child process (``sandbox.py``).
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from docutils import frontend, nodes, utils
from docutils.parsers.rst import Directive, Parser, directives, roles

from retrieval.documents import Document
from retrieval.parsing.columns import Table
from retrieval.parsing.outline import Outline
from retrieval.parsing.text import clean, decode

# fmt: off
_OWN = frozenset([  # of docutils, read as it reads them
    "attention", "caution", "danger", "error", "hint", "important", "note", "tip", "warning", "admonition", "sidebar",
    "topic", "rubric", "epigraph", "highlights", "pull-quote", "compound", "container", "table", "csv-table",
    "list-table", "figure", "replace", "unicode", "math",
])
_SKIPPED = frozenset([
    "toctree", "index", "tabularcolumns", "currentmodule", "py:currentmodule", "module", "py:module", "highlight",
    "include", "literalinclude", "image", "autosummary",
    "contents", "raw", "meta", "sectnum", "section-numbering", "graphviz", "plot", "role", "default-role", "youtube",
    "video", "todolist", "bibliography", "date", "title", "header", "footer", "target-notes", "sectionauthor",
    "codeauthor", "mermaid", "uml", "digraph", "graph", "tags", "restructuredtext-test-directive",
])
_CODE = frozenset([
    "code-block", "sourcecode", "code", "ipython", "prompt", "testcode", "testoutput", "testsetup", "doctest",
    "parsed-literal", "console", "productionlist",
])
_CONDITIONS = frozenset(["only", "ifconfig", "tabs", "grid", "hlist", "sidebar-links", "cssclass", "rst-class"])
_CHANGES = {
    "versionadded": "New in version", "versionchanged": "Changed in version", "deprecated": "Deprecated since version",
    "versionremoved": "Removed in version", "seealso": "See also:", "todo": "To do:",
}
# fmt: on
_LABELLED = re.compile(r"([^<]*\S)\s*<[^<>]*>\s*$", re.DOTALL)
_POINTERS = frozenset(["ref", "doc", "numref", "any", "term", "std:ref", "std:doc"])
_STANDARDS = frozenset(["pep", "rfc", "cve", "cwe"])
_INVENTORY = re.compile(r"[\w./-]+:\w")
"""Before a label of another project (``python:installing``), or of a section below its file's name."""
_CSS_CLASS = re.compile(r"[a-z][a-z0-9 -]*")
_LANGUAGE = re.compile(r"[\w+#.-]{1,30}")
_MAX_ITEM_DEPTH = 8
_LINE_LIMIT = 1 << 20


class _AnyOption(dict[str, Callable[[str], str]]):
    """Takes every option."""

    def __missing__(self, name: str) -> Callable[[str], str]:
        return lambda value: value or ""


class _Generic(Directive):  # type: ignore[misc]
    """A directive that is not docutils' own: its argument and content are read, its options are not."""

    optional_arguments = 1_000_000
    final_argument_whitespace = True
    has_content = True
    option_spec = _AnyOption({"class": directives.unchanged})

    def run(self) -> list[Any]:
        """The nodes in its place."""
        argument = " ".join(self.arguments).strip()
        if self.name in _SKIPPED or (self.name.startswith("auto") and not self.content):  # made from code
            return []
        if self.name == "class" and _CSS_CLASS.fullmatch(argument):  # that of docutils, not of Python
            argument = ""
        if self.name in _CODE:
            block = nodes.literal_block("", "\n".join(self.content))
            block["language"] = argument if _LANGUAGE.fullmatch(argument) and self.name != "prompt" else ""
            caption = self.options.get("caption")
            return [nodes.paragraph("", caption), block] if caption else [block]
        found: list[Any] = []
        if self.name in _CHANGES:
            argument = f"{_CHANGES[self.name]} {argument}".strip()
        if argument and self.name not in _CONDITIONS:
            parsed, _ = self.state.inline_text(argument, self.lineno)
            found.append(nodes.paragraph("", "", *parsed))
        holder = nodes.container()
        self.state.nested_parse(self.content, self.content_offset, holder)
        return [*found, *holder.children]


def parse_restructured(document_id: str, data: bytes, *, max_characters: int) -> Document:
    """An RST file as one document; its title is that of its first section.

    Raises:
        InputError: binary content, or over the limit.
    """
    text = clean(decode(data))
    settings = frontend.get_default_settings(Parser)
    settings.report_level = settings.halt_level = 5
    settings.warning_stream = False
    settings.file_insertion_enabled = settings.raw_enabled = False
    settings.line_length_limit = _LINE_LIMIT
    tree = utils.new_document(document_id, settings)
    with _generic_directives():
        Parser().parse(text, tree)
    reader = _Reader(Outline(max_characters), tree)
    reader.read(tree, 1, 0)
    title = reader.outline.headings[0].text if reader.outline.headings else ""
    return reader.outline.document(document_id, title, {})


@contextmanager
def _generic_directives() -> Iterator[None]:
    """docutils' look-up of directives and roles, with ours for what it does not know (as Sphinx itself does it)."""
    own_directive, own_role = directives.directive, roles.role

    def directive(name: str, language: Any, document: Any) -> Any:
        return own_directive(name, language, document) if name.lower() in _OWN else (_Generic, [])

    def role(name: str, language: Any, line: int, reporter: Any) -> Any:
        return own_role(name, language, line, reporter) if name in ("math", "sub", "sup") else (_role, [])

    directives.directive, roles.role = directive, role
    try:
        yield
    finally:
        directives.directive, roles.role = own_directive, own_role


def _role(name: str, raw: str, text: str, line: int, inliner: Any, options: Any = None, content: Any = ()) -> Any:
    """Any role as its label, or what it points to."""
    plain = nodes.unescape(text)
    label = _LABELLED.match(plain)
    pointer = plain.rpartition(":")[2] if name in _POINTERS and _INVENTORY.match(plain) else plain
    if not label and name in _STANDARDS:
        pointer = f"{name.upper()} {pointer.partition('#')[0]}"
    return [nodes.inline(raw, label[1] if label else pointer.lstrip("~!."))], []


class _Reader:
    def __init__(self, outline: Outline, tree: Any) -> None:
        self.outline = outline
        self._substitutions = {name: one.astext() for name, one in tree.substitution_defs.items()}

    def read(self, parent: Any, level: int, depth: int) -> None:
        """The blocks below ``parent``: in sections of ``level``, in ``depth`` lists."""
        for node in parent.children:
            if isinstance(node, nodes.section):
                self.read(node, level + 1, 0)
            elif isinstance(node, nodes.title):
                if isinstance(parent, nodes.section):
                    self.outline.heading(min(level - 1, 6), self._text(node))
                else:
                    self.outline.paragraph(self._text(node))
            elif isinstance(node, nodes.bullet_list | nodes.enumerated_list):
                self._list(node, level, depth)
            elif isinstance(node, nodes.table):
                self._table(node, level)
            else:
                self._block(node, level, depth)

    def _block(self, node: Any, level: int, depth: int) -> None:
        if isinstance(node, nodes.comment | nodes.substitution_definition | nodes.system_message | nodes.raw):
            return
        if isinstance(node, nodes.literal_block | nodes.doctest_block):
            self.outline.code(node.astext(), str(node.get("language", "")))
        elif isinstance(node, nodes.math_block):
            self.outline.paragraph(f"$$ {node.astext()} $$")
        elif isinstance(node, nodes.line_block):
            lines = [self._text(line) for line in node.findall(nodes.line)]
            self.outline.paragraph("\n".join(lines))
        elif isinstance(node, nodes.field):
            self._field(node, level, depth)
        elif isinstance(node, nodes.term | nodes.option_group):
            self.outline.paragraph(self._text(node))
        elif isinstance(node, nodes.footnote | nodes.citation):
            labels = [one.astext() for one in node.children if isinstance(one, nodes.label)]
            label = next(iter([*labels, *node.get("names", ())]), "")
            body = " ".join(self._text(one) for one in node.children if not isinstance(one, nodes.label))
            self.outline.paragraph(f"[{label}] {body}" if label else body)
        elif isinstance(node, nodes.Admonition) and not isinstance(node, nodes.admonition):
            self._labelled(type(node).__name__.capitalize(), node, level, depth)
        elif isinstance(node, nodes.TextElement):
            self.outline.paragraph(self._text(node))
        elif node.children:
            self.read(node, level, depth)

    def _labelled(self, label: str, node: Any, level: int, depth: int) -> None:
        """An admonition: its kind before its first paragraph."""
        first = node.children[0] if node.children else None
        if isinstance(first, nodes.paragraph):
            self.outline.paragraph(f"{label}: {self._text(first)}")
            rest = nodes.container("", *[one.deepcopy() for one in node.children[1:]])
            self.read(rest, level, depth)
        else:
            self.outline.paragraph(f"{label}:")
            self.read(node, level, depth)

    def _field(self, node: Any, level: int, depth: int) -> None:
        name, body = node.children[0].astext(), node.children[-1]
        if len(body.children) == 1 and isinstance(body.children[0], nodes.paragraph):
            self.outline.item(f"{name}: {self._text(body)}")
        elif body.children:
            self.outline.item(f"{name}:")
            self.read(body, level, depth)

    def _list(self, node: Any, level: int, depth: int) -> None:
        numbered = isinstance(node, nodes.enumerated_list)
        indent = "  " * min(depth, _MAX_ITEM_DEPTH)
        start = int(node.get("start", 1))
        for number, item in enumerate(node.children, start=start):
            mark = f"{number}." if numbered else "-"
            first = item.children[0] if item.children else None
            if isinstance(first, nodes.paragraph):
                self.outline.item(f"{indent}{mark} {self._text(first)}")
                rest = nodes.container("", *[one.deepcopy() for one in item.children[1:]])
                self.read(rest, level, depth + 1)
            else:
                self.read(item, level, depth + 1)

    def _table(self, node: Any, level: int) -> None:
        table = Table()
        for part in node.children:
            if isinstance(part, nodes.title):
                self.outline.paragraph(self._text(part))
        marked = False
        for row in node.findall(nodes.row):
            header = isinstance(row.parent, nodes.thead)
            marked = marked or header
            cells = [
                (" ".join(map(self._text, entry.children)), int(entry.get("morerows", 0)) + 1,
                 int(entry.get("morecols", 0)) + 1)
                for entry in row.children
            ]  # fmt: skip
            table.row(cells, header=header)
        self.outline.table(table, guess=not marked)

    def _text(self, node: Any) -> str:
        """The words of a node on one line, substitutions resolved, footnotes' marks in brackets."""
        parts = []
        for one in node.findall():
            if isinstance(one, nodes.footnote_reference) and not one.children:  # numbered by nobody so far
                parts.append(f"[{one.get('refname', '#')}]")
            if not isinstance(one, nodes.Text):
                continue
            parent = one.parent
            if isinstance(parent, nodes.substitution_reference):
                parts.append(self._substitutions.get(str(parent.get("refname", one.astext())), one.astext()))
            elif isinstance(parent, nodes.footnote_reference | nodes.citation_reference):
                parts.append(f"[{one.astext()}]")
            elif isinstance(parent, nodes.superscript):
                parts.append(f"^{one.astext()}")
            elif not isinstance(parent, nodes.raw):
                parts.append(one.astext())
                if isinstance(parent, nodes.paragraph | nodes.term) and parent is not node:
                    parts.append(" ")
        return " ".join("".join(parts).split())
