"""PDF: the text layer page by page, running heads and feet once, what was filled in, bookmarks as headings.

Runs in the limited child process (``sandbox.py``). PDFium finds the spaces that a PDF does not hold, drops text that
is drawn twice to look bold, marks words broken at a line's end, and takes a tenth of pypdf's time (36 pages: 0.6 s).
"""

import logging
import re
import warnings
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from retrieval.documents import Document
from retrieval.errors import DocumentWarning, InputError
from retrieval.parsing.outline import Outline
from retrieval.parsing.pdf_page import is_picture, page_text
from retrieval.parsing.pdf_running import without_running_lines
from retrieval.parsing.titles import meaningful_title

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

_LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "\xad": "", "\xa0": " ", "\r": ""})
_BROKEN_WORD = re.compile(r"([^\W\d_]{1,50})\ufffe([^\W\d_]{1,50})")  # PDFium's sign for a hyphen at a line's end
_LEADERS = re.compile(r" ?(?:[.…·] ?){6,}| ?_{4,} ?")
_LONG_WORD = re.compile(r"[A-Za-z.,;]{30,}")
_SECTION_NUMBER = re.compile(r"^(?:\d{1,3}|[A-Z])(?:\.\d{1,3}){0,8}[.:)]? (?=\S)")
_GLUED_SHARE = 0.5
_UNMAPPED = "found text whose font does not say which characters it shows"
_ENCRYPTED = "found an encrypted PDF, expected one that opens without a password: save it without one"


@dataclass
class _Pages:
    """The text of each page, and the pages (from 1) that gave none."""

    texts: list[str] = field(default_factory=list)
    unreadable: list[int] = field(default_factory=list)
    pictures: list[int] = field(default_factory=list)
    unmapped: list[int] = field(default_factory=list)
    glued: list[int] = field(default_factory=list)


def parse_pdf(document_id: str, data: bytes, *, max_characters: int) -> Document:
    """A PDF file as one document; its title is the file's own, where that means anything.

    Pages that give no text are named by a :class:`DocumentWarning` and in the metadata.

    Raises:
        InputError: not a PDF, broken, encrypted with a password, without a text layer, or over the limit.
    """
    import pypdfium2

    logging.getLogger("pypdfium2").setLevel(logging.CRITICAL)
    if b"%PDF-" not in data[:1024]:
        raise InputError("found no PDF header, expected a PDF file: export it again, or correct the suffix")
    try:
        pdf = pypdfium2.PdfDocument(data)
        pdf.init_forms()
        count = len(pdf)
    except pypdfium2.PdfiumError as error:
        if error.err_code in (pypdfium2.raw.FPDF_ERR_PASSWORD, pypdfium2.raw.FPDF_ERR_SECURITY):
            raise InputError(_ENCRYPTED) from error
        raise InputError(f"found a broken PDF ({error}), expected a whole one: export or copy it again") from error
    with closing(pdf):
        pages = _read(pdf, count, max_characters)
        if not any(page.strip() for page in pages.texts):
            raise InputError(_why_empty(pages, count))
        bookmarks = _bookmarks(pdf)
        title = meaningful_title(pdf.get_metadata_value("Title"))
    outline = Outline(max_characters)
    for number, page in enumerate(_joined(without_running_lines(pages.texts))):
        _add_page(outline, page, bookmarks.get(number, []))
    return outline.document(document_id, title, {"pages": count} | _told(pages))


def _read(pdf: "PdfDocument", count: int, max_characters: int) -> _Pages:
    from pypdfium2 import PdfiumError

    pages = _Pages()
    length = 0
    for number in range(count):
        text = ""
        try:
            page = pdf[number]
            text, mapped = page_text(page, max_characters - length)
            if not mapped:
                pages.unmapped.append(number + 1)
                text = ""
            elif not text.strip() and is_picture(page):
                pages.pictures.append(number + 1)
            page.close()
        except PdfiumError:  # one bad page of a manual must not cost the others; it is named
            pages.unreadable.append(number + 1)
        text = _LEADERS.sub(" … ", text.translate(_LIGATURES))
        if sum(map(len, _LONG_WORD.findall(text))) > _GLUED_SHARE * len(text):
            pages.glued.append(number + 1)
        length += len(text)
        if length > max_characters:
            raise InputError(f"found more than {max_characters} characters of text, expected fewer: split the file")
        pages.texts.append(text)
    return pages


