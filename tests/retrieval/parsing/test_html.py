"""HTML becomes what a reader sees."""

import pytest

from retrieval.documents import Heading
from retrieval.errors import InputError
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


def test_rows_carry_the_names_of_their_columns() -> None:
    text = parse("<table><tr><th>Part<th>Price<tr><td>Pump<td><p>42</p> EUR<tr><td></table>after")
    assert text == "Part: Pump; Price: 42 EUR\n\nafter"


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


def test_a_question_in_a_button_is_read_and_other_buttons_are_not() -> None:
    text = parse(
        '<h3><button aria-expanded="false" aria-controls="a1">May it run dry?</button></h3><div id="a1">No.</div>'
        '<button aria-expanded="false" aria-controls="a2">Care and oil</button><div id="a2" hidden>Every year.</div>'
        "<details><summary><span><button>Weight</button></span></summary>12 kg</details>"
        "<p>pip install x<button>Copy</button></p><button>How much?</button>"
        '<button aria-expanded="false" aria-haspopup="true">All our products</button>'
    )
    assert (
        text == "May it run dry?\n\nNo.\n\nCare and oil\n\nEvery year.\n\nWeight\n\n12 kg\n\npip install x\n\nHow much?"
    )


def test_what_a_search_or_a_tab_reveals_is_read() -> None:
    source = '<div hidden="until-found">a</div><div role="tabpanel" hidden>b</div><div hidden>no</div>'
    assert parse(source) == "a\n\nb"


def test_spanning_cells_stand_in_every_row_and_column_that_they_span() -> None:
    text = parse(
        "<table><caption>Fees</caption><tr><th>Region<th>Plan<th>Setup<th>Yearly"
        '<tr><td rowspan="3">North<td>Basic<td rowspan="2">40 EUR<td>90 EUR<tr><td>Plus<td>150 EUR'
        '<tr><td>Full<td colspan="2">400 EUR in all<tr><td colspan="4">Abroad<tr><td>South<td>Basic<td><td>70 EUR'
    )
    assert text.split("\n") == [
        "Fees",
        "",
        "Region: North; Plan: Basic; Setup: 40 EUR; Yearly: 90 EUR",
        "Region: North; Plan: Plus; Setup: 40 EUR; Yearly: 150 EUR",
        "Region: North; Plan: Full; Setup: 400 EUR in all; Yearly: 400 EUR in all",
        "Abroad",
        "Region: South; Plan: Basic; Yearly: 70 EUR",
    ]


def test_several_rows_of_names_become_one() -> None:
    text = parse(
        '<table><thead><tr><td rowspan="2">Pump<td colspan="2">Pressure<tr><td>in<td>out</thead>'
        "<tr><td>P1<td>2<td>9</table>"
    )
    assert text == "Pump: P1; Pressure in: 2; Pressure out: 9"


def test_a_table_that_places_content_is_no_table() -> None:
    assert parse("<table><tr><td><h1>Top</h1><table><tr><th>a<th>b<tr><td>1<td>2</table><td>side</table>") == (
        "Top\n\na: 1; b: 2\n\nside"
    )


def test_pairs_of_names_and_values_have_no_row_of_names() -> None:
    assert parse("<table><tr><td>Colour<td>red<tr><td>Material<td>steel</table>") == "Colour | red\nMaterial | steel"
    assert parse("<table><tr><td>Weight<td>12 kg<tr><td>Depth<td>3 m</table>") == "Weight | 12 kg\nDepth | 3 m"
    assert parse("<table><tr><td>Part<td>Price<tr><td>Pump<td>42</table>") == "Part: Pump; Price: 42"


def test_raised_and_lowered_text_changes_no_number() -> None:
    text = parse(
        "<p>10<sup>6</sup> and 10<sup>-3</sup>, 2<sup><b>10</b></sup>, 49 EUR.<sup>1</sup> x<sup>n+1</sup>"
        " 1<sup>st</sup> m<sup>2</sup> H<sub>2</sub>O x<sub>max</sub> log<sub>2</sub>"
    )
    assert text == "10^6 and 10^-3, 2^10, 49 EUR.^1 x^(n+1) 1st m^2 H2O x_max log_2"


def test_formulas_are_read_once() -> None:
    tex = '<math><semantics><mi>x</mi><annotation encoding="application/x-tex">x^2</annotation></semantics></math>'
    assert parse(f'<p>a {tex}<span class="katex-html">x2</span></p>') == "a x^2"
    power = "<msup><mn>10</mn> <mn>6</mn></msup>"
    assert parse(f"<p><math>{power}<mo>=</mo><mfrac><mi>a</mi><mi>b</mi></mfrac></math>") == "10^6=a/b"


def test_numbered_lists_keep_their_numbers() -> None:
    text = parse('<ol start="3"><li>c<li>d<ol type="a"><li>x<li value="4">y</ol><li>e</ol><ul><li>z</ul>')
    assert text == "3. c\n4. d\n  a. x\n  d. y\n5. e\n- z"


def test_deleted_text_and_marks_of_anchors_are_dropped() -> None:
    assert parse('<h2>Use<a class="headerlink" href="#use">¶</a></h2><p><s>49</s> 39 EUR') == "Use\n\n39 EUR"


def test_elements_that_nothing_closes_are_refused_before_they_take_minutes() -> None:
    with pytest.raises(InputError, match="found 50000 elements that nothing closes"):
        parse("<ul><li>" * 50_000)


def test_a_cell_that_claims_to_span_everything_stays_bounded() -> None:
    text = parse(f'<table><tr><td rowspan="99999" colspan="99999">{"long " * 50}<td>b{"<tr><td>c" * 50}</table>')
    assert len(text) < 10_000


def test_a_table_inside_a_cell_of_data_stays_in_its_row() -> None:
    text = parse(
        "<table><tr><th>Name</th><th>What</th></tr><tr><td>kind</td><td>One of:<table><tr><td>a</td><td>first</td></tr>"
        "<tr><td>b</td><td>second</td></tr></table></td></tr><tr><td>size</td><td>How big.</td></tr></table>"
    )
    assert text == "Name: kind; What: One of: a first; b second\nName: size; What: How big."


def test_links_that_show_only_a_sign_are_dropped() -> None:
    text = parse('<h2>Tasks <a href="#top">&#x1f51d;</a></h2><p>Oil <a href="#n1">1</a> <a href="#n">*</a>.</p>')
    assert text == "Tasks\n\nOil 1 *."
