"""DOCX: headings, lists and tables in order; what cannot be read is refused with a reason."""

import io
import zipfile
from typing import Any

import docx
import pytest
from docx.oxml import parse_xml

from retrieval.errors import InputError
from retrieval.parsing.docx import parse_docx

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def saved(document: Any) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def parse(data: bytes, max_characters: int = 1_000_000) -> Any:
    return parse_docx("a.docx", data, max_characters=max_characters)


def test_everything_stands_in_the_order_of_the_document() -> None:
    source = docx.Document()
    source.add_heading("Pump manual", 0)
    source.add_paragraph("Intro.")
    source.add_heading("Use", 1)
    source.add_paragraph("one", style="List Bullet")
    source.add_paragraph("two", style="List Number")
    table = source.add_table(2, 2)
    for cell, text in zip(table._cells, ["Part", "Price", "Pump", "42"], strict=True):
        cell.text = text
    source.add_heading("Care", 2)
    source.add_paragraph("After.")
    document = parse(saved(source))
    assert document.text == ("Pump manual\n\nIntro.\n\nUse\n\n- one\n1. two\n\nPart: Pump; Price: 42\n\nCare\n\nAfter.")
    assert [(h.level, h.text) for h in document.headings] == [(1, "Pump manual"), (1, "Use"), (2, "Care")]
    assert all(document.text.startswith(h.text, h.start) for h in document.headings)
    assert document.title == "Pump manual"


def test_the_title_of_the_properties_wins() -> None:
    source = docx.Document()
    source.core_properties.title = "Of the properties"
    source.add_paragraph("text")
    assert parse(saved(source)).title == "Of the properties"


def test_inserted_text_and_content_controls_are_read_and_deleted_text_is_not() -> None:
    source = docx.Document()
    paragraph = source.add_paragraph("kept ")
    paragraph._p.append(parse_xml(f"<w:ins {W}><w:r><w:t>inserted</w:t></w:r></w:ins>"))
    paragraph._p.append(parse_xml(f"<w:del {W}><w:r><w:delText>gone</w:delText></w:r></w:del>"))
    control = f"<w:sdt {W}><w:sdtContent><w:p><w:r><w:t>in a control</w:t></w:r></w:p></w:sdtContent></w:sdt>"
    source.element.body.insert(0, parse_xml(control))
    assert parse(saved(source)).text == "in a control\n\nkept inserted"


def test_broken_files_are_refused() -> None:
    whole = saved(docx.Document())
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("readme.txt", "no document")
    for data in (whole[: len(whole) // 2], b"words", other.getvalue()):
        with pytest.raises(InputError, match=r"found a broken DOCX \("):
            parse(data)


def test_old_and_encrypted_files_are_refused() -> None:
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    with pytest.raises(InputError, match="found an old binary Office file"):
        parse(ole + bytes(100))
    with pytest.raises(InputError, match="found an encrypted DOCX file"):
        parse(ole + "EncryptedPackage".encode("utf-16-le"))


@pytest.mark.parametrize(("parts", "size"), [(1, 130 << 20), (10_001, 1)])
def test_a_zip_bomb_is_refused_unopened(parts: int, size: int) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(parts):
            with archive.open(f"{number}.xml", "w") as part:
                for _ in range(max(1, size >> 20)):
                    part.write(bytes(min(size, 1 << 20)))
    with pytest.raises(InputError, match="a zip bomb"):
        parse(buffer.getvalue())


def test_too_much_text_is_refused() -> None:
    source = docx.Document()
    source.add_paragraph("word " * 100)
    with pytest.raises(InputError, match="found more than 100 characters"):
        parse(saved(source), max_characters=100)


@pytest.mark.parametrize(
    "kind", ["openxmlformats-officedocument.wordprocessingml.template", "ms-word.document.macroEnabled"]
)
def test_a_template_and_a_document_with_macros_are_read_whatever_their_suffix(kind: str) -> None:
    source = docx.Document()
    source.add_paragraph("text")
    data = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved(source))) as old, zipfile.ZipFile(data, "w") as new:
        for name in old.namelist():
            ordinary = b"openxmlformats-officedocument.wordprocessingml.document"
            new.writestr(name, old.read(name).replace(ordinary + b".main", kind.encode() + b".main"))
    assert parse(data.getvalue()).text == "text"
