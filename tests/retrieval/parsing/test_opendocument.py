"""OpenDocument: headings, lists, tables, footnotes and slides; encrypted and damaged files are refused."""

import io
import zipfile

import pytest

from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.parsing.opendocument import parse_opendocument
from tests.retrieval.parsing.entity_bomb import entity_bomb

NAMES = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in [
        ("office", "office"), ("text", "text"), ("table", "table"), ("style", "style"), ("draw", "drawing"),
        ("presentation", "presentation"),
    ]
)  # fmt: skip
META = '<x xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Pump manual</dc:title></x>'


def content(body: str, styles: str = "") -> str:
    return f"<office:document-content {NAMES}>{styles}<office:body>{body}</office:body></office:document-content>"


def package(body: str, styles: str = "", **further: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("content.xml", content(body, styles))
        for name, text in further.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def parse(data: bytes, max_characters: int = 1_000_000) -> Document:
    return parse_opendocument("a.odt", data, max_characters=max_characters)


def test_a_text_gives_headings_lists_tables_and_footnotes() -> None:
    body = (
        "<office:text><text:tracked-changes><text:p>gone</text:p></text:tracked-changes>"
        '<text:h text:outline-level="1">Use</text:h>'
        '<text:p>Oil<text:s text:c="2"/>it<text:note><text:note-citation>1</text:note-citation><text:note-body>'
        "<text:p>With SAE 30.</text:p></text:note-body></text:note> daily.</text:p>"
        "<text:list><text:list-item><text:p>one</text:p><text:list><text:list-item><text:p>inner</text:p>"
        "</text:list-item></text:list></text:list-item></text:list>"
        "<table:table><table:table-header-rows><table:table-row><table:table-cell><text:p>Part</text:p>"
        "</table:table-cell><table:table-cell><text:p>Price</text:p></table:table-cell></table:table-row>"
        "</table:table-header-rows><table:table-row><table:table-cell><text:p>Pump</text:p></table:table-cell>"
        "<table:table-cell><text:p>cheap</text:p></table:table-cell></table:table-row></table:table></office:text>"
    )
    document = parse(package(body, **{"meta.xml": META}))
    assert document.title == "Pump manual"
    assert document.text == ("Use\n\nOil  it [With SAE 30.] daily.\n\n- one\n  - inner\n\nPart: Pump; Price: cheap")
    assert [(h.level, h.text, h.start) for h in document.headings] == [(1, "Use", 0)]


def test_a_style_made_from_title_names_the_document() -> None:
    styles = '<style:style style:name="P1" style:parent-style-name="Title"/>'
    assert parse(package('<text:p text:style-name="P1">Guide</text:p><text:p>x</text:p>', styles)).title == "Guide"


def test_slides_give_titles_and_notes_and_empty_ones_nothing() -> None:
    body = (
        "<office:presentation><draw:page><draw:frame><draw:text-box><text:p>Body</text:p></draw:text-box></draw:frame>"
        '<draw:frame presentation:class="title"><draw:text-box><text:p>Start</text:p></draw:text-box></draw:frame>'
        "<presentation:notes><draw:text-box><text:p>Say hello</text:p></draw:text-box></presentation:notes></draw:page>"
        "<draw:page/></office:presentation>"
    )
    document = parse(package(body))
    assert (document.title, document.text) == ("Start", "Start\n\nBody\n\nNotes: Say hello")


def test_a_flat_file_is_read() -> None:
    assert parse(content("<office:text><text:p>flat</text:p></office:text>").encode()).text == "flat"


def test_repeated_cells_are_bounded() -> None:
    row = (
        '<table:table-row><table:table-cell table:number-columns-repeated="16384"><text:p>x</text:p></table:table-cell>'
    )
    assert len(parse(package(f"<table:table>{row}</table:table-row></table:table>")).text) < 2000


def test_damaged_and_encrypted_files_are_refused() -> None:
    whole = package("<office:text/>")
    deep = content("<text:section>" * 300 + "</text:section>" * 300)
    for data in (whole[: len(whole) // 2], b"words", b"<office:broken", entity_bomb(), deep.encode()):
        with pytest.raises(InputError, match=r"found a broken OpenDocument \(") as caught:
            parse(data)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="found an encrypted OpenDocument"):
        parse(package("", **{"META-INF/manifest.xml": "<m><encryption-data/></m>"}))
