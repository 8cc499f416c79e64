"""PPT, PowerPoint's binary format since PowerPoint 97: each slide's title as a heading, its texts, then its notes.

Read after [MS-PPT], the published specification, over olefile (BSD). Runs in the limited child process.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.parsing.compound import Compound
from retrieval.parsing.outline import Outline
from retrieval.parsing.package import broken
from retrieval.parsing.titles import first_title, meaningful_title

_DOCUMENT, _SLIDE, _NOTES = 1000, 1006, 1008
_NOTES_ATOM = 1009
_PERSIST, _HEADER, _CHARACTERS, _BYTES, _LIST = 1011, 3999, 4000, 4008, 4080
_EDIT, _DIRECTORY = 4085, 6002
_ENCRYPTED = 0xF3D1C4DF
_TITLES = (0, 6)
_MAX_DEPTH = 40
_MAX_EDITS = 1_000
_MASTER = ("Click to edit Master", "*")


@dataclass(frozen=True)
class _Record:
    kind: int
    instance: int
    begin: int
    end: int
    container: bool


def parse_old_slides_file(document_id: str, data: bytes, *, max_characters: int) -> Document:
    """A PPT file as one document; its title is the one in its properties, or its first slide's.

    Raises:
        InputError: broken, encrypted, older than PowerPoint 97, or over the limit.
    """
    with Compound(data, "PPT") as file:
        stream, user = file.stream("PowerPoint Document"), file.stream("Current User")
        title = meaningful_title(file.title())
    outline = Outline(max_characters)
    try:
        token, edit = struct.unpack_from("<12xII", user)
        if token == _ENCRYPTED:
            raise InputError("found an encrypted PowerPoint file, expected one without a password: save it without")
        _read(outline, _Stream(stream, edit))
    except (struct.error, IndexError, KeyError) as error:
        raise broken("PPT", error) from error
    return outline.document(document_id, title or first_title(outline), {})


class _Stream:
    """The records of the main stream, and where the newest version of each part lies."""

    def __init__(self, data: bytes, edit: int) -> None:
        self.data = data
        self._places: dict[int, int] = {}
        self._document = 0
        for _ in range(_MAX_EDITS):
            record = self.record(edit)
            if record.kind != _EDIT:
                raise struct.error("no edit")
            last, directory, document = struct.unpack_from("<8xIII", data, record.begin)
            self._document = self._document or document
            self._directory(self.record(directory))
            if not last:
                break
            edit = last

    def record(self, at: int) -> _Record:
        head, kind, length = struct.unpack_from("<HHI", self.data, at)
        return _Record(kind, head >> 4, at + 8, min(at + 8 + length, len(self.data)), head & 0xF == 0xF)

    def children(self, record: _Record) -> Iterator[_Record]:
        at = record.begin
        while at + 8 <= record.end:
            child = self.record(at)
            yield child
            at = child.end

    def document(self) -> _Record:
        return self.record(self._places[self._document])

    def part(self, number: int) -> _Record | None:
        place = self._places.get(number)
        return None if place is None else self.record(place)

    def _directory(self, record: _Record) -> None:
        if record.kind != _DIRECTORY:
            raise struct.error("no directory")
        at = record.begin
        while at + 4 <= record.end:
            head = struct.unpack_from("<I", self.data, at)[0]
            first, count = head & 0xFFFFF, head >> 20
            for i, place in enumerate(struct.unpack_from(f"<{count}I", self.data, at + 4)):
                self._places.setdefault(first + i, place)  # the newest edit is read first
            at += 4 + 4 * count

    def texts(self, record: _Record, depth: int = 0) -> Iterator[tuple[int, str]]:
        """Kind and text of each text below a record."""
        kind = 4
        for child in self.children(record):
            if child.kind == _HEADER:
                kind = struct.unpack_from("<I", self.data, child.begin)[0]
            elif child.kind in (_CHARACTERS, _BYTES):
                raw = self.data[child.begin : child.end]
                yield kind, raw.decode("utf-16-le" if child.kind == _CHARACTERS else "latin-1", "replace")
            elif child.container and depth < _MAX_DEPTH:
                yield from self.texts(child, depth + 1)


def _read(outline: Outline, stream: _Stream) -> None:
    notes: dict[int, str] = {}
    slides: list[tuple[int, int, list[tuple[int, str]]]] = []  # number of the part, id, and texts of its outline
    for part in stream.children(stream.document()):
        if part.kind != _LIST or part.instance not in (0, 2):
            continue
        found: list[tuple[int, int, list[tuple[int, str]]]] = []
        kind = 4
        for child in stream.children(part):
            if child.kind == _PERSIST:
                number, identity = struct.unpack_from("<I8xI", stream.data, child.begin)
                found.append((number, identity, []))
            elif child.kind == _HEADER:
                kind = struct.unpack_from("<I", stream.data, child.begin)[0]
            elif child.kind in (_CHARACTERS, _BYTES) and found:
                raw = stream.data[child.begin : child.end]
                text = raw.decode("utf-16-le" if child.kind == _CHARACTERS else "latin-1", "replace")
                found[-1][2].append((kind, text))
        if part.instance == 0:
            slides = found
        else:
            notes = dict(_notes(stream, [number for number, _, _ in found]))
    for order, (number, identity, texts) in enumerate(slides, start=1):
        record = stream.part(number)
        further = list(stream.texts(record)) if record is not None and record.kind == _SLIDE else []
        _slide(outline, order, [*texts, *further], notes.get(identity, ""))


def _notes(stream: _Stream, numbers: list[int]) -> Iterator[tuple[int, str]]:
    """The id of a slide, and the text of its notes."""
    for number in numbers:
        record = stream.part(number)
        if record is None or record.kind != _NOTES:
            continue
        atom = next((child for child in stream.children(record) if child.kind == _NOTES_ATOM), None)
        text = "\n".join(text for kind, text in stream.texts(record) if kind == 2)
        if atom is not None and text.strip():
            yield struct.unpack_from("<I", stream.data, atom.begin)[0], text


def _slide(outline: Outline, order: int, texts: list[tuple[int, str]], notes: str) -> None:
    title = next((text for kind, text in texts if kind in _TITLES and text.strip()), "")
    others = [text for _, text in texts if text.strip() and text != title and not text.startswith(_MASTER)]
    notes = " ".join(notes.split())
    if not (title.strip() or others or notes):
        return
    outline.heading(1, title.replace("\x0b", " ") or f"Slide {order}")
    for text in others:
        lines = [line for line in text.replace("\x0b", " ").split("\r") if line.strip()]
        for line in lines:
            outline.item(f"- {line.strip()}") if len(lines) > 1 else outline.paragraph(line)
    if notes:
        outline.paragraph(f"Notes: {notes}")
