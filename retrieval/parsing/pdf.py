"""PDF: the text layer page by page, running heads and feet dropped, bookmarks as headings.

Runs in the limited child process (``sandbox.py``).
"""

import io
import logging
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.parsing.outline import Outline
from retrieval.parsing.titles import meaningful_title

if TYPE_CHECKING:
    from pypdf import PdfReader

_LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "\xad": "", "\xa0": " "})
_HYPHENATED = re.compile(r"(?<=[a-z])-\n(?=[a-z])")
_REPEATED_SHARE = 0.6
_REPEATED_PAGES = 4


def parse_pdf(document_id: str, data: bytes, *, max_characters: int) -> Document:
    """A PDF file as one document; its title is the file's own, where that means anything.

    Raises:
        InputError: not a PDF, broken, encrypted with a password, without a text layer, or over the limit.
    """
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    if b"%PDF-" not in data[:1024]:
        raise InputError("found no PDF header, expected a PDF file: export it again, or correct the suffix")
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise InputError("found an encrypted PDF, expected one that opens without a password: save it without one")
        count = len(reader.pages)
    except InputError:
        raise
    except MemoryError:
        raise
    except Exception as error:  # pypdf lets KeyError, AttributeError and the like through for broken files
        if type(error).__name__ == "DependencyError" or "encrypt" in str(error).lower():
            raise InputError(
                "found an encrypted PDF, expected one that opens without a password: save it without one"
            ) from error
        kind = str(error) if isinstance(error, PyPdfError) else f"{type(error).__name__}: {error}"
        raise InputError(f"found a broken PDF ({kind}), expected a whole one: export or copy it again") from error
    pages, unreadable = _page_texts(reader, count, max_characters)
    if not any(page.strip() for page in pages):
        if unreadable:
            raise InputError(f"found a broken PDF ({unreadable} of {count} pages unreadable): export or copy it again")
        raise InputError(
            f"found no text on {count} pages (a scan?), expected a PDF with a text layer: run OCR on it first"
        )
    bookmarks = _bookmarks(reader)
    outline = Outline(max_characters)
    for number, page in enumerate(_without_running_lines(pages)):
        _add_page(outline, page, bookmarks.get(number, []))
    metadata: dict[str, str | int | float | bool] = {"pages": count}
    if unreadable:
        metadata["unreadable_pages"] = unreadable
    return outline.document(document_id, _title(reader), metadata)


def _page_texts(reader: "PdfReader", count: int, max_characters: int) -> tuple[list[str], int]:
    pages = []
    unreadable = length = 0
    for number in range(count):
        try:
            text = reader.pages[number].extract_text()
        except MemoryError:
            raise
        except Exception:  # one bad page of a manual must not cost the others; the count is reported
            unreadable += 1
            text = ""
        text = _HYPHENATED.sub("", text.translate(_LIGATURES))
        length += len(text)
        if length > max_characters:
            raise InputError(f"found more than {max_characters} characters of text, expected fewer: split the file")
        pages.append(text)
    return pages, unreadable


def _without_running_lines(pages: list[str]) -> list[str]:
    """The pages without a first or last line that (page numbers aside) stands on most of them."""
    if len(pages) < _REPEATED_PAGES:
        return pages
    split = [page.strip("\n").split("\n") for page in pages]
    enough = _REPEATED_SHARE * sum(any(line.strip() for line in lines) for lines in split)
    for end in (0, -1):
        seen = Counter(_normal(lines[end]) for lines in split if lines)
        running = {line for line, times in seen.items() if times >= enough and times >= _REPEATED_PAGES}
        for lines in split:
            if lines and _normal(lines[end]) in running:
                del lines[end]
    return ["\n".join(lines) for lines in split]


def _normal(line: str) -> str:
    return re.sub(r"\d+", "0", " ".join(line.split()))


def _bookmarks(reader: "PdfReader") -> dict[int, list[tuple[int, str]]]:
    """Page number to the (level, title) of its bookmarks; a damaged outline is none."""
    found: dict[int, list[tuple[int, str]]] = {}

    def visit(items: list[Any], level: int) -> None:
        for item in items:
            if isinstance(item, list):
                visit(item, min(level + 1, 6))
            elif item.title:
                page = reader.get_destination_page_number(item)
                if page is not None and page >= 0:
                    found.setdefault(page, []).append((level, " ".join(str(item.title).split())))

    try:
        visit(reader.outline, 1)
    except MemoryError:
        raise
    except Exception:  # bookmarks only add headings; the text is whole without them
        return {}
    return found


def _add_page(outline: Outline, page: str, bookmarks: list[tuple[int, str]]) -> None:
    """The page's lines; a line that says what a bookmark of this page says is a heading."""
    levels = {title.casefold(): level for level, title in bookmarks}
    lines: list[str] = []
    for line in page.split("\n"):
        level = levels.pop(" ".join(line.split()).casefold(), None)
        if level is None:
            lines.append(line.rstrip())
            continue
        outline.paragraph("\n".join(lines))
        lines.clear()
        outline.heading(level, line)
    outline.paragraph("\n".join(lines))


def _title(reader: "PdfReader") -> str:
    try:
        title = str((reader.metadata and reader.metadata.title) or "").strip()
    except Exception:  # a damaged information dictionary; the caller falls back to the file's name
        return ""
    return meaningful_title(title)
