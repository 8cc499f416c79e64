"""EPUB: chapters in reading order; encrypted and damaged books are refused."""

import io
import zipfile

import pytest

from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.parsing.epub import parse_epub

CONTAINER = '<container><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
PACKAGE = """<package xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata><dc:title>The Pump</dc:title>
<dc:creator>A. Smith</dc:creator><dc:language>en</dc:language></metadata><manifest>
<item id="n" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="b" href="b%20b.xhtml" media-type="application/xhtml+xml"/>
<item id="a" href="a.xhtml" media-type="application/xhtml+xml"/>
<item id="i" href="i.png" media-type="image/png"/></manifest>
<spine><itemref idref="n"/><itemref idref="a"/><itemref idref="b"/><itemref idref="missing"/></spine></package>"""


def book(**parts: str) -> bytes:
    buffer = io.BytesIO()
    whole = {
        "META-INF/container.xml": CONTAINER,
        "OEBPS/book.opf": PACKAGE,
        "OEBPS/nav.xhtml": "<p>contents</p>",
        "OEBPS/a.xhtml": "<h1>First</h1><p>Oil it.</p>",
        "OEBPS/b b.xhtml": "<h1>Second</h1><h2>Inner</h2><p>Drain it.</p>",
    } | parts
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in whole.items():
            if text:
                archive.writestr(name, text)
    return buffer.getvalue()


def parse(data: bytes, max_characters: int = 1_000_000) -> Document:
    return parse_epub("a.epub", data, max_characters=max_characters)


def test_chapters_stand_in_reading_order() -> None:
    document = parse(book())
    assert document.text == "First\n\nOil it.\n\nSecond\n\nInner\n\nDrain it."
    assert document.title == "The Pump"
    assert document.metadata == {"author": "A. Smith", "language": "en"}
    assert [(h.level, h.text) for h in document.headings] == [(1, "First"), (1, "Second"), (2, "Inner")]
    assert all(document.text.startswith(h.text, h.start) for h in document.headings)


def test_scrambled_fonts_are_no_encryption_but_scrambled_pages_are() -> None:
    encryption = '<encryption><EncryptedData><EncryptionMethod Algorithm="{}"/></EncryptedData></encryption>'
    fonts = encryption.format("http://www.idpf.org/2008/embedding")
    assert parse(book(**{"META-INF/encryption.xml": fonts})).title == "The Pump"
    pages = encryption.format("http://www.w3.org/2001/04/xmlenc#aes128-cbc")
    with pytest.raises(InputError, match=r"found an encrypted EPUB \(DRM\)"):
        parse(book(**{"META-INF/encryption.xml": pages}))


def test_damaged_books_are_refused() -> None:
    whole = book()
    for data in (whole[:200], b"words", book(**{"META-INF/container.xml": ""}), book(**{"OEBPS/book.opf": ""})):
        with pytest.raises(InputError, match=r"found a broken EPUB \("):
            parse(data)


def test_too_much_text_is_refused() -> None:
    with pytest.raises(InputError, match="found more than 20 characters"):
        parse(book(), max_characters=20)
