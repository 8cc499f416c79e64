"""The child process of ``sandbox.py``: reads files by name, writes what they give to stdout.

It imports little, for it starts while files wait. After its imports it neither needs nor gets the network, other
programs or a file to write. A request is a line of JSON; a reply is two lengths, JSON and text.
"""

import json
import os
import resource
import struct
import sys
import warnings
from collections.abc import Iterator
from dataclasses import replace
from io import BufferedReader
from typing import Any, BinaryIO

from retrieval.documents import Document
from retrieval.errors import DocumentWarning, InputError, NoText
from retrieval.normalisation import normalise_document
from retrieval.parsing import formats
from retrieval.parsing.bounds import bounded, one_line
from retrieval.parsing.encoding import assuming

FRAME = struct.Struct(">IQ")
"""Before each reply: how many bytes of JSON and of text follow."""
_ROWS_EXPANSION = 16
"""How many times the file size limit a gzipped file may hold; it is read as a stream, so this bounds time only."""
_MAX_EXPANSION = 64
"""How many characters of text a byte of a file may give: compressed formats hold ten, a bomb holds a thousand."""
_EXPANSION_FROM = 4 << 20
_MAX_WARNINGS = 20
_FORBIDDEN = (
    "socket.__new__",
    "socket.connect",
    "socket.getaddrinfo",
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.posix_spawn",
    "os.spawn",
    "ctypes.dlopen",
)


def main(memory: int, max_bytes: int, max_characters: int) -> None:
    """Serve until stdin closes, or until much memory is held."""
    _limit(memory)
    target = sys.stdout.buffer
    for line in sys.stdin.buffer:
        request = json.loads(line.decode("utf-8", "surrogateescape"))
        _limit_processor(request["seconds"])
        _write(target, {"kind": "begin"})
        target.flush()  # so that a death over this file is not laid at the next one's door
        error, textless = "", False
        try:
            with assuming(request["encoding"]):
                for header, text in _replies(request, max_bytes, max_characters):
                    _write(target, header, text)
        except Exception as fault:  # whatever a library lets through, it is this file's fault alone
            error, textless = _told(fault), isinstance(fault, NoText)
        _write(target, {"kind": "end", "textless": textless}, error)
        target.flush()
        if _held_memory() > memory // 2:
            return  # the next file gets a fresh child


def _replies(request: dict[str, Any], max_bytes: int, max_characters: int) -> Iterator[tuple[dict[str, Any], str]]:
    """Header and text of what the file gives, and of what is to be told about it."""
    told: set[str] = set()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", DocumentWarning)
        for item in _items(request, max_bytes, max_characters):
            if isinstance(item, Document):
                document = bounded(item)
                headings = [[heading.level, heading.text, heading.start] for heading in document.headings]
                header = {"kind": "document", "id": document.id, "title": document.title, "headings": headings}
                yield header | {"metadata": dict(document.metadata)}, document.text
            else:
                yield {"kind": "fault"}, _told(item)
            fresh = {one_line(str(warning.message)) for warning in caught} - told
            caught.clear()
            for message in sorted(fresh)[: _MAX_WARNINGS - len(told)]:
                told.add(message)
                yield {"kind": "warning"}, message


def _items(request: dict[str, Any], max_bytes: int, max_characters: int) -> Iterator[Document | InputError]:
    """What the parser of the file's format gives."""
    form = request["form"]
    with _opened(request["path"]) as file:
        size = os.fstat(file.fileno()).st_size
        allowed = min(max_characters, max(_EXPANSION_FROM, _MAX_EXPANSION * size))
        if form in ("rows", "gzipped rows"):
            from retrieval.parsing.rows import parse_rows

            for row in parse_rows(
                file,
                gzipped=form == "gzipped rows",
                max_line=max_bytes,
                max_bytes=max_bytes * _ROWS_EXPANSION,
                max_characters=max_characters,
            ):
                yield _normalised(row) if isinstance(row, Document) else row
            return
        data = _content(file, max_bytes)
    for item in formats.parse(form, request["id"], data, max_characters=allowed):
        yield _finished(item, request["title"], allowed) if isinstance(item, Document) else item


def _opened(path: str) -> BufferedReader:
    try:
        return open(path, "rb")
    except OSError as error:
        raise InputError(f"cannot read it ({error.strerror}): check that it is there and who may read it") from error


def _content(file: BinaryIO, max_bytes: int) -> bytes:
    try:
        data = file.read(max_bytes + 1)
    except OSError as error:
        raise InputError(f"cannot read it ({error.strerror}): check that it is there and who may read it") from error
    if len(data) > max_bytes:
        raise InputError(f"found it growing beyond {max_bytes / 2**20:.1f} MiB: wait until it is written")
    if not data.strip():
        raise NoText(f"found {'only white space' if data else 'an empty file'}, expected text: fill it or leave it out")
    return data


def _normalised(row: Document) -> Document | InputError:
    """A row in the one form of every text; one of nothing but invisible characters has no text."""
    found = normalise_document(row)
    return found if found.text.strip() else InputError("found invisible characters only, expected text")


def _finished(document: Document, title: str, max_characters: int) -> Document:
    """A document that has text, and a title if only from the file's name."""
    if len(document.text) > max_characters:
        raise InputError(
            f"found {len(document.text)} characters of text, expected at most {max_characters}: split the file"
        )
    document = normalise_document(document)
    if not document.text.strip():
        raise NoText("found no text in it, expected some: fill it or leave it out")
    return document if document.title else replace(document, title=title)


def _told(fault: Exception) -> str:
    """One line about what went wrong."""
    if isinstance(fault, InputError):
        return one_line(str(fault))
    if isinstance(fault, RecursionError):
        return "found objects nested too deeply, expected an ordinary document: save or export it again"
    if isinstance(fault, MemoryError):
        return "found a file that takes too much memory to parse, expected an ordinary document: split it"
    name = type(fault).__name__
    return one_line(f"found a file that its parser cannot read ({name}: {fault})") + (
        ", expected an ordinary one: save it again in its program, or leave it out"
    )


def _write(target: BinaryIO, header: dict[str, Any], text: str = "") -> None:
    # What no encoding holds (a lone surrogate) must not get further than this.
    body = text.encode("utf-8", "replace")
    head = json.dumps(header, ensure_ascii=False).encode("utf-8", "replace")
    target.write(FRAME.pack(len(head), len(body)) + head)
    target.write(body)


def _limit(memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    if sys.platform == "linux":  # macOS refuses it; the processor and wall limits hold there too
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    sys.dont_write_bytecode = True
    import pypdfium2  # noqa: F401  # it opens its library through ctypes, which is forbidden from here on

    sys.addaudithook(_forbid)


def _forbid(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _FORBIDDEN:
        raise PermissionError(f"a document's parser must not use {event}")


def _limit_processor(seconds: int) -> None:
    """The kernel kills this process once it has used so many more seconds."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + seconds + 1, hard))


def _held_memory() -> int:
    """Bytes of address space in use, where that is limited; libraries and fragments keep some of it."""
    if sys.platform != "linux":
        return 0
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[0]) * resource.getpagesize()
