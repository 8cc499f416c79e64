"""AsciiDoc: sections, lists, tables, code, admonitions; attributes resolved, includes and conditions dropped.

Read line by line: Asciidoctor is Ruby, and the readers in Python are under the AGPL or GPL.
"""

import re
import textwrap
from collections.abc import Callable
from itertools import zip_longest

from retrieval.documents import Document
from retrieval.parsing import formats
from retrieval.parsing.columns import Table
from retrieval.parsing.outline import Outline
from retrieval.parsing.text import clean, decode

_HEADING = re.compile(r"(={1,6}|#{1,6})[ \t]+(\S.*)")
_ATTRIBUTE = re.compile(r":(!?[\w-]{1,80}!?):(?:[ \t]+(.*))?$")
_BLOCK = re.compile(r"(-{4,}|\.{4,}|={4,}|\*{4,}|_{4,}|\+{4,}|/{4,}|`{3}|--)([\w+-]*)[ \t]*$")
_TABLE = re.compile(r"[|,:!]={3,}[ \t]*$")
_DIRECTIVE = re.compile(r"(?:include[\w-]*|ifdef|ifndef|ifeval|endif)::\S*\[.*\]$|(?:image|video|audio|toc)::.*\[.*\]$")
_ANCHOR = re.compile(r"\[\[[^\[\]]{1,200}\]\]$")
_STYLE = re.compile(r"\[([^\[\]]*)\][ \t]*$")
_TITLE = re.compile(r"\.([^\s.].*)")
_ITEM = re.compile(r"([ \t]*)(\*{1,6}|-|\.{1,6}|\d{1,4}\.)[ \t]+(\S.*)")
_EXPLANATION = re.compile(r"<(\d{1,3}|\.)>[ \t]+(\S.*)")
"""What is said about a line of code that carries the number."""
_TERM = re.compile(r"[ \t]*(\S.{0,300}?)(?:::|;;):{0,2}(?:[ \t]+(.*))?$")
_ADMONITION = re.compile(r"(NOTE|TIP|IMPORTANT|WARNING|CAUTION):[ \t]+(.*)")
_ADMONITIONS = frozenset(["NOTE", "TIP", "IMPORTANT", "WARNING", "CAUTION"])
_CELL = re.compile(r"(?:(?:(?<=\s)|^)(\d{0,4}(?:\.\d{1,4})?[+*])?[<^>.]{0,4}[adehlmsv]?)?(?<!\\)\|", re.MULTILINE)
_REFERENCE = re.compile(r"\{([\w-]{1,80})\}")
_CALLOUT = re.compile(r"[ \t]*(?://|#|--|;;)?[ \t]*<(?:\d{1,3}|\.)>")
_INLINE = (
    (re.compile(r"(?<![\w{])\{[\w-]{1,80}\}[^\s\[\]{}]{0,500}\[([^\[\],^]{1,500})(?:[,^][^\[\]]{0,200})?\]"), r"\1"),
    (re.compile(r"(?:\+\+\+|pass:[a-z,]*\[)([^\]\n]{0,1000}?)(?:\+\+\+|\])"), r"\1"),
    (re.compile(r"\[\[[^\[\]]{1,200}\]\]|\(\(\(.{1,200}?\)\)\)|anchor:[\w-]{1,100}\[[^\[\]]*\]"), ""),
    (re.compile(r"\(\(([^()]{1,200})\)\)"), r"\1"),
    (re.compile(r"<<[^<>,]{1,200},\s*([^<>]{1,300})>>"), r"\1"),
    (re.compile(r"image:[^\s\[\]]{1,500}\[[^\[\]]{0,500}\]"), ""),
    (re.compile(r"footnote(?:ref)?:[\w-]{0,80}\[([^\[\]]{1,1000})\]"), r" (\1)"),
    (re.compile(r"(?:kbd|btn|menu|icon|stem|\w*math|indexterm2?):[^\s\[\]]{0,200}\[([^\[\]]{0,500})\]"), r"\1"),
    (re.compile(r"(?:link|mailto):([^\s\[\]]{1,500})\[\]"), r"\1"),
    (re.compile(r"(?:link|mailto|xref):[^\s\[\]]{1,500}\[([^\[\],^]{0,500})(?:[,^][^\[\]]{0,200})?\]"), r"\1"),
    (re.compile(r"(?:https?|ftp)://[^\s\[\]]{1,1000}\[([^\[\],^]{1,500})(?:[,^][^\[\]]{0,200})?\]"), r"\1"),
    (re.compile(r"((?:https?|ftp)://[^\s\[\]]{1,1000})\[\]"), r"\1"),
    # A macro of some extension: its label, or the last part of what it points to.
    (re.compile(r"\b[a-z][\w-]{2,40}:(?:[\w-]{1,80}\.){0,20}(\w[^\s:\[\]]{0,300})\[\]"), r"\1"),
    (re.compile(r"\b[a-z][\w-]{2,40}:\w[^\s:\[\]]{0,300}\[([^\s\d\[\]=][^\[\]=]{0,500})\]"), r"\1"),
    (re.compile(r"\[[.#%][^\[\]]{0,100}\](?=[#*_`])"), ""),
    (re.compile(r"(?<![\w*])(\*\*?)(?=\S)([^*\n]{0,1000}?\S)\1(?![\w*])"), r"\2"),
    (re.compile(r"(?<![\w_])(__?)(?=\S)([^_\n]{0,1000}?\S)\1(?![\w_])"), r"\2"),
    (re.compile(r"(?<![\w#])(##?)(?=\S)([^#\n]{0,1000}?\S)\1(?![\w#])"), r"\2"),
    (re.compile(r"`{1,2}\+?([^`\n]{1,1000}?)\+?`{1,2}"), r"\1"),
    (re.compile(r"(?<=\w)\^([^\s^]{1,50})\^"), r"^\1"),
    (re.compile(r"(?<=\w)~([^\s~]{1,50})~"), r"\1"),
)  # fmt: skip
_CHARACTERS = {"nbsp": " ", "sp": " ", "empty": "", "blank": "", "amp": "&", "lt": "<", "gt": ">", "plus": "+",
               "asterisk": "*", "vbar": "|", "startsb": "[", "endsb": "]", "caret": "^", "tilde": "~",
               "backslash": "\\", "backtick": "`", "apos": "'", "quot": '"', "zwsp": ""}  # fmt: skip
