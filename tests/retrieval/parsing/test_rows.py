"""JSON Lines: malformed lines are named by number and cost only themselves."""

import gzip
import io

import pytest

from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.parsing.rows import parse_rows


def rows(data: bytes, *, gzipped: bool = False, **limits: int) -> list[Document | InputError]:
    file = io.BufferedReader(io.BytesIO(data))  # type: ignore[arg-type]
    bounds = {"max_line": 1 << 20, "max_bytes": 1 << 26, "max_characters": 1 << 20} | limits
    return list(parse_rows(file, gzipped=gzipped, **bounds))


def test_a_row_becomes_a_document() -> None:
    line = '{"id": 7, "title": " T ", "text": "x", "n": 1, "ok": true, "s": "v", "l": [1], "o": {}, "nil": null}'
    assert rows(b"\xef\xbb\xbf" + line.encode()) == [
        Document(id="7", text="x", title="T", metadata={"n": 1, "ok": True, "s": "v"})
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{bad", "found malformed JSON"),
        (b"[1]", "found a list, expected a JSON object"),
        (b'{"text": "x"}', 'found nothing as "id"'),
        (b'{"id": true, "text": "x"}', 'found a boolean as "id"'),
        (b'{"id": " ", "text": "x"}', 'found text as "id", expected text that is not empty'),
        (b'{"id": "b"}', "found nothing as \"text\" of 'b'"),
        (b'{"id": "b", "text": " "}', "found empty text as \"text\" of 'b'"),
        (b'{"id": "b", "text": "x", "title": 3}', 'found a number as "title"'),
        (b'{"id": "a", "text": "again"}', r"found the id 'a' again \(first on line 1\)"),
        (b'{"id": "b", "text": "\xff"}', "found bytes that are not UTF-8 at byte 21"),
        (b"[" * 100_000, "found JSON that cannot be read"),
        (b'{"id": "b", "text": "%s"}' % (b"x" * 2000), "found 2000 characters of text, expected at most 1000"),
        (b'{"id": "b", "text": "%s"}' % (b"x" * 600_000), "found a line of 600023 bytes, expected at most 500000"),
    ],
)
def test_a_malformed_line_is_named_and_the_others_are_kept(line: bytes, message: str) -> None:
    data = b'{"id": "a", "text": "first"}\n\n' + line + b'\n{"id": "z", "text": "last"}'
    first, error, last = rows(data, max_characters=1000, max_line=500_000)
    assert isinstance(first, Document)
    assert isinstance(last, Document)
    assert (first.id, last.id) == ("a", "z")
    assert isinstance(error, InputError)
    with pytest.raises(InputError, match=f"^line 3: {message}"):
        raise error


def test_very_many_malformed_lines_are_counted() -> None:
    items = rows(b"x\n" * 50)
    assert len(items) == 21
    assert str(items[-1]).startswith("found 30 more malformed lines")


def test_lone_surrogates_do_not_get_through() -> None:
    (document,) = rows(rb'{"id": "a\ud800", "text": "x\udfff"}')
    assert document == Document(id="a ", text="x ")


def test_numbers_that_no_store_holds() -> None:
    (document,) = rows(b'{"id": "a", "text": "x", "big": 123456789012345678901234567890, "inf": Infinity}')
    assert isinstance(document, Document)
    assert document.metadata == {"big": "123456789012345678901234567890"}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
@pytest.mark.parametrize("gzipped", [False, True])
def test_unicode_is_read_by_its_byte_order_mark(encoding: str, gzipped: bool) -> None:
    data = "".join(f'{{"id": "{i}", "text": "Größe {i}"}}\n' for i in range(9000)).encode(encoding)
    items = rows(gzip.compress(data) if gzipped else data, gzipped=gzipped)
    assert [item.text for item in items if isinstance(item, Document)] == [f"Größe {i}" for i in range(9000)]


def test_no_rows_at_all() -> None:
    with pytest.raises(InputError, match="found no rows"):
        rows(b"\n\n")


def test_gzip_is_read_also_in_several_members() -> None:
    lines = [b'{"id": "%d", "text": "t"}\n' % i for i in range(3)]
    data = gzip.compress(lines[0] + lines[1][:5]) + gzip.compress(lines[1][5:] + lines[2])
    assert [item.id for item in rows(data, gzipped=True) if isinstance(item, Document)] == ["0", "1", "2"]


def test_rows_before_the_damage_are_kept() -> None:
    data = gzip.compress(b"".join(b'{"id": "%d", "text": "words %d"}\n' % (i, i * i) for i in range(5000)))
    file = io.BufferedReader(io.BytesIO(data[:-40]))  # type: ignore[arg-type]
    items = parse_rows(file, gzipped=True, max_line=1000, max_bytes=1 << 26, max_characters=1000)
    read: list[Document | InputError] = []
    with pytest.raises(InputError, match=r"^line \d+: found a damaged file .*the rows before it were read"):
        read.extend(items)
    assert len(read) > 4000
    with pytest.raises(InputError, match="line 1: found a damaged file"):
        rows(b"no gzip", gzipped=True)


@pytest.mark.parametrize("unit", [b"\n", b"x"])
def test_a_gzip_bomb_is_stopped(unit: bytes) -> None:
    data = gzip.compress(unit * (40 << 20))
    assert len(data) < 50_000
    with pytest.raises(InputError, match="found 16 MiB and no end after decompression"):
        rows(data, gzipped=True)


def test_a_file_over_the_limit_after_decompression_is_stopped() -> None:
    with pytest.raises(InputError, match="expected at most 1 MiB"):
        rows(b'{"id": "a", "text": "x"}\n' * 100_000, max_bytes=1 << 20)
