"""MSG: head, body and attachments of Outlook's mails; damaged files are refused."""

import struct

import pytest

from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.parsing.outlook import parse_outlook
from tests.retrieval.parsing.compound_file import Tree, compound_file

UNICODE, BINARY = 0x001F, 0x0102


def storage(header: int, **values: str | bytes) -> Tree:
    """Properties by their hexadecimal number, as streams and in the list of properties."""
    listed = b"\0" * header
    streams: Tree = {}
    for key, value in values.items():
        kind = UNICODE if isinstance(value, str) else BINARY
        data = value.encode("utf-16-le") if isinstance(value, str) else value
        listed += struct.pack("<HHIQ", kind, int(key[1:], 16), 6, len(data))
        streams[f"__substg1.0_{key[1:]}{kind:04X}"] = data
    return {"__properties_version1.0": listed, **streams}


def message(**values: str | bytes) -> Tree:
    head = {"x001A": "IPM.Note", "x0037": "Leak", "x0C1A": "Ann", "x0C1F": "ann@example.org"}
    return storage(32, **(head | values))


def parse(data: bytes) -> list[Document | InputError]:
    return list(parse_outlook("a.msg", data, max_characters=1_000_000))


def test_a_mail_gives_head_body_and_attachments() -> None:
    tree = message(x1000="It drips.\r\n")
    tree["__recip_version1.0_#00000000"] = storage(8, x3001="Bob", x39FE="bob@example.org")
    tree["__attach_version1.0_#00000000"] = storage(8, x3707="t.csv", x3701=b"a,b\n1,2\n")
    first, table = parse(compound_file(tree))
    assert isinstance(first, Document)
    assert first.title == "Leak"
    assert first.text == (
        'Leak\n\nFrom: "Ann" <ann@example.org>\nTo: Bob <bob@example.org>\nAttachments: t.csv\n\nIt drips.'
    )
    assert isinstance(table, Document)
    assert (table.id, table.text) == ("a.msg/t.csv", "a: 1; b: 2")


def test_a_body_of_rich_text_only_is_read() -> None:
    from compressed_rtf import compress

    (document,) = parse(compound_file(message(x1009=compress(rb"{\rtf1\ansi It drips.\par}"))))
    assert isinstance(document, Document)
    assert document.text.endswith("It drips.")


def test_damaged_and_encrypted_files_are_refused() -> None:
    with pytest.raises(InputError, match="found no MSG header"):
        parse(b"words")
    whole = compound_file(message(x1000="It drips."))
    for data in (whole[:600], compound_file({"WordDocument": b"x"})):
        with pytest.raises(InputError, match=r"found a broken MSG \("):
            parse(data)
    with pytest.raises(InputError, match="found an encrypted mail"):
        parse(compound_file(message(x001A="IPM.Note.SMIME")))