_POINTER = re.compile(r"<<#?([^<>,]{1,200})>>|\bxref:([^\s\[\]]{1,500})\[\]")
_ID = re.compile(r"\[\[([^\[\],]{1,200})(?:,[^\[\]]*)?\]\]$|\[(?:[\w%.-]*#|id=\"?)([\w:.-]{1,200})[^\[\]]*\]$")
_AUTHOR = re.compile(r"(?:\w[\w.'-]{0,40}(?: \w[\w.'-]{0,40}){0,2}(?: <[^<>]*>)?(?:; (?=.)|$))+$")
_REVISION = re.compile(r"v?\d")
_MAX_VALUE = 1_000


def parse_asciidoc(document_id: str, data: bytes, *, max_characters: int) -> Document:
    """An AsciiDoc file as one document; its title is its level-0 heading.

    Raises:
        InputError: binary content, or over the limit.
    """
    reader = _Reader(clean(decode(data)).split("\n"), Outline(max_characters))
    reader.read()
    title = next((heading.text for heading in reader.outline.headings if heading.level == 1), "")
    return reader.outline.document(document_id, title, {})


class _Reader:
    def __init__(self, lines: list[str], outline: Outline) -> None:
        self.outline = outline
        self._lines = lines
        self._at = 0
        self._titles = _titles(lines)
        self._attributes = dict(_CHARACTERS)
        self._paragraph: list[str] = []
        self._item: str | None = None  # the mark before the paragraph that is collected
        self._style: list[str] = []
        self._label = ""

    def read(self) -> None:
        steps: list[Callable[[str], bool]] = [
            self._blank, self._comment, self._attribute, self._directive, self._delimited, self._table_block,
            self._heading, self._attribute_list, self._list_item,
        ]  # fmt: skip
        while self._at < len(self._lines):
            line = self._lines[self._at].rstrip()
            self._at += 1
            if not any(step(line) for step in steps):
                self._text_line(line)
        self._flush()

    def _blank(self, line: str) -> bool:
        if line and line != "+":
            return False
        self._flush()
        return True

    def _comment(self, line: str) -> bool:
        return line.startswith("//") and not line.startswith("///")

    def _attribute(self, line: str) -> bool:
        match = _ATTRIBUTE.match(line)
        if match is None or self._paragraph:
            return False
        self._attributes[match[1]] = self._resolved(match[2] or "")[:_MAX_VALUE]
        return True

    def _directive(self, line: str) -> bool:
        return bool(_DIRECTIVE.match(line))

    def _delimited(self, line: str) -> bool:
        match = _BLOCK.match(line)
        if match is None:
            return False
        mark = match[1]
        if mark[0] in "=*_" or mark == "--":  # its content is read as text; the mark itself says nothing more
            self._flush()
            if self._style and self._style[0] in _ADMONITIONS:
                self._paragraph = [f"{self._style[0].capitalize()}:"]
                self._style = []
            return True
        self._flush()
        body = self._until(mark)
        if mark[0] != "/":
            style, _, language = ",".join(self._style).replace("=", ",").partition(",")
            language = match[2] or (language.partition(",")[0] if style == "source" else "")
            if mark[0] == "+" and self._style[:1] == ["stem"]:
                self.outline.paragraph(f"$$ {' '.join(body)} $$")
            elif mark[0] != "+":
                self._caption()
                self.outline.code("\n".join(_CALLOUT.sub("", one) for one in body), language)
        self._style, self._label = [], ""
        return True

    def _until(self, mark: str) -> list[str]:
        start = self._at
        while self._at < len(self._lines) and self._lines[self._at].rstrip() != mark:
            self._at += 1
        body = self._lines[start : self._at]
        self._at += 1
        return body

    def _table_block(self, line: str) -> bool:
        if not _TABLE.match(line):
            return False
        self._flush()
        body: list[str] = []
        while self._at < len(self._lines) and self._lines[self._at].rstrip() != line:
            body.append(self._lines[self._at])
            self._at += 1
        self._at += 1
        self._caption()
        style = ",".join(self._style)
        self._style = []
        marked = "header" in style
        # A blank line after the first one separates the names from the rows.
        marked = marked or (len(body) > 1 and bool(body[0].strip()) and not body[1].strip() and "noheader" not in style)
        table = Table()
        for number, row in enumerate(self._rows(body, line[0], style)):
            table.row(row, header=marked and number == 0)
        self.outline.table(table, guess=not marked)
        return True

    def _rows(self, body: list[str], mark: str, style: str) -> list[list[tuple[str, int, int]]]:
        if mark in ",:":
            return [[(self._plain(cell.strip(' "')), 1, 1) for cell in one.split(mark)] for one in body if one.strip()]
        text = "\n".join(one for one in body if not _DIRECTIVE.match(one.strip()))
        if mark != "|":
            text = text.replace(mark, "|")
        first = next((one for one in body if one.strip()), "")
        columns = _columns(style) or sum(_repeat(match[1]) for match in _CELL.finditer(first)) or 1
        marks = list(_CELL.finditer(text))
        rows: list[list[tuple[str, int, int]]] = [[]]
        filled = 0
        reaching: dict[int, int] = {}  # row -> columns that cells of rows above take in it
        for match, following in zip_longest(marks, marks[1:]):
            cell = self._plain(" ".join(text[match.end() : following.start() if following else len(text)].split()))
            spec = match[1] or ""
            across, down = _span(spec)
            for _ in range(int(spec[:-1]) if spec.endswith("*") and spec[:-1].isdigit() else 1):
                while filled + reaching.get(len(rows) - 1, 0) >= columns:
                    rows.append([])
                    filled = 0
                rows[-1].append((cell, down, across))
                filled += across
                for below in range(1, min(down, 1000)):
                    reaching[len(rows) - 1 + below] = reaching.get(len(rows) - 1 + below, 0) + across
        return rows

    def _heading(self, line: str) -> bool:
        match = _HEADING.match(line)
        if match is None or self._paragraph:
            return False
        if "discrete" not in self._style and "float" not in self._style:
            self.outline.heading(len(match[1]), self._plain(match[2].rstrip("= ")))
        else:
            self.outline.paragraph(self._plain(match[2]))
        self._style = []
        if len(match[1]) == 1:
            self._skip_author()
        return True

    def _skip_author(self) -> None:
        """The lines up to a blank one: attributes count, author and revision are passed over."""
        passed = 0
        while self._at < len(self._lines) and (line := self._lines[self._at].rstrip()):
            if not (self._attribute(line) or self._comment(line) or self._directive(line)):
                if not (_REVISION if passed else _AUTHOR).match(line):
                    return
                passed += 1
            self._at += 1

    def _attribute_list(self, line: str) -> bool:
        if self._paragraph and self._item is None:
            return False
        if _ANCHOR.match(line):
            return True
        if match := _STYLE.match(line):
            self._flush()
            self._style = [one.strip(' "') for one in match[1].split(",")]
            if match[1].startswith(("cols", "options", "%")):
                self._style = [match[1]]
            return True
        if match := _TITLE.match(line):
            self._flush()
            self._label = self._plain(match[1])
            return True
        return False

    def _list_item(self, line: str) -> bool:
        if match := _ITEM.match(line):
            self._flush()
            mark = match[2]
            depth = len(mark) - 1 if len(mark) > 1 and mark[0] in "*." else min(len(match[1]) // 2, 8)
            self._item = f"{'  ' * depth}{'-' if mark[0] in '*-' else mark if mark[0].isdigit() else '1.'}"
            self._paragraph = [re.sub(r"^\[[ x*]\][ \t]+", "", match[3])]
            return True
        if match := _EXPLANATION.match(line):
            self._flush()
            self._item, self._paragraph = match[1] + ".", [match[2]]
            return True
        if (match := _TERM.match(line)) and "://" not in match[0] and not self._paragraph:
            self._flush()
            self._paragraph = [f"{match[1]}:", *([match[2]] if match[2] else [])]
            return True
        return False

    def _text_line(self, line: str) -> None:
        if not self._paragraph:
            self._caption()
        self._paragraph.append(line.strip() if not line.startswith(" ") or self._paragraph else line)

    def _caption(self) -> None:
        if self._label:
            self.outline.paragraph(self._label)
            self._label = ""

    def _flush(self) -> None:
        lines, self._paragraph = self._paragraph, []
        mark, self._item = self._item, None
        if not lines:
            return
        self._caption()
        if lines[0].startswith((" ", "\t")) and mark is None:
            self.outline.code(textwrap.dedent("\n".join(lines)))
            return
        text = self._plain(" ".join(one.removesuffix(" +") for one in lines).strip())
        style = self._style[0] if self._style else ""
        self._style = []
        if style in ("source", "listing", "literal") and mark is None:
            self.outline.code(textwrap.dedent("\n".join(lines)))
        elif mark is not None:
            self.outline.item(f"{mark} {text}")
        elif style in _ADMONITIONS:
            self.outline.paragraph(f"{style.capitalize()}: {text}")
        elif match := _ADMONITION.match(text):
            self.outline.paragraph(f"{match[1].capitalize()}: {match[2]}")
        else:
            self.outline.paragraph(text)

    def _resolved(self, text: str) -> str:
        return _REFERENCE.sub(lambda match: self._attributes.get(match[1], match[0]), text) if "{" in text else text

    def _target(self, pointer: str) -> str:
        """What a pointer without a label shows: the title of a section of this document, or the page's name."""
        page, _, name = pointer.rpartition("#")
        if not page and (title := self._titles.get(_key(name))):
            return title
        if name.endswith(".adoc"):
            page = name
        return formats.title(page.rpartition("/")[2]) if page else name

    def _plain(self, text: str) -> str:
        text = self._resolved(text)
        if "<<" in text or "xref:" in text:
            text = _POINTER.sub(lambda match: self._target(match[1] or match[2]), text)
        for pattern, replacement in _INLINE:
            text = pattern.sub(replacement, text)
        return text


def _titles(lines: list[str]) -> dict[str, str]:
    """The titles of sections and blocks by their ids, given or made of the title."""
    titles: dict[str, str] = {}
    given: list[str] = []
    for line in lines:
        if match := _ID.match(line.rstrip()):
            given.append(match[1] or match[2])
        elif match := _HEADING.match(line.rstrip()) or (_TITLE.match(line.rstrip()) if given else None):
            titles |= {_key(name): match[match.re.groups] for name in (match[match.re.groups], *given)}
            given = []
        elif line.strip() and not line.startswith("["):
            given = []
    return titles


def _key(name: str) -> str:
    return re.sub(r"[\W_]+", " ", name.lower()).strip()


def _columns(style: str) -> int:
    """The number of columns that ``cols="1,2a"`` or ``cols="3*"`` declares."""
    match = re.search(r"cols\s*=\s*\"?([^\"\]%]*)", style)
    if match is None:
        return 0
    total = 0
    for part in re.split(r"[,;]", match[1].split("options")[0].strip(", ")):
        repeated = re.match(r"\s*(\d{1,3})\*", part)
        total += int(repeated[1]) if repeated else 1
    return total


def _span(spec: str) -> tuple[int, int]:
    """Columns and rows that ``2.3+`` spans."""
    if not spec.endswith("+"):
        return 1, 1
    across, _, down = spec[:-1].partition(".")
    return int(across or 1), int(down or 1)


def _repeat(spec: str | None) -> int:
    if not spec:
        return 1
    return _span(spec)[0] if spec.endswith("+") else int(spec[:-1] or 1)
