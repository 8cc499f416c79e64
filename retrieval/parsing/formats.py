"""The formats that are read: a file's suffix to its form, a form to the function that parses it.

Parsers are called as ``(document_id, data, max_characters=...)`` and return a document, or yield documents and
an :class:`InputError` for each part that cannot be used.
"""

import io
from collections.abc import Iterator
from importlib import import_module
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from retrieval.documents import Document
from retrieval.errors import InputError

if TYPE_CHECKING:
    from retrieval.parsing.members import Members

SUFFIXES = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "text",
    ".text": "text",
    ".log": "text",
    ".ini": "text",
    ".cfg": "text",
    ".conf": "text",
    ".properties": "text",
    ".html": "html",
    ".htm": "html",
    ".pdf": "pdf",
    ".docx": "docx",
    ".csv": "table",
    ".tsv": "table",
    ".jsonl": "rows",
    ".ndjson": "rows",
    ".jsonl.gz": "gzipped rows",
    ".docm": "docx",
    ".dotx": "docx",
    ".xlsx": "spreadsheet",
    ".xlsm": "spreadsheet",
    ".xltx": "spreadsheet",
    ".xlsb": "spreadsheet",
    ".xls": "spreadsheet",
    ".ods": "spreadsheet",
    ".pptx": "slides",
    ".pptm": "slides",
    ".ppsx": "slides",
    ".potx": "slides",
    ".odt": "opendocument",
    ".ott": "opendocument",
    ".odp": "opendocument",
    ".fodt": "opendocument",
    ".fodp": "opendocument",
    ".rtf": "rtf",
    ".epub": "epub",
    ".eml": "mail",
    ".mbox": "mailbox",
    ".msg": "outlook",
    ".rst": "restructured",
    ".rst.txt": "restructured",
    ".rest": "restructured",
    ".adoc": "asciidoc",
    ".asciidoc": "asciidoc",
    ".asc": "asciidoc",
    ".org": "org",
    ".tex": "tex",
    ".latex": "tex",
    ".mdx": "markdown",
    ".json": "json",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".toml": "toml",
    ".xml": "xml",
    ".xhtml": "xml",
    ".dita": "xml",
    ".docbook": "xml",
    ".rss": "xml",
    ".atom": "xml",
    ".opml": "xml",
    ".ipynb": "notebook",
    ".vtt": "subtitles",
    ".srt": "subtitles",
    ".po": "translations",
    ".pot": "translations",
    ".zip": "zip",
    ".doc": "old word",
    ".ppt": "old slides",
    ".pps": "old slides",
}
_PARSERS = {
    "markdown": "markdown.parse_markdown",
    "text": "text.parse_text",
    "table": "table.parse_table",
    "html": "html.parse_html",
    "pdf": "pdf.parse_pdf",
    "docx": "docx.parse_docx",
    "spreadsheet": "spreadsheet.parse_spreadsheet",
    "sheets": "spreadsheet.parse_sheets",  # of no suffix: for those who need columns
    "slides": "slides.parse_slides",
    "opendocument": "opendocument.parse_opendocument",
    "rtf": "rtf.parse_rtf",
    "epub": "epub.parse_epub",
    "mail": "mail.parse_mail",
    "mailbox": "mail.parse_mailbox",
    "outlook": "outlook.parse_outlook",
    "restructured": "restructured.parse_restructured",
    "asciidoc": "asciidoc.parse_asciidoc",
    "org": "org.parse_org",
    "tex": "tex.parse_tex",
    "json": "records.parse_json",
    "yaml": "records.parse_yaml",
    "toml": "records.parse_toml",
    "xml": "xml.parse_xml",
    "notebook": "notebook.parse_notebook",
    "subtitles": "subtitles.parse_subtitles",
    "translations": "translations.parse_translations",
    "zip": "archive.parse_zip",
    "old word": "old_office.parse_old_word",
    "old slides": "old_office.parse_old_slides",
}
_CONTAINERS = frozenset(["zip", "mail", "mailbox", "outlook"])
"""Forms whose parsers also take ``members``."""
_LONGEST = 2


def suffix(name: str) -> str:
    """The suffix that tells a file's form: the last two where they do (``.jsonl.gz``)."""
    suffixes = PurePosixPath(name).suffixes
    two = "".join(suffixes[-_LONGEST:]).lower()
    return two if two in SUFFIXES else "".join(suffixes[-1:]).lower()


def title(name: str) -> str:
    """The title of a document that names none itself: its file's name in words, without the suffix."""
    stem = name[: len(name) - len(suffix(name))] or name
    return " ".join(stem.replace("_", " ").replace("-", " ").split())


def form(name: str) -> str | None:
    """The form of a file of that name; None where nothing reads it."""
    return SUFFIXES.get(suffix(name))


def parse(
    form: str, document_id: str, data: bytes, *, max_characters: int, members: "Members | None" = None
) -> Iterator[Document | InputError]:
    """What a file's bytes give.

    Args:
        members: the bounds of the file that this one is a member of.

    Raises:
        InputError: the file as a whole cannot be used, or the library that reads it is not installed.
    """
    if form in ("rows", "gzipped rows"):
        from retrieval.parsing.rows import parse_rows

        yield from parse_rows(
            io.BufferedReader(io.BytesIO(data)),
            gzipped=form == "gzipped rows",
            max_line=max_characters,
            max_bytes=max_characters,
            max_characters=max_characters,
        )
        return
    module, name = _PARSERS[form].split(".")
    further = {"members": members} if form in _CONTAINERS else {}
    try:
        function = getattr(import_module(f"retrieval.parsing.{module}"), name)
        given = function(document_id, data, max_characters=max_characters, **further)
        yield from (given,) if isinstance(given, Document) else given
    except ModuleNotFoundError as error:
        raise InputError(
            f"found a format that needs {error.name}, expected it to be installed: pip install 'lockstep[formats]'"
        ) from error
