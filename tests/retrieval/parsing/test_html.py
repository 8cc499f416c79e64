"""HTML becomes what a reader sees."""

import pytest

from retrieval.documents import Heading
from retrieval.parsing.html import parse_html


def parse(source: str) -> str:
    return parse_html("a.html", source.encode(), max_characters=1_000_000).text


def test_navigation_script_style_and_footer_are_dropped() -> None:
    text = parse(
        "<title>T</title><style>a{}</style><nav>menu</nav><header><h1>Top</h1></header><main>body</main>"
        "<script>x()</script><footer>imprint</footer><p hidden>secret</p><noscript>no</noscript><!-- note -->"
    )
    assert text == "Top\n\nbody"


def test_headings_have_offsets_and_the_title_is_kept() -> None:
    document = parse_html(
        "a.html",
        b"<html><head><title> The \n manual </title></head><h1>Top</h1><p>a</p><h3>Deep <b>one</b></h3>x",
        max_characters=100,
    )
    assert document.title == "The manual"
    assert document.headings == (Heading(1, "Top", 0), Heading(3, "Deep one", 8))
    assert document.text == "Top\n\na\n\nDeep one\n\nx"


def test_without_a_title_the_first_top_heading_is_it() -> None:
    assert parse_html("a.html", b"<h2>b</h2><h1>A</h1>", max_characters=100).title == "A"


def test_inline_text_lists_and_line_breaks() -> None:
    text = parse("<p>Some\n  <b>bold</b>\ntext<br>next</p><ul><li>a<li>b<ul><li>c</ul><li><p>d</p><p>e</p></ul>")
    assert text == "Some bold text\nnext\n\n- a\n- b\n  - c\n- d\n  e"


def test_tables_are_lines() -> None:
    text = parse("<table><tr><th>Part<th>Price<tr><td>Pump<td><p>42</p> EUR<tr><td></table>after")
    assert text == "Part | Price\nPump | 42 EUR\n\nafter"


def test_preformatted_text_keeps_its_lines() -> None:
    assert parse("<pre>if x:\n    y</pre>") == "if x:\n    y"


def test_the_declared_encoding_is_used() -> None:
    source = '<meta charset="windows-1251"><p>Давление</p>'.encode("cp1251")
    assert parse_html("a.html", source, max_characters=100).text == "Давление"


def test_deep_nesting_neither_recurses_nor_hangs() -> None:
    assert parse("<div>" * 5_000 + "deep" + "<b>" * 2_000 + "er") == "deeper"


@pytest.mark.parametrize(
    "declaration",
    [
        "<html><head><script>" + "x = 1;" * 5000 + '</script><meta charset="windows-1251"></head>',
        '<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">',
        '<?xml version="1.0" encoding="windows-1251"?><html>',
    ],
)
def test_a_declared_encoding_is_found_wherever_it_stands(declaration: str) -> None:
    page = f"{declaration}<p>Рис</p>".encode("cp1251")
    assert parse_html("a.html", page, max_characters=1000).text == "Рис"