def _told(pages: _Pages) -> dict[str, str | int | float | bool]:
    """Metadata that names the pages without text; each kind is told as a warning, too."""
    metadata: dict[str, str | int | float | bool] = {}
    for name, numbers, what in (
        ("pages_without_text", pages.pictures, "found pictures without text (scans?): run OCR on it"),
        ("pages_without_characters", pages.unmapped, f"{_UNMAPPED}: export it again, or run OCR on it"),
        ("unreadable_pages", pages.unreadable, "found damage: export or copy the file again"),
    ):
        if numbers:
            metadata[name] = _ranges(numbers)
            warnings.warn(DocumentWarning(f"page {_ranges(numbers)}: {what}; the other pages were read"), stacklevel=3)
    if pages.glued:
        message = f"page {_ranges(pages.glued)}: found words without spaces between them: export the file again"
        warnings.warn(DocumentWarning(message), stacklevel=3)
    return metadata


def _why_empty(pages: _Pages, count: int) -> str:
    if pages.unreadable:
        return f"found a broken PDF ({len(pages.unreadable)} of {count} pages unreadable): export or copy it again"
    if pages.unmapped:
        return f"{_UNMAPPED}, expected one with a Unicode map: export it again, or run OCR on it"
    return f"found no text on {count} pages (a scan?), expected a PDF with a text layer: run OCR on it first"


def _ranges(numbers: list[int]) -> str:
    """``1, 3-5`` for 1, 3, 4, 5."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return ", ".join("-".join(map(str, run)) for run in runs)


def _joined(pages: list[str]) -> list[str]:
    """The pages with words whole that were broken at a line's end.

    The hyphen stays where another place of the document writes the word with it and none without, and beside
    capitals and digits.
    """
    if not any("\ufffe" in page for page in pages):
        return pages
    words = {word for page in pages for word in re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", page)}

    def joined(match: re.Match[str]) -> str:
        before, after = match[1], match[2]
        hyphenated = f"{before}-{after}"
        is_word = after.islower() and (before + after in words or hyphenated not in words)
        return before + after if is_word and not before.isupper() else hyphenated

    return [_BROKEN_WORD.sub(joined, page).replace("\ufffe", "-") for page in pages]


def _bookmarks(pdf: "PdfDocument") -> dict[int, list[tuple[int, str]]]:
    """Page number to the (level, title) of its bookmarks; a damaged outline is none."""
    from pypdfium2 import PdfiumError

    found: dict[int, list[tuple[int, str]]] = {}
    try:
        for bookmark in pdf.get_toc():
            destination = bookmark.get_dest()
            page = destination.get_index() if destination is not None else None
            if page is not None:
                title = " ".join(bookmark.get_title().split())
                found.setdefault(page, []).append((min(bookmark.level + 1, 6), title))
    except PdfiumError:  # bookmarks only add headings; the text is whole without them
        return {}
    return found


def _add_page(outline: Outline, page: str, bookmarks: list[tuple[int, str]]) -> None:
    """The page's lines; a line that says what a bookmark of this page says, maybe with a number, is a heading."""
    levels = {_bare(title): level for level, title in bookmarks}
    lines: list[str] = []
    for line in page.split("\n"):
        level = levels.pop(_bare(line), None) if levels else None
        if level is None:
            lines.append(line.rstrip())
            continue
        outline.paragraph("\n".join(lines))
        lines.clear()
        outline.heading(level, line)
    outline.paragraph("\n".join(lines))


def _bare(heading: str) -> str:
    """A heading without its number, for comparison."""
    return _SECTION_NUMBER.sub("", " ".join(heading.split())).casefold()
