"""A passage's sentences and table rows as one reads them: without Markdown, a row with its columns' names.

What documents are parsed to keeps their Markdown; a quotation is for people.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_SENTENCE_END = re.compile(r"[.!?]+[\"')\]]*(?=\s)")
_WRAPPED = 60
"""A line at least this long that ends without punctuation was wrapped, not ended."""
_HEADING = re.compile(r" {0,3}#{1,6}\s+")
_BEGINNING = re.compile(r"\s*(?:(?:>|[-*+]|\d{1,3}[.)])\s+)*(?:\[[ xX]\]\s+)?")
_RULE = re.compile(r"[\s|:=_*~`+-]*")
"""Of a line that holds nothing to read: a rule, a fence, the line below a table's header."""
_FENCE = re.compile(r"\s*(?:`{3,}|~{3,})\w*\s*")
_INLINE = (
    (re.compile(r"!?\[([^\]\[]*)\]\([^()\s]*(?:\s+\"[^\"]*\")?\)"), r"\1"),  # links and pictures
    (re.compile(r"</?[a-zA-Z][^<>]{0,200}>"), " "),
    (re.compile(r"`+([^`]+)`+"), r"\1"),
    (re.compile(r"(\*\*|__|~~)(?=\S)(.+?)(?<=\S)\1"), r"\2"),
    (re.compile(r"(?<![\w*\\])\*(?=[^\s*])([^*]+?)(?<=[^\s*\\])\*(?![\w*])"), r"\1"),
    (re.compile(r"(?<![\w_\\])_(?=[^\s_])([^_]+?)(?<=[^\s_\\])_(?![\w_])"), r"\1"),
    (re.compile(r"\\([\\`*_{}\[\]()#+.!|>~-])"), r"\1"),
)


@dataclass(frozen=True)
class Quotable:
    """Something to quote."""

    text: str
    heading: bool = False


def quotables(text: str) -> Iterator[Quotable]:
    """What can be quoted of a text, in its order; nothing empty."""
    lines = text.split("\n")
    prose: list[str] = []
    at = 0
    while at < len(lines):
        end = at
        while end < len(lines) and _cells(lines[end]):
            end += 1
        if end == at:
            prose.append(lines[at])
            at += 1
            continue
        yield from _prose(prose)
        prose = []
        yield from map(Quotable, _rows(lines[at:end]))
        at = end
    yield from _prose(prose)


def plain(text: str) -> str:
    """A sentence without Markdown, on one line."""
    text = _BEGINNING.sub("", _HEADING.sub("", text), count=1)
    for pattern, kept in _INLINE:
        text = pattern.sub(kept, text)
    return " ".join(text.split())


def sentences(text: str) -> Iterator[str]:
    """The sentences of a text, each an exact substring of it, without the white space around them.

    A line break ends a sentence (a heading, a table row, an item of a list) unless the line
    looks wrapped: it is long, or the next line goes on in lower case.
    """
    start = 0
    for line_end in [*(match.start() for match in re.finditer(r"\n", text)), len(text)]:
        line = text[text.rfind("\n", 0, line_end) + 1 : line_end].rstrip()
        following = text[line_end + 1 : line_end + 2]
        goes_on = following.isalnum() and (following.islower() or len(line) >= _WRAPPED)
        if line_end < len(text) and line and goes_on and not _HEADING.match(line):
            continue
        block = text[start:line_end]
        position = 0
        for end in [*(match.end() for match in _SENTENCE_END.finditer(block)), len(block)]:
            if sentence := block[position:end].strip():
                yield sentence
            position = end
        start = line_end + 1


def _prose(lines: Sequence[str]) -> Iterator[Quotable]:
    readable = ["" if _FENCE.fullmatch(line) or _RULE.fullmatch(line) else line for line in lines]
    for sentence in sentences("\n".join(readable)):
        shown = plain(sentence)
        if any(character.isalnum() for character in shown):
            yield Quotable(shown, heading=bool(_HEADING.match(sentence)))


def _cells(line: str) -> list[str]:
    """The cells of a table row, ``a | b`` or ``| a | b |``; none of another line."""
    stripped = line.strip()
    if not (stripped.startswith("|") or " | " in stripped):
        return []
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", stripped.strip("|"))]


def _rows(lines: Sequence[str]) -> Iterator[str]:
    """The rows of a table, each cell with the name of its column where the table's header is there.

    A header stands above a line of dashes; without one it is a first row without a number.
    """
    ruled = len(lines) > 1 and bool(_RULE.fullmatch(lines[1]))
    table = [[plain(cell) for cell in _cells(line)] for line in lines if not _RULE.fullmatch(line)]
    header: list[str] = []
    if len(table) > 1 and (ruled or not any(character.isdigit() for cell in table[0] for character in cell)):
        header = table.pop(0)
    for row in table:
        names = header if len(header) == len(row) else [""] * len(row)
        cells = (f"{name}: {cell}" if name else cell for name, cell in zip(names, row, strict=True) if cell)
        if shown := "; ".join(cells):
            yield shown
