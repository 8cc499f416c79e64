"""PPT: titles, texts and notes of the newest version; encrypted and damaged files are refused."""

import struct

import pytest

from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.parsing.old_slides import parse_old_slides_file
from tests.retrieval.parsing.compound_file import compound_file


def record(kind: int, *children: bytes, instance: int = 0) -> bytes:
    """A container."""
    body = b"".join(children)
    return struct.pack("<HHI", instance << 4 | 0xF, kind, len(body)) + body


def atom(kind: int, body: bytes) -> bytes:
    return struct.pack("<HHI", 0, kind, len(body)) + body


def text(kind: int, words: str) -> bytes:
    return atom(3999, struct.pack("<I", kind)) + atom(4000, words.encode("utf-16-le"))


def persist(number: int, identity: int) -> bytes:
    return atom(1011, struct.pack("<I8xI4x", number, identity))


def saved(token: int = 0xE391C05F) -> bytes:
    outlines = persist(2, 256) + text(0, "Pump care") + text(1, "Drain it\rEvery year") + persist(3, 257)
    document = record(1000, record(4080, outlines, instance=0), record(4080, persist(4, 256), instance=2))
    slide = record(1006, record(61453, text(4, "In a box")))
    notes = record(1008, atom(1009, struct.pack("<I", 256)), text(2, "Say why."))
    old = record(1006, record(61453, text(4, "An old version")))
    stream, places = b"", []
    for part in (document, slide, record(1006), notes, old):
        places.append(len(stream))
        stream += part
    edits = []
    for numbers in ({1: 0, 2: 4, 3: 2, 4: 3}, {2: 1}):  # the second edit replaces part 2
        directory = len(stream)
        entries = b"".join(struct.pack("<II", 1 << 20 | part, places[place]) for part, place in numbers.items())
        stream += atom(6002, entries)
        last = edits[-1] if edits else 0
        edits.append(len(stream))
        stream += atom(4085, struct.pack("<8xIII", last, directory, 1))
    user = atom(4086, struct.pack("<III", 20, token, edits[-1]))
    return compound_file({"PowerPoint Document": stream, "Current User": user})


def parse(data: bytes) -> Document:
    return parse_old_slides_file("a.ppt", data, max_characters=1_000_000)


def test_titles_texts_and_notes_of_the_newest_version() -> None:
    document = parse(saved())
    assert document.title == "Pump care"
    assert document.text == "Pump care\n\n- Drain it\n- Every year\n\nIn a box\n\nNotes: Say why."
    assert [(h.level, h.text) for h in document.headings] == [(1, "Pump care")]


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(InputError, match="found an encrypted PowerPoint file"):
        parse(saved(token=0xF3D1C4DF))
    broken_user = {"PowerPoint Document": b"x" * 100, "Current User": b"x" * 40}
    for data in (saved()[:600], compound_file({"other": b"x"}), compound_file(broken_user), b"words"):
        with pytest.raises(InputError, match=r"found a broken PPT \(") as caught:
            parse(data)
        assert "\n" not in str(caught.value)
