"""JSON Lines, plain or gzipped: many documents in one file, read as a stream.

A malformed line costs that line only: the iterator yields an :class:`InputError` in its place, with the
line number, and goes on. It raises only where reading cannot go on (a damaged gzip stream).
"""

import codecs
import gzip
import io
import json
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.parsing.markdown import scalars
from retrieval.parsing.text import clean, marked_encoding

_REPORTED = 20
_MAX_ID = 1000
_Stream = io.BufferedReader | gzip.GzipFile
_FORM = 'a JSON object with "id" and "text"'
_BLOCK = 1 << 18
_MAX_RATIO = 200
"""JSON compresses to a tenth, repetitive rows to a fiftieth."""
_BOMB_FROM = 16 << 20
_READ_ERRORS = (OSError, EOFError, zlib.error)  # gzip.BadGzipFile is an OSError


def parse_rows(
    file: io.BufferedReader, *, gzipped: bool, max_line: int, max_bytes: int, max_characters: int
) -> Iterator[Document | InputError]:
    """The documents of a JSON Lines file: ``{"id", "title"?, "text", ...}``, other scalar fields as metadata.

    Args:
        max_line: bytes of one line.
        max_bytes: bytes of the whole file after decompression (a few kilobytes of gzip can hold terabytes).
        max_characters: characters of one document's text.

    Raises:
        InputError: the stream is damaged or too large; the rows before that were yielded.
    """
    first_line: dict[str, int] = {}
    malformed = documents = 0
    stream = gzip.GzipFile(fileobj=file) if gzipped else file
    for number, line in _lines(stream, file if gzipped else None, max_line, max_bytes):
        try:
            if isinstance(line, InputError):
                raise line
            document = _document(line, max_characters)
            known = first_line.setdefault(document.id, number)
            if known != number:
                raise InputError(
                    f"found the id {document.id!r} again (first on line {known}), expected ids to differ: rename one"
                )
        except InputError as error:
            malformed += 1
            if malformed <= _REPORTED:
                yield InputError(f"line {number}: {error}")
        else:
            documents += 1
            yield document
    if malformed > _REPORTED:
        yield InputError(f"found {malformed - _REPORTED} more malformed lines, expected {_FORM}: correct them likewise")
    if not malformed and not documents:
        raise InputError(f"found no rows, expected on each line {_FORM}: fill the file or leave it out")


def _lines(
    stream: _Stream, compressed: BinaryIO | None, max_line: int, max_bytes: int
) -> Iterator[tuple[int, bytes | InputError]]:
    """Line numbers and lines without blank ones; a line over the limit is read past and named."""
    number, total = 1, 0
    begun: list[bytes] = []  # the pieces of the line at the end of what was read
    length = 0
    decoder = _unicode_decoder(stream)
    while block := _block(stream, number):
        if decoder is not None:
            block = decoder.decode(block).encode()
        total += len(block)
        if total > max_bytes or (compressed is not None and _is_bomb(total, compressed.tell())):
            raise InputError(
                f"line {number}: found {total / 2**20:.0f} MiB and no end after decompression, expected at most "
                f"{max_bytes / 2**20:.0f} MiB, or {_MAX_RATIO} times what the file has: split it, or raise the file "
                "size limit; the rows before this were read"
            )
        *lines, rest = block.split(b"\n")
        for line in lines:
            if length or line.strip():
                yield number, _joined([*begun, line], length + len(line), max_line)
                begun, length = [], 0
            number += 1
        length += len(rest)
        if rest and length <= max_line:
            begun.append(rest)
    if length:
        yield number, _joined(begun, length, max_line)


def _unicode_decoder(stream: _Stream) -> codecs.IncrementalDecoder | None:
    """What reads the lines of a file that begins with the mark of UTF-16 or UTF-32."""
    try:
        encoding = marked_encoding(stream.peek(4)[:4])
    except _READ_ERRORS:
        return None  # told where the file is read
    if encoding in (None, "utf-8-sig"):
        return None
    return codecs.getincrementaldecoder(encoding)(errors="replace")


def _block(stream: _Stream, number: int) -> bytes:
    try:
        return stream.read1(_BLOCK)  # read() would lose what precedes the damage
    except _READ_ERRORS as error:
        raise InputError(
            f"line {number}: found a damaged file ({error}), expected a whole gzip stream: "
            "copy or compress it again; the rows before it were read"
        ) from error


def _is_bomb(expanded: int, compressed: int) -> bool:
    return expanded > _BOMB_FROM and expanded > _MAX_RATIO * compressed


def _joined(pieces: list[bytes], length: int, max_line: int) -> bytes | InputError:
    if length > max_line:
        return InputError(f"found a line of {length} bytes, expected at most {max_line}: split the document")
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _document(line: bytes, max_characters: int) -> Document:
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InputError(
            f"found bytes that are not UTF-8 at byte {error.start}, expected UTF-8: re-encode it"
        ) from error
    except json.JSONDecodeError as error:
        raise InputError(f"found malformed JSON ({error.msg} at column {error.colno}), expected {_FORM}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"found JSON that cannot be read ({error}), expected {_FORM}") from error
    if not isinstance(row, dict):
        raise InputError(f"found {_kind(row)}, expected {_FORM}")
    document_id = row.pop("id", None)
    if isinstance(document_id, int) and not isinstance(document_id, bool):
        document_id = str(document_id)
    if not isinstance(document_id, str) or not document_id.strip():
        raise InputError(f'found {_kind(document_id)} as "id", expected text that is not empty: give the row an id')
    if len(document_id) > _MAX_ID:
        raise InputError(f'found an "id" of {len(document_id)} characters, expected at most {_MAX_ID}: shorten it')
    text = row.pop("text", None)
    if not isinstance(text, str) or not text.strip():
        found = "empty text" if isinstance(text, str) else _kind(text)
        raise InputError(f'found {found} as "text" of {document_id!r}, expected its text: fill it or leave the row out')
    if len(text) > max_characters:
        raise InputError(f"found {len(text)} characters of text, expected at most {max_characters}: split the document")
    title = row.pop("title", None)
    if title is not None and not isinstance(title, str):
        raise InputError(f'found {_kind(title)} as "title" of {document_id!r}, expected text')
    return Document(id=clean(document_id), text=clean(text), title=clean(title or "").strip(), metadata=scalars(row))


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    names = {bool: "a boolean", int: "a number", float: "a number", str: "text", list: "a list", dict: "an object"}
    return names[type(value)]
