"""Org: headings, lists, tables, blocks; drawers, planning lines and comments dropped.

Read line by line: orgparse (BSD) gives the tree of headings and leaves tables, blocks and markup as they are, which
is the larger part.
"""

import re

from retrieval.documents import Document
from retrieval.parsing.grid import add_table
from retrieval.parsing.outline import Outline
from retrieval.parsing.text import clean, decode

_HEADING = re.compile(r"(\*{1,20})[ \t]+(\S.*)")
_STATE = re.compile(r"(?:TODO|DONE|NEXT|WAITING|CANCELLED|CANCELED|COMMENT)[ \t]+|\[#[A-Z0-9]\][ \t]*")
_TAGS = re.compile(r"[ \t]+:[\w@#%:]{1,200}:[ \t]*$")
_KEYWORD = re.compile(r"[ \t]*#\+([\w-]{1,40})(?:\[[^\]]*\])?:[ \t]*(.*)", re.IGNORECASE)
_BEGIN = re.compile(r"[ \t]*#\+begin_(\w{1,40})(?:[ \t]+(\S+))?", re.IGNORECASE)
_DRAWER = re.compile(r"[ \t]*:[\w-]{1,60}:[ \t]*$")
_PLANNING = re.compile(r"[ \t]*(?:SCHEDULED|DEADLINE|CLOSED|CLOCK):[ \t]")
_ITEM = re.compile(r"([ \t]*)(?:[-+]|(\d{1,6}|[a-z])[.)])[ \t]+(?:\[[ X-]\][ \t]+)?(\S.*)")
_RULE = re.compile(r"[ \t]*(?:-{5,}|\|[-+|: ]+\|?)[ \t]*$")
_WIDTHS = re.compile(r"(?:[ \t]*\|[ \t]*(?:<[lrc]?\d*>)?)+[ \t]*$")
_CODE_BLOCKS = ("src", "example", "verbatim")
_DROPPED_BLOCKS = ("comment", "export")
_INLINE = (
    (re.compile(r"\[\[(?:file:)?[^\[\]]{1,1000}\.(?:png|jpe?g|gif|svg|webp)\]\]", re.IGNORECASE), ""),
    (re.compile(r"\[\[[^\[\]]{1,1000}\]\[([^\[\]]{1,1000})\]\]"), r"\1"),
    (re.compile(r"\[\[([^\[\]]{1,1000})\]\]"), r"\1"),
    (re.compile(r"<<<?[^<>\n]{1,200}>?>>"), ""),
    (re.compile(r"\[fn:[\w-]{0,60}:([^\[\]]{1,1000})\]"), r" (\1)"),
    (re.compile(r"\[fn:([\w-]{1,60})\]"), r"[\1]"),
    (re.compile(r"(?<![\w*/_=~+])([*/_=~+])(?=\S)([^\n]{0,1000}?\S)\1(?![\w*/_=~+])"), r"\2"),
)


def parse_org(document_id: str, data: bytes, *, max_characters: int) -> Document:
    """An Org file as one document; its title is ``#+TITLE``.

    Raises:
        InputError: binary content, or over the limit.
    """
    reader = _Reader(clean(decode(data)).split("\n"), Outline(max_characters))
    reader.read()
    return reader.outline.document(document_id, reader.title, {})


class _Reader:
    def __init__(self, lines: list[str], outline: Outline) -> None:
        self.outline = outline
        self.title = ""
        self._lines = lines
        self._paragraph: list[str] = []
        self._mark: str | None = None
        self._rows: list[str] = []

    def read(self) -> None:
        at = 0
        while at < len(self._lines):
            line = self._lines[at].rstrip()
            at += 1
            if self._rows and not line.lstrip().startswith("|"):
                self._flush_table()
            if match := _HEADING.match(line):
                self._flush()
                name = _STATE.sub("", _TAGS.sub("", match[2]), count=2) if match[2] else ""
                self.outline.heading(min(len(match[1]), 6), _plain(name))
            elif match := _BEGIN.match(line):
                self._flush()
                at = self._block(match, at)
            elif match := _KEYWORD.match(line):
                self._flush()
                if match[1].lower() == "title":
                    self.title = f"{self.title} {_plain(match[2])}".strip()
                elif match[1].lower() == "caption":
                    self.outline.paragraph(_plain(match[2]))
            elif _DRAWER.match(line):
                self._flush()
                at = self._drawer_end(at)
            elif line.lstrip().startswith("|"):
                self._flush()
                self._rows.append(line)
            elif line.startswith("# ") or line == "#" or _PLANNING.match(line) or _RULE.match(line):
                self._flush()
            elif line.lstrip().startswith(": "):
                self._flush()
                self.outline.paragraph(line.lstrip()[2:])
            elif match := _ITEM.match(line):
                self._flush()
                depth = min(len(match[1].expandtabs(4)) // 2, 8)
                self._mark = f"{'  ' * depth}{match[2] + '.' if match[2] else '-'}"
                self._paragraph = [match[3].replace(" :: ", ": ", 1)]
            elif line:
                self._paragraph.append(line.strip())
            else:
                self._flush()
        self._flush()
        self._flush_table()

    def _block(self, begin: re.Match[str], at: int) -> int:
        """Reads a block up to its end; where it goes on after it."""
        kind = begin[1].lower()
        if kind not in _CODE_BLOCKS and kind not in _DROPPED_BLOCKS:
            return at  # quotes and the like are read as text; their end is a keyword line without a colon
        start = at
        end = re.compile(rf"[ \t]*#\+end_{re.escape(kind)}\b", re.IGNORECASE)
        while at < len(self._lines) and not end.match(self._lines[at]):
            at += 1
        if kind in _CODE_BLOCKS:
            self.outline.code("\n".join(self._lines[start:at]), begin[2] or "" if kind == "src" else "")
        return at + 1

    def _drawer_end(self, at: int) -> int:
        """After ``:END:``, or ``at`` where none follows before the next heading."""
        for end in range(at, len(self._lines)):
            if self._lines[end].strip().upper() == ":END:":
                return end + 1
            if self._lines[end].startswith("*"):
                break
        return at

    def _flush(self) -> None:
        lines, self._paragraph = self._paragraph, []
        mark, self._mark = self._mark, None
        text = _plain(" ".join(line for line in lines if not line.lower().startswith("#+end_")))
        if mark is not None:
            self.outline.item(f"{mark} {text}")
        else:
            self.outline.paragraph(text)

    def _flush_table(self) -> None:
        lines, self._rows = self._rows, []
        rows = [
            [_plain(cell.strip()) for cell in line.strip().strip("|").split("|")]
            for line in lines
            if not _RULE.match(line) and not _WIDTHS.match(line)
        ]
        marked = len(lines) > 2 and bool(_RULE.match(lines[1])) and not _RULE.match(lines[0])
        add_table(self.outline, rows, header=True if marked else None)


def _plain(text: str) -> str:
    for pattern, replacement in _INLINE:
        text = pattern.sub(replacement, text)
    return text.strip()
