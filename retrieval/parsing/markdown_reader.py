"""The walk through Markdown: its blocks become headings, items, paragraphs, code and tables of the outline."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from retrieval.parsing.columns import Table
from retrieval.parsing.html import read_into
from retrieval.parsing.markdown_dialects import plain_markdown
from retrieval.parsing.markdown_inline import InlineText
from retrieval.parsing.markdown_labels import label, parsed
from retrieval.parsing.outline import Outline

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_MAX_INLINE = 20_000
"""Characters of a paragraph beyond which its marks stay as they are: some take quadratic time."""
_MARK = re.compile(r"[\\`*_\[<&~$^]|\+\+|==|:\w")
_MAX_DEPTH = 4
"""Of Markdown inside fences (MyST)."""
_LANGUAGE = re.compile(r"[\w+#.-]+(?![\w+#.=-])")
_DIRECTIVE = re.compile(r"\{([a-z][\w:-]*)\}[ \t]*(.*)")
_CODE_DIRECTIVES = frozenset(["code", "code-block", "code-cell", "sourcecode", "literalinclude", "mermaid", "math",
                              "doctest", "parsed-literal", "prompt", "raw", "highlight", "productionlist"])  # fmt: skip
_SILENT_DIRECTIVES = frozenset(["toctree", "include", "contents", "image", "eval-rst", "autofunction", "autoclass",
                                "automodule", "autosummary", "bibliography", "only", "index"])  # fmt: skip
_OPTION = re.compile(r"^:[\w-]+:.*\n?", re.MULTILINE)
_YES = re.compile(r"[✓✔☑✅]\ufe0f?|:(?:[a-z]+-)?(?:white_|heavy_|ballot_box_with_)?check(?:_mark|-\w+)*:")
_NO = re.compile(r"[✗✘✕❌❎]\ufe0f?|:(?:x|cross_mark|(?:material|octicons|fontawesome)-(?:close|x|cancel)(?:-\w+)*):")
_HIGHLIGHT = re.compile(r"\s*(?://|#|/\*|\{/\*|<!--|--)\s*highlight-(?:start|end|next-line)\s*(?:\*/\}?|-->)?\s*")
"""What colours the lines around it in Docusaurus, and is not shown."""
_INCLUDE_LINE = re.compile(r"\s*(?:-+8<-+.*|\{!.*!\}|\{\*.*\*\}|\{%-?[ \t]*include\b.*%\})\s*")


class MarkdownReader:
    """Reads Markdown into ``outline``."""

    def __init__(self, outline: Outline, *, depth: int = 0) -> None:
        self.outline = outline
        self._depth = depth
        self._notes: dict[str, str] = {}
        self._waiting: list[str] = []  # notes that the current block refers to
        self._lists: list[int | None] = []  # the next number of each open list, None for bullets
        self._marker = ""
        self._closed: frozenset[str] = frozenset()
        self._term = ""  # of a definition list, until its definition comes
        self._in_term = False
        self._references: dict[str, Any] = {}

    def read(self, source: str) -> None:
        """Read a whole document, footnotes after the blocks that refer to them."""
        plain = plain_markdown(source)
        self._notes = plain.notes
        self._closed = frozenset(re.findall(r"</([A-Za-z][\w.]{0,60})[ \t]*>", source))
        self._blocks(_parser().parse(plain.text, self._references))
        self._waiting = list(self._notes)
        self._write_notes()

    def _blocks(self, tokens: Sequence["Token"]) -> None:
        i = 0
        while i < len(tokens):
            token = tokens[i]
            kind = token.type
            if kind == "heading_open":
                self._heading(token, tokens[i + 1])
                i += 2
            elif kind == "inline":
                self._paragraph(self._text(token))
            elif kind in ("bullet_list_open", "ordered_list_open"):
                start = token.attrGet("start")
                self._lists.append(None if kind[0] == "b" else int(1 if start is None else start))
            elif kind in ("bullet_list_close", "ordered_list_close"):
                self._lists.pop()
            elif kind == "list_item_open":
                self._marker = self._mark()
            elif kind == "list_item_close":
                self._marker = ""
            elif kind in ("dt_open", "dt_close"):
                self._in_term = kind == "dt_open"
            elif kind == "fence":
                self._fence(token)
            elif kind == "code_block":
                self.outline.paragraph(token.content)
            elif kind == "math_block":
                self.outline.paragraph(f"$$\n{token.content.strip()}\n$$")
            elif kind == "html_block":
                read_into(self.outline, token.content)
            elif kind == "table_open":
                i = self._table(tokens, i)
            i += 1

    def _heading(self, token: "Token", inline: "Token") -> None:
        if token.markup == "-" and "\n" in inline.content:  # rather a rule below some lines, or a table
            self._paragraph(self._text(inline))
            return
        name = " ".join(self._text(inline, shows_addresses=False).split())
        self.outline.heading(int(token.tag[1:]), name, mark="#" * int(token.tag[1:]) + " ")
        self._write_notes()

    def _text(self, token: "Token", *, shows_addresses: bool = True) -> str:
        """The text of an ``inline`` token."""
        return self._inline(token.content, shows_addresses=shows_addresses)

    def _inline(self, source: str, *, shows_addresses: bool = True) -> str:
        if len(source) > _MAX_INLINE or not _MARK.search(source):
            return source
        children: list[Token] = []
        _parser().inline.parse(source, _parser(), self._references, children)
        inline = InlineText(children, self._closed, shows_addresses=shows_addresses)
        self._waiting += inline.notes
        return inline.text

    def _paragraph(self, text: str) -> None:
        lines = [" ".join(line.split()) for line in text.split("\n") if line.strip()]
        if not "".join(lines).strip(" |"):  # a line of badges
            return
        if self._in_term:
            self._term = ", ".join(filter(None, (self._term, " ".join(lines))))
        elif self._term:
            self.outline.paragraph(f"{self._term.removesuffix(':')}: {' '.join(lines)}")
            self._term = ""
        elif self._lists:
            indent = "  " * min(len(self._lists) - 1, 8)
            self.outline.item(f"{indent}{self._marker or '  '}{' '.join(lines)}")
            self._marker = ""
        else:
            self.outline.paragraph("\n".join(lines))
        self._write_notes()

    def _mark(self) -> str:
        number = self._lists[-1] if self._lists else None
        if number is None:
            return "- "
        self._lists[-1] = number + 1
        return f"{number}. "

    def _fence(self, token: "Token") -> None:
        info = token.info.strip()
        directive = _DIRECTIVE.fullmatch(info)
        if directive and directive[1] in _SILENT_DIRECTIVES:
            return
        if (
            info == "mdx-code-block" or (directive and directive[1] not in _CODE_DIRECTIVES)
        ) and self._depth < _MAX_DEPTH:
            if directive:
                self.outline.paragraph(label(directive[1], directive[2]))
            MarkdownReader(self.outline, depth=self._depth + 1).read(_OPTION.sub("", token.content))
            return
        lines = [line for line in token.content.split("\n") if not _HIGHLIGHT.fullmatch(line)]
        if any(map(str.strip, lines)) and not all(map(_INCLUDE_LINE.fullmatch, filter(str.strip, lines))):
            named, _ = parsed(info)
            language = _LANGUAGE.match((directive[2] if directive else info).lstrip("{. "))
            if named.get("title"):
                self.outline.paragraph(f"{named['title']}:")
            self.outline.code("\n".join(lines), language[0] if language else "")

    def _table(self, tokens: Sequence["Token"], start: int) -> int:
        """Read the table that begins at ``start``; the index of its last token."""
        table = Table()
        cells: list[tuple[str, int, int]] = []
        in_head = False
        for i in range(start, len(tokens)):
            kind = tokens[i].type
            if kind == "inline":
                cells.append((self._cell(tokens[i]), 1, 1))
            elif kind in ("thead_open", "thead_close"):
                in_head = kind == "thead_open"
            elif kind == "tr_close":
                table.row(cells, header=in_head)
                cells = []
            elif kind == "table_close":
                self.outline.table(table, guess=False)
                self._write_notes()
                return i
        return len(tokens)

    def _cell(self, token: "Token") -> str:
        """The text of a cell; a sign of yes or no as a word, which can be searched."""
        sign = token.content.strip()
        if _YES.fullmatch(sign):
            return "yes"
        return "no" if _NO.fullmatch(sign) else " ".join(self._text(token).split())

    def _write_notes(self) -> None:
        waiting, self._waiting = self._waiting, []
        for name in waiting:
            note = self._notes.pop(name, "")
            if note.strip():
                self.outline.paragraph(f"Note: {' '.join(self._inline(note).split())}")


@lru_cache(maxsize=1)
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt
    from mdit_py_plugins.deflist import deflist_plugin
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    parser.use(dollarmath_plugin, allow_space=False, allow_digits=False, double_inline=True).use(deflist_plugin)
    parser.core.ruler.disable("inline")  # the reader does it, and leaves out what is too long
    return parser
