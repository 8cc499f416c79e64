"""Finds the files of a corpus and parses each by its suffix."""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.normalisation import normalise_document
from retrieval.parsing.markdown import parse_markdown
from retrieval.parsing.rows import parse_rows
from retrieval.parsing.sandbox import BinaryParser
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
class SourceFile:
    """A file that was found, with what tells whether it changed."""

    id: str
    """POSIX path relative to the directory given, or the name of the file given."""
    path: Path
    size: int
    mtime_ns: int


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


def find_files(paths: Sequence[Path]) -> list[SourceFile]:
    """The regular files under the paths, sorted by id.

    Left out: names that begin with a dot, links that leave the directory given, links to what is found anyway,
    and whatever is neither file nor directory.

    Raises:
        InputError: a path is missing or cannot be read, or two different files would get the same id.
    """
    by_id: dict[str, SourceFile] = {}
    by_real_path: dict[str, SourceFile] = {}
    for root in paths:
        for source, real_path in _under(root):
            if by_real_path.setdefault(real_path, source) is not source:
                continue
            known = by_id.setdefault(source.id, source)
            if known is not source:
                raise InputError(
                    f"found {known.path} and {source.path}, which would both get the id {source.id!r}, expected "
                    "different ids: give the directory above both, or rename one"
                )
    return sorted(by_id.values(), key=lambda source: source.id)


def parse_file(
    source: SourceFile, limits: ParseLimits | None = None, binary: BinaryParser | None = None
) -> Iterator[Document | ParseFailure]:
    """The documents of one file: one for most formats, many for JSON Lines.

    A malformed row of CSV or JSON Lines is yielded as a :class:`ParseFailure`; the rows around it are kept.

    Args:
        binary: the child process to use; without it, one is started for this file where the format needs it.

    Raises:
        InputError: the file as a whole cannot be used (for JSON Lines maybe after some documents).
    """
    try:
        for item in _parse(source, limits or ParseLimits(), binary):
            yield _normalised(source, item) if isinstance(item, Document) else item
    except InputError as error:
        raise InputError(f"{source.path}: {error}") from error


def _under(root: Path) -> Iterator[tuple[SourceFile, str]]:
    """The files below ``root``, each with its real path; links last."""
    try:
        status = root.stat()
    except OSError as error:
        raise InputError(f"found no {root} ({error.strerror}), expected a file or directory: check the path") from error
    if not stat.S_ISDIR(status.st_mode):
        yield SourceFile(_printable(root.name), root, status.st_size, status.st_mtime_ns), os.path.realpath(root)
        return
    top = os.path.realpath(root)
    seen = {top}
    directories = [(root, top)]
    links: list[Path] = []
    while directories or links:
        if directories:
            entries = _entries(*directories.pop(), links)
        else:  # links come last: what they point to has mostly been found under its own name by now
            link = links.pop(0)
            target = os.path.realpath(link)
            entries = [(link, target)] if target.startswith(top.rstrip(os.sep) + os.sep) else []
        for path, real_path in entries:
            try:
                status = path.stat()
            except OSError:  # a dangling link, or a file that went away between listing and looking
                continue
            if stat.S_ISDIR(status.st_mode) and real_path not in seen:
                seen.add(real_path)
                directories.append((path, real_path))
            elif stat.S_ISREG(status.st_mode):
                identity = _printable(path.relative_to(root).as_posix())
                yield SourceFile(identity, path, status.st_size, status.st_mtime_ns), real_path


def _entries(directory: Path, real_directory: str, links: list[Path]) -> list[tuple[Path, str]]:
    """Paths and real paths in a directory, sorted; hidden ones left out, links put aside into ``links``."""
    try:
        with os.scandir(directory) as scan:
            entries = sorted((entry for entry in scan if not entry.name.startswith(".")), key=lambda entry: entry.name)
    except OSError as error:
        # Passing over it would make its documents look deleted.
        raise InputError(f"cannot read {directory} ({error.strerror}): check its owner and permissions") from error
    links += [Path(entry.path) for entry in entries if entry.is_symlink()]
    return [(Path(e.path), os.path.join(real_directory, e.name)) for e in entries if not e.is_symlink()]


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
        raise InputError(
            f"found {'only white space' if data else 'an empty file'}, expected text: fill it or leave it out"
        )
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


def _normalised(source: SourceFile, document: Document) -> Document | ParseFailure:
    """In the one form of every text; a document of nothing but invisible characters has no text."""
    found = normalise_document(document)
    if not found.text.strip():
        return ParseFailure(source.id, "found invisible characters only, expected text: fill it or leave it out")
    return found


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
        raise InputError("found no text in it, expected some: fill it or leave it out")
    if item.title:
        return item
    stem = _printable(source.path.name)
    stem = stem[: len(stem) - len(_suffix(source.path))]
    return replace(item, title=" ".join(stem.replace("_", " ").replace("-", " ").split()))


def _form(path: Path) -> str:
    suffix = _suffix(path)
    if suffix not in _FORMATS:
        known = " ".join(_FORMATS)
        raise InputError(f"found the suffix {suffix or 'none'!r}, expected one of {known}: convert it or leave it out")
    return _FORMATS[suffix]


def _suffix(path: Path) -> str:
    two = "".join(path.suffixes[-2:]).lower()
    return two if two in _FORMATS else path.suffix.lower()


def _printable(name: str) -> str:
    """A file name as text that every store takes (names on Linux are bytes)."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def binary_parser(limits: ParseLimits) -> BinaryParser:
    """The child process for the formats that need one, under these limits; it starts with the first such file."""
    return BinaryParser(memory=limits.memory, seconds=limits.seconds, max_characters=limits.max_characters)
