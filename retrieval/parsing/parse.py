"""Has files parsed by their suffixes in limited child processes (``sandbox.py``)."""

import math
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from retrieval.documents import Document, SourceFile
from retrieval.errors import DocumentWarning, InputError
from retrieval.files import printable
from retrieval.parsing import formats
from retrieval.parsing.sandbox import Parsed, ParserPool, Task
from retrieval.parsing.suffixes import TEXTLESS


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


def parse_file(
    source: SourceFile,
    limits: ParseLimits | None = None,
    pool: ParserPool | None = None,
    *,
    form: str | None = None,
    encoding: str | None = None,
) -> Iterator[Document | ParseFailure | ParseWarning]:
    """As :func:`parse_files`, for one file.

    Args:
        pool: the child processes to use; without them, one is started for this file.
        form: how it is parsed; else its suffix says.
        encoding: as of :func:`parse_files`.

    Raises:
        NoText: the file is empty, or there is no text in it.
        InputError: the file as a whole cannot be used (for JSON Lines maybe after some documents).
    """
    limits = limits or ParseLimits()
    with nullcontext(pool) if pool is not None else parser_pool(limits) as open_pool:
        for items in open_pool.parse([_asked(source, limits, form, encoding)]):
            yield from _named(source, items)


def parse_files(
    sources: Iterable[SourceFile], limits: ParseLimits, pool: ParserPool, *, encoding: str | None = None
) -> Iterator[tuple[SourceFile, Iterator[Document | ParseFailure | ParseWarning]]]:
    """Each file, in order, with what it gives: one document for most formats, many for JSON Lines.

    Some files are read ahead, so ``sources`` is asked for more than was given back. A malformed row of CSV or
    JSON Lines is yielded as a :class:`ParseFailure`; the rows around it are kept. An inner iterator raises
    :class:`InputError` where the file as a whole cannot be used (for JSON Lines maybe after some documents).

    Args:
        encoding: of text that is not Unicode and does not say its encoding; None to guess.
    """
    asked: deque[SourceFile] = deque()

    def tasks() -> Iterator[Task | InputError]:
        for source in sources:
            asked.append(source)
            yield _asked(source, limits, None, encoding)

    for items in pool.parse(tasks()):
        source = asked.popleft()
        yield source, _named(source, items)


def _asked(source: SourceFile, limits: ParseLimits, form: str | None, encoding: str | None) -> Task | InputError:
    """The task, or why there is none."""
    try:
        return _task(source, limits, form or _form(source.path), encoding)
    except InputError as error:
        return error


def _task(source: SourceFile, limits: ParseLimits, form: str, encoding: str | None) -> Task:
    if source.size > limits.max_bytes:
        raise InputError(
            f"found {source.size / 2**20:.1f} MiB, expected at most {limits.max_bytes / 2**20:.1f} MiB: "
            "split the file, or raise the file size limit"
        )
    title = formats.title(printable(source.path.name))
    seconds = limits.seconds + math.ceil(limits.seconds_per_mib * source.size / 2**20)
    return Task(form, source.path, source.id, title, seconds, encoding)


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
        raise type(error)(f"{source.path}: {error}") from error


def _form(path: Path) -> str:
    form = formats.form(path.name)
    if form is None:
        known = " ".join(formats.SUFFIXES)
        found = path.suffix.lower() or "none"
        raise InputError(f"found the suffix {found!r}, expected one of {known}: convert it or leave it out")
    return form


def textless(path: Path) -> str | None:
    """What a file is that can hold no text (an image, say), by its suffix; None where it may hold some."""
    return None if formats.form(path.name) else TEXTLESS.get(formats.suffix(path.name))


def parser_pool(limits: ParseLimits) -> ParserPool:
    """The child processes that parse under these limits; they start with the first file."""
    return ParserPool(memory=limits.memory, max_bytes=limits.max_bytes, max_characters=limits.max_characters)
