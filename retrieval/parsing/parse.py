"""Parses a file by its suffix."""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from retrieval.documents import Document, SourceFile
from retrieval.errors import InputError, NoText
from retrieval.files import printable
from retrieval.parsing.markdown import parse_markdown
from retrieval.parsing.rows import parse_rows
from retrieval.parsing.sandbox import BinaryParser
from retrieval.parsing.suffixes import TEXTLESS
from retrieval.parsing.table import parse_table
from retrieval.parsing.text import parse_text

_FORMATS = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "text",
    ".text": "text",
    ".html": "html",
    ".htm": "html",
    ".pdf": "pdf",
    ".docx": "docx",
    ".csv": "table",
    ".tsv": "table",
    ".jsonl": "rows",
    ".ndjson": "rows",
    ".jsonl.gz": "gzipped rows",
}
_ROWS_EXPANSION = 16
"""How many times the file size limit a gzipped file may hold; it is read as a stream, so this bounds time only."""


@dataclass(frozen=True)
class ParseLimits:
    """What one file may cost."""

    max_bytes: int = 64 << 20
    """Size of a file."""
    max_characters: int = 64 << 20
    """Text of one document."""
    seconds: int = 60
    """Of the child process, for one file."""
    memory: int = 2 << 30
    """Of the child process, in bytes."""


@dataclass(frozen=True)
class ParseFailure:
    """A file, or a row of one, that gave no document. It is reported; the others go on."""

    path: str
    """The source file's id."""
    error: str


def parse_file(
    source: SourceFile, limits: ParseLimits | None = None, binary: BinaryParser | None = None
) -> Iterator[Document | ParseFailure]:
    """The documents of one file: one for most formats, many for JSON Lines.

    A malformed row of CSV or JSON Lines is yielded as a :class:`ParseFailure`; the rows around it are kept.

    Args:
        binary: the child process to use; without it, one is started for this file where the format needs it.

    Raises:
        NoText: the file is empty, or its format is one of text and there is none in it.
        InputError: the file as a whole cannot be used (for JSON Lines maybe after some documents).
    """
    try:
        yield from _parse(source, limits or ParseLimits(), binary)
    except InputError as error:
        raise type(error)(f"{source.path}: {error}") from error


def _parse(source: SourceFile, limits: ParseLimits, binary: BinaryParser | None) -> Iterator[Document | ParseFailure]:
    """As :func:`parse_file`, with messages that do not name the file."""
    form = _form(source.path)
    if source.size > limits.max_bytes:
        raise InputError(
            f"found {source.size / 2**20:.1f} MiB, expected at most {limits.max_bytes / 2**20:.1f} MiB: "
            "split the file, or raise the file size limit"
        )
    try:
        if form.endswith("rows"):
            yield from _rows(source, limits, gzipped=form == "gzipped rows")
            return
        with source.path.open("rb") as file:
            data = file.read(limits.max_bytes + 1)
    except OSError as error:
        raise InputError(f"cannot read it ({error.strerror}): check that it is there and who may read it") from error
    if len(data) > limits.max_bytes:
        raise InputError(f"found it growing beyond {limits.max_bytes / 2**20:.1f} MiB: wait until it is written")
    if not data.strip():
        raise NoText(f"found {'only white space' if data else 'an empty file'}, expected text: fill it or leave it out")
    if form == "table":
        for item in parse_table(source.id, data):
            yield _finished(source, item, limits)
    elif form == "markdown":
        yield _finished(source, parse_markdown(source.id, data), limits)
    elif form == "text":
        yield _finished(source, parse_text(source.id, data), limits)
    else:
        with nullcontext(binary) if binary is not None else binary_parser(limits) as parser:
            yield _finished(source, parser.parse(form, source.id, data), limits)


def _rows(source: SourceFile, limits: ParseLimits, *, gzipped: bool) -> Iterator[Document | ParseFailure]:
    with source.path.open("rb") as file:
        items = parse_rows(
            file,
            gzipped=gzipped,
            max_line=limits.max_bytes,
            max_bytes=limits.max_bytes * _ROWS_EXPANSION,
            max_characters=limits.max_characters,
        )
        for item in items:
            yield ParseFailure(source.id, str(item)) if isinstance(item, InputError) else item


def _finished(source: SourceFile, item: Document | InputError, limits: ParseLimits) -> Document | ParseFailure:
    """A document that has text, and a title if only from the file's name."""
    if isinstance(item, InputError):
        return ParseFailure(source.id, str(item))
    if len(item.text) > limits.max_characters:
        raise InputError(
            f"found {len(item.text)} characters of text, expected at most {limits.max_characters}: split the file"
        )
    if not item.text.strip():
        raise NoText("found no text in it, expected some: fill it or leave it out")
    if item.title:
        return item
    stem = printable(source.path.name)
    stem = stem[: len(stem) - len(_suffix(source.path))]
    return replace(item, title=" ".join(stem.replace("_", " ").replace("-", " ").split()))


def _form(path: Path) -> str:
    suffix = _suffix(path)
    if suffix not in _FORMATS:
        known = " ".join(_FORMATS)
        raise InputError(f"found the suffix {suffix or 'none'!r}, expected one of {known}: convert it or leave it out")
    return _FORMATS[suffix]


def textless(path: Path) -> str | None:
    """What a file is that can hold no text (an image, say), by its suffix; None where it may hold some."""
    suffix = _suffix(path)
    return None if suffix in _FORMATS else TEXTLESS.get(suffix)


def _suffix(path: Path) -> str:
    two = "".join(path.suffixes[-2:]).lower()
    return two if two in _FORMATS else path.suffix.lower()


def binary_parser(limits: ParseLimits) -> BinaryParser:
    """The child process for the formats that need one, under these limits; it starts with the first such file."""
    return BinaryParser(memory=limits.memory, seconds=limits.seconds, max_characters=limits.max_characters)
