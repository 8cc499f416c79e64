"""XML: documents, data, feeds and pages; bombs and damaged files are refused."""

import pytest

from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.parsing.xml import parse_xml
from tests.retrieval.parsing.entity_bomb import entity_bomb


def parse(source: str) -> Document:
    return parse_xml("a.xml", source.encode(), max_characters=1_000_000)


def test_a_document_gives_headings_paragraphs_code_and_tables() -> None:
    document = parse(
        '<!DOCTYPE book [<!ENTITY p "Pump X9">]><book><title>Manual</title><chapter><title>Use</title>'
        "<para>Oil the <b>&p;</b> daily.</para><programlisting>x = 1\ny = 2</programlisting>"
        "<table><thead><row><entry>Part</entry><entry>Price</entry></row></thead><tbody><row><entry>Pump</entry>"
        "<entry>cheap</entry></row></tbody></table></chapter></book>"
    )
    assert document.title == "Manual"
    assert document.text == (
        "Manual\n\nUse\n\nOil the Pump X9 daily.\n\n```\nx = 1\ny = 2\n```\n\nPart: Pump; Price: cheap"
    )
    assert [(h.level, h.text) for h in document.headings] == [(1, "Manual"), (2, "Use")]


def test_data_gives_rows() -> None:
    source = (
        "<parts><part><name>Pump</name><price>42</price></part><part><name>Valve</name><price>7</price></part></parts>"
    )
    assert parse(source).text == "name: Pump; price: 42\nname: Valve; price: 7"


def test_a_feed_gives_its_entries_without_tags() -> None:
    document = parse(
        "<rss><channel><title>News</title><item><title>Leak</title><description>&lt;p&gt;It &lt;b&gt;drips&lt;/b&gt;."
        "&lt;/p&gt;</description></item></channel></rss>"
    )
    assert document.text == "News\n\nLeak\n\nIt drips."


def test_a_page_is_read_as_one() -> None:
    page = (
        '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>T</title></head>'
        "<body><h1>Use</h1><p>Oil it.</p></body></html>"
    )
    assert parse(page).text == "Use\n\nOil it."
    assert parse("<!DOCTYPE html><html><body><p>Oil&nbsp;it.<br></body></html>").text == "Oil it."


def test_damaged_files_and_bombs_are_refused() -> None:
    for data in (
        b"words",
        b"<a><b></a>",
        entity_bomb(),
        b"<a>" * 5000,
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "/etc/passwd">]><a>&x;',
    ):
        with pytest.raises(InputError, match=r"found a broken XML \(") as caught:
            parse_xml("a.xml", data, max_characters=1_000_000)
        assert "\n" not in str(caught.value)


def test_nothing_outside_is_read(tmp_path: object) -> None:
    secret = f"{tmp_path}/secret"
    with open(secret, "w") as file:
        file.write("secret")
    assert "secret" not in parse(f'<!DOCTYPE a [<!ENTITY x SYSTEM "{secret}">]><a><b>x &x;</b><c>y</c></a>').text
