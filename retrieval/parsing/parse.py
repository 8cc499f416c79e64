"""Finds the files of a corpus, and has each parsed by its suffix in a limited child process (``sandbox.py``)."""

import math
import os
import stat
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from retrieval.documents import Document
from retrieval.errors import DocumentWarning, InputError
from retrieval.parsing.sandbox import Parsed, ParserPool, Task

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
    max_characters: int = 96 << 20
    """Text of one document; a table of 64 MiB has more, since each row names its columns."""
    seconds: int = 9
    """Of processor time, for a small file."""
    seconds_per_mib: float = 4.0
    """More of it, for each MiB of the file."""
    memory: int = 2 << 30
    """Of the child process, in bytes."""


@dataclass(frozen=True)
class ParseFailure:
    """A file, or a row of one, that gave no document. It is reported; the others go on."""

    path: str
    """The source file's id."""
    error: str


@dataclass(frozen=True)
class ParseWarning:
    """Something to tell about a file that was taken all the same: an encoding that is a guess, a part cut off."""

    path: str
    """The source file's id."""
    warning: str


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
    source: SourceFile, limits: ParseLimits | None = None, pool: ParserPool | None = None
) -> Iterator[Document | ParseFailure | ParseWarning]:
    """As :func:`parse_files`, for one file.

    Args:
        pool: the child processes to use; without them, one is started for this file.

    Raises:
        InputError: the file as a whole cannot be used (for JSON Lines maybe after some documents).
    """
    limits = limits or ParseLimits()
    with nullcontext(pool) if pool is not None else parser_pool(limits) as open_pool:
        for _, items in parse_files([source], limits, open_pool):
            yield from items


def parse_files(
    sources: Iterable[SourceFile], limits: ParseLimits, pool: ParserPool
) -> Iterator[tuple[SourceFile, Iterator[Document | ParseFailure | ParseWarning]]]:
    """Each file, in order, with what it gives: one document for most formats, many for JSON Lines.

    Some files are read ahead, so ``sources`` is asked for more than was given back. A malformed row of CSV or
    JSON Lines is yielded as a :class:`ParseFailure`; the rows around it are kept. An inner iterator raises
    :class:`InputError` where the file as a whole cannot be used (for JSON Lines maybe after some documents).
    """
    asked: deque[SourceFile] = deque()

    def tasks() -> Iterator[Task | InputError]:
        for source in sources:
            asked.append(source)
            try:
                yield _task(source, limits)
            except InputError as error:
                yield error

    for items in pool.parse(tasks()):
        source = asked.popleft()
        yield source, _named(source, items)


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


def _task(source: SourceFile, limits: ParseLimits) -> Task:
    form = _form(source.path)
    if source.size > limits.max_bytes:
        raise InputError(
            f"found {source.size / 2**20:.1f} MiB, expected at most {limits.max_bytes / 2**20:.1f} MiB: "
            "split the file, or raise the file size limit"
        )
    stem = _printable(source.path.name)
    stem = stem[: len(stem) - len(_suffix(source.path))]
    title = " ".join(stem.replace("_", " ").replace("-", " ").split())
    seconds = limits.seconds + math.ceil(limits.seconds_per_mib * source.size / 2**20)
    return Task(form, source.path, source.id, title, seconds)


def _named(source: SourceFile, items: Iterator[Parsed]) -> Iterator[Document | ParseFailure | ParseWarning]:
    """The items as they are told outside, where several files are told apart."""
    try:
        for item in items:
            if isinstance(item, InputError):
                yield ParseFailure(source.id, str(item))
            elif isinstance(item, DocumentWarning):
                yield ParseWarning(source.id, str(item))
            else:
                yield item
    except InputError as error:
        raise InputError(f"{source.path}: {error}") from error


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


def parser_pool(limits: ParseLimits) -> ParserPool:
    """The child processes that parse under these limits; they start with the first file."""
    return ParserPool(memory=limits.memory, max_bytes=limits.max_bytes, max_characters=limits.max_characters)
