"""ZIP: members as documents of their own, within bounds; damaged, encrypted and endless archives are refused."""

import io
import zipfile

import pytest

from retrieval.documents import Document
from retrieval.errors import DocumentWarning, InputError
from retrieval.parsing import members
from retrieval.parsing.archive import parse_zip


def packed(**files: bytes | str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def parse(data: bytes, max_characters: int = 1_000_000) -> list[Document | InputError]:
    return list(parse_zip("a.zip", data, max_characters=max_characters))


def encrypted(data: bytes) -> bytes:
    """With the mark for encryption in every header."""
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = data.find(signature)
        while start >= 0:
            data = data[: start + offset] + bytes([data[start + offset] | 1]) + data[start + offset + 1 :]
            start = data.find(signature, start + 1)
    return data


def test_members_are_documents_below_the_archive() -> None:
    inner = packed(**{"c.html": "<p>inner"})
    data = packed(
        **{
            "d/a_b.md": "# Use\n\nOil it.",
            "x.csv": "a,b\n1,2",
            "in.zip": inner,
            "i.png": b"x",
            "j.png": b"x",
            ".git/z.md": "z",
        }
    )
    with pytest.warns(DocumentWarning, match=r"left out of the archive what nothing reads: 2 \.png"):
        documents = [item for item in parse(data) if isinstance(item, Document)]
    assert [(d.id, d.text, d.title) for d in documents] == [
        ("a.zip/d/a_b.md", "# Use\n\nOil it.", "Use"),
        ("a.zip/x.csv", "a: 1; b: 2", "x"),
        ("a.zip/in.zip/c.html", "inner", "c"),
    ]


def test_a_member_that_fails_is_named_and_the_others_are_read() -> None:
    items = parse(packed(**{"a.pdf": "words", "b.md": "fine", "c.md": ""}))
    assert [str(item).split(":")[0] for item in items if isinstance(item, InputError)] == ["a.pdf", "c.md"]
    assert [item.text for item in items if isinstance(item, Document)] == ["fine"]


def test_names_cannot_leave_the_archive() -> None:
    (document,) = parse(packed(**{"../../etc/x.md": "x"}))
    assert isinstance(document, Document)
    assert document.id == "a.zip/etc/x.md"


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_names_without_the_mark_for_utf8_are_told_by_their_letters(encoding: str) -> None:
    name = "国家标准检索服务平台使用说明文档.md"
    encoded = name.encode(encoding)
    data = packed(**{"a" * (len(encoded) - 3) + ".md": "x"}).replace(b"a" * (len(encoded) - 3) + b".md", encoded)
    (document,) = parse(data)
    assert isinstance(document, Document)
    assert document.id == f"a.zip/{name}"


def test_an_archive_in_an_archive_in_an_archive_is_not_read() -> None:
    data = packed(**{"a.md": "x"})
    for _ in range(3):
        data = packed(**{"in.zip": data})
    (failure,) = parse(data)
    assert "packed 3 deep" in str(failure)


def test_bombs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="a zip bomb"):
        parse(packed(**{"a.txt": bytes(130 << 20)}))
    monkeypatch.setattr(members, "_MAX_MEMBERS", 5)
    with pytest.raises(InputError, match="found more than 5 files"):
        parse(packed(**{f"{i}.md": "x" for i in range(6)}))
    monkeypatch.setattr(members, "_MAX_BYTES", 1000)
    with pytest.raises(InputError, match="zip bomb"):
        parse(packed(**{f"{i}.md": "x" * 300 for i in range(4)}))
    last = parse(packed(**{f"{i}.md": "x" * 100 for i in range(4)}), max_characters=350)[-1]
    assert "3.md: found more than 50 characters" in str(last)
    with pytest.raises(InputError, match="too much text"):
        parse(packed(**{f"{i}.txt": "x" * 100 for i in range(4)}), max_characters=350)


def test_damaged_encrypted_and_empty_archives_are_refused() -> None:
    whole = packed(**{"a.md": "words", "b.md": "more"})
    for data in (whole[:40], b"words"):
        with pytest.raises(InputError, match=r"found a broken ZIP \("):
            parse(data)
    with pytest.raises(InputError, match="found an encrypted ZIP"):
        parse(encrypted(whole))
    with pytest.raises(InputError, match=r"found no document in it \(1 \.png\)"):
        parse(packed(**{"i.png": b"x"}))
    with pytest.raises(InputError, match=r"found no document in it \(it is empty\)"):
        parse(packed())
