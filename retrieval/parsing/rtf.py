r"""RTF: text, tables and headings.

striprtf (BSD, no dependencies) gives the text; headings, which it drops, are marked before by their
``\outlinelevel``. Runs in the limited child process (``sandbox.py``).
"""

import re

from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.parsing.grid import add_table
from retrieval.parsing.outline import Outline
from retrieval.parsing.package import OLE, broken

_LEVEL = re.compile(r"\\outlinelevel([0-8])(?!\d)[ ]?")
_MARKS = "\ue100\ue101\ue102\ue103\ue104\ue105\ue106\ue107\ue108"
"""Of the private use area, one for each level of heading."""
_CELL_END = "\ue10f"
_BINARY = re.compile(r"\\bin(\d{1,10}) ?")
_STRAY_STAR = re.compile(r"(?<=[^{\s\\])\\\*(?=\\cs)")
"""What LibreOffice writes before a character style; striprtf drops the rest of the group for it."""
_BRACE = re.compile(r"\\[{}\\]|[{}]")
_STYLES = re.compile(r"\{\\stylesheet")
_TITLE = re.compile(r"\{\\title[ \r\n]([^{}]{1,2000})\}")
_HEADING_STYLE = re.compile(r"\{(?:\\\*)?\\s(\d{1,4})(?![0-9])[^{};]{0,600} [Hh]eading (\d);\}")
_PARAGRAPH_STYLE = re.compile(r"\\s(\d{1,4})(?!\d)")
_CODE_PAGE = re.compile(r"\\ansicpg(\d{1,5})")


def parse_rtf(document_id: str, data: bytes, *, max_characters: int) -> Document:
    """An RTF file as one document; its title is the one in its properties.

    Raises:
        InputError: no RTF, broken, or over the limit.
    """
    from striprtf.striprtf import rtf_to_text

    start = data[:64].find(b"{\\rtf")
    if start < 0:
        kind = "an old binary Word file" if data.startswith(OLE) else "no RTF header"
        raise InputError(f"found {kind}, expected RTF: give the file the suffix of its format")
    source = data[start:].decode("latin-1")
    title = _title(source)
    source = _STRAY_STAR.sub("", _without_binary(source))
    if _open_groups(source) > 0:
        raise InputError("found a broken RTF (it ends in the middle), expected a whole one: save or copy it again")
    try:
        text = rtf_to_text(_marked(source), errors="replace")
    except (ValueError, LookupError, OverflowError, TypeError) as error:
        raise broken("RTF", error) from error
    outline = Outline(max_characters)
    # Characters beyond 16 bits come as two halves.
    _read(outline, text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\xad", ""))
    return outline.document(document_id, title, {})


def _title(source: str) -> str:
    from striprtf.striprtf import rtf_to_text

    match = _TITLE.search(source, 0, 1 << 16)
    if match is None:
        return ""
    code_page = _CODE_PAGE.search(source, 0, 4096)
    header = f"{{\\rtf1\\ansi{code_page[0] if code_page else ''} "
    try:
        return str(rtf_to_text(header + match[1] + "}", errors="replace")).strip()
    except (ValueError, LookupError, OverflowError, TypeError):
        return ""


def _without_binary(source: str) -> str:
    r"""Without the bytes after ``\bin``, which may hold braces."""
    parts = []
    position = 0
    for match in _BINARY.finditer(source):
        if match.start() >= position:
            parts.append(source[position : match.start()])
            position = match.end() + int(match[1])
    parts.append(source[position:])
    return "".join(parts)


def _marked(source: str) -> str:
    """With a mark at the beginning of each heading's text, and one for the end of each cell."""
    styles = {number: int(level) for number, level in _HEADING_STYLE.findall(source) if level != "0"}
    body = _styles_end(source)
    head, rest = source[:body], source[body:]
    if styles and not _LEVEL.search(rest):
        rest = _PARAGRAPH_STYLE.sub(
            lambda match: match[0] + (f"\\outlinelevel{styles[match[1]] - 1}" if match[1] in styles else ""), rest
        )
    rest = _LEVEL.sub(lambda match: f"\\uc1\\u{ord(_MARKS[int(match[1])])}? ", rest)
    rest = re.sub(r"\\(?:nest)?cell(?![a-z])", lambda match: f"\\uc1\\u{ord(_CELL_END)}? ", rest)
    return head + rest


def _styles_end(source: str) -> int:
    match = _STYLES.search(source)
    if match is None:
        return 0
    depth = 0
    for brace in _BRACE.finditer(source, match.start()):
        if len(brace[0]) == 1:
            depth += 1 if brace[0] == "{" else -1
            if depth == 0:
                return brace.end()
    return len(source)


def _open_groups(source: str) -> int:
    """Groups that are still open where the document ends."""
    depth = 0
    for brace in _BRACE.finditer(source):
        if len(brace[0]) == 1:
            depth += 1 if brace[0] == "{" else -1
            if depth == 0:  # what follows is no part of the document
                return 0
    return depth


def _read(outline: Outline, text: str) -> None:
    rows: list[list[str]] = []
    for line in text.split("\n"):
        if _CELL_END in line:
            cells = line.split(_CELL_END)
            rows.append([cell.strip(_MARKS + " ") for cell in cells[: -1 if not cells[-1].strip() else None]])
            continue
        if rows and line.strip():
            add_table(outline, rows)
            rows = []
        plain = line.strip(_MARKS + " \t")
        level = next((_MARKS.index(mark) + 1 for mark in line if mark in _MARKS), 0)
        if not plain:
            continue
        if level and len(plain) < 500:
            outline.heading(min(level, 6), plain)
        elif plain[0] in "\u2022\u00b7\uf0b7":
            outline.item(f"- {plain[1:].strip()}")
        else:
            outline.paragraph(plain)
    add_table(outline, rows)
