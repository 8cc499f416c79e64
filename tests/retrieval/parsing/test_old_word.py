"""DOC: text of both widths, headings, tables and fields; encrypted, older and damaged files are refused."""

import struct

import pytest

from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.parsing.old_word import parse_old_word_file
from tests.retrieval.parsing.compound_file import compound_file

PLAIN, HEADING, ROW_END = (0, b""), (1, b""), (0, b"\x17\x24\x01")
Paragraphs = list[tuple[str, tuple[int, bytes]]]


def saved(narrow: Paragraphs, wide: Paragraphs, *, flags: int = 0, version: int = 0xC1, cut: int = 0) -> bytes:
    """A file of two pieces, one in cp1252 and one in UTF-16, and one page of paragraphs' properties."""
    first = "".join(text for text, _ in narrow)
    second = "".join(text for text, _ in wide)
    encoded = first.encode("cp1252").ljust(len(first) + len(first) % 2)
    wide_start = 512 + len(encoded)
    offsets, papx = [512], []
    for width, start, paragraphs in ((1, 512, narrow), (2, wide_start, wide)):
        offsets[-1] = start
        for text, properties in paragraphs:
            offsets.append(offsets[-1] + width * len(text))
            papx.append(properties)
    page = bytearray(512)
    count = len(papx)
    struct.pack_into(f"<{count + 1}I", page, 0, *offsets)
    at = 508
    for i, (style, sprms) in enumerate(papx):
        body = struct.pack("<H", style) + sprms
        body += b"\0" * (1 - len(body) % 2)
        at -= 2 * (1 + len(body) // 2)
        page[at : at + 1 + len(body)] = bytes([(len(body) + 1) // 2]) + body
        page[4 * (count + 1) + 13 * i] = at // 2
    page[511] = count
    text = encoded + second.encode("utf-16-le")
    text = text.ljust(-(-len(text) // 512) * 512, b"\0")
    positions = struct.pack("<3I", 0, len(first), len(first) + len(second))
    pieces = struct.pack("<HIHHIH", 0, 512 * 2 | 0x40000000, 0, 0, wide_start, 0)
    plc = positions + pieces
    bins = struct.pack("<3I", 512, 512 + len(text), 1 + len(text) // 512)
    header = bytearray(512)
    struct.pack_into("<HH6xH", header, 0, 0xA5EC, version, flags)
    struct.pack_into("<ii", header, 0x4C, len(first) + len(second), 0)
    struct.pack_into("<II", header, 0x102, 0, len(bins))
    clx = b"\x02" + struct.pack("<I", len(plc)) + plc
    struct.pack_into("<II", header, 0x1A2, len(bins), len(clx) - cut)
    return compound_file({"WordDocument": bytes(header) + text + bytes(page), "0Table": bins + clx})


def parse(data: bytes) -> Document:
    return parse_old_word_file("a.doc", data, max_characters=1_000_000)


def test_text_headings_tables_and_fields() -> None:
    document = parse(
        saved(
            [("Use\r", HEADING), ("Oil \x13 HYPERLINK \x14it\x15 – daily.\r", PLAIN)],
            [
                ("Part\x07", PLAIN), ("Price\x07", PLAIN), ("\x07", ROW_END),
                ("Pump\x07", PLAIN), ("42 €\x07", PLAIN), ("\x07", ROW_END), ("ゾルゲ\r", PLAIN),
            ],
        )
    )  # fmt: skip
    assert document.text == "Use\n\nOil it – daily.\n\nPart: Pump; Price: 42 €\n\nゾルゲ"
    assert [(h.level, h.text, h.start) for h in document.headings] == [(1, "Use", 0)]


def test_what_cannot_be_read_is_refused() -> None:
    text: Paragraphs = [("x\r", PLAIN)]
    with pytest.raises(InputError, match="found an encrypted Word file"):
        parse(saved(text, text, flags=0x100))
    with pytest.raises(InputError, match="found a Word file older than Word 97"):
        parse(saved(text, text, version=104))
    with pytest.raises(InputError, match="found a Word file older than Word 97"):
        parse(compound_file({"WordDocument": b"x"}))
    whole = saved(text, text)
    for data in (saved(text, text, cut=30), compound_file({"other": b"x"}), whole[:700], b"words"):
        with pytest.raises(InputError, match=r"found a broken DOC \(") as caught:
            parse(data)
        assert "\n" not in str(caught.value)
