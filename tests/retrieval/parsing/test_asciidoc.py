"""AsciiDoc: sections, lists, tables, blocks and inline markup."""

from retrieval.documents import Document
from retrieval.parsing.asciidoc import parse_asciidoc


def parse(source: str) -> Document:
    return parse_asciidoc("a.adoc", source.encode(), max_characters=1_000_000)


def test_sections_lists_and_blocks() -> None:
    document = parse(
        "= Pump Manual\nAnn Smith <ann@x.org>\nv1.0, 2026-01-01\n:part: Valve A\n:url: https://x.org\n\n"
        "// hidden\ninclude::other.adoc[]\n\n[[use]]\n== Use\n\nOil *it* with `SAE` {part},\nsee <<care,below>> and "
        "{url}[the site] or link:a.html[that page^].\n\n* one\n** inner\n. first\n\n"
        "[source,python]\n----\nx = 1 # <1>\n----\n\nNOTE: Wear gloves.\n\n[WARNING]\n====\nHot!\n====\n\n"
        "Valve:: Closes.\n\n////\ngone\n////\n=== Care\nAfter footnote:[With oil.].\n"
    )
    assert document.title == "Pump Manual"
    assert document.text == (
        "Pump Manual\n\nUse\n\nOil it with SAE Valve A, see below and the site or that page.\n\n"
        "- one\n  - inner\n1. first\n\n"
        "```python\nx = 1\n```\n\nNote: Wear gloves.\n\nWarning: Hot!\n\nValve: Closes.\n\nCare\n\nAfter  (With oil.)."
    )
    assert [(h.level, h.text) for h in document.headings] == [(1, "Pump Manual"), (2, "Use"), (3, "Care")]
    assert all(document.text.startswith(h.text, h.start) for h in document.headings)


def test_tables_carry_their_names() -> None:
    document = parse(
        '.Prices\n[cols="1,1"]\n|===\n|Part |Price\n\n|Pump\n|42\n\n|Valve | 7\n|===\n\n'
        "[%header,format=csv]\n,===\nTown,Code\nBonn,53111\n,===\n"
    )
    assert document.text == "Prices\n\nPart: Pump; Price: 42\nPart: Valve; Price: 7\n\nTown: Bonn; Code: 53111"


def test_cells_that_span() -> None:
    document = parse('[cols="3*",options="header"]\n|===\n|A |B |C\n.2+|x 2+|y\n|1 |2\n|===\n')
    assert document.text == "A: x; B: y; C: y\nA: x; B: 1; C: 2"


def test_what_never_ends_is_read_to_the_end() -> None:
    assert parse("----\nx = 1\n").text == "```\nx = 1\n```"
    assert parse("|===\n|a |b\n").text == "a | b"


def test_long_lines_of_marks_take_no_time() -> None:
    assert parse("*" * 50_000 + "a " + "`_#" * 20_000).text
    assert parse("pass:[" * 15_000).text
    assert parse("|===\n" * 1_001).text == ""


def test_code_ends_at_its_own_mark_and_not_at_a_blank_line() -> None:
    document = parse(
        "Java::\n+\n[source,java,role=primary]\n----\nint a;\n\nint b;\n----\n\n```c\nx;\n\ny;\n```\nAfter.\n"
    )
    assert document.text == "Java:\n\n```java\nint a;\n\nint b;\n```\n\n```c\nx;\n\ny;\n```\n\nAfter."


def test_pointers_show_what_they_lead_to() -> None:
    document = parse(
        "= Guide\n\nSee <<use>>, <<_more_care>>, <<gone>>, xref:other/big-page.adoc#a[], xref:#use[] and "
        "link:a/b.zip[] in <<part>>.\n\n[[part]]\n.Parts of it\nimage::p.png[]\n"
        "\n[[use]]\n[NOTE]\n== Use it\n\n[#x]\n== More care\nEnd.\n"
    )
    assert "See Use it, More care, gone, big page, Use it and a/b.zip in Parts of it." in document.text


def test_macros_of_extensions_leave_their_label() -> None:
    document = parse(
        "The javadoc:org.x.Filter$Chain[], a javadoc:org.x.Filter[Filter of `x`], issue:12[], a[0] and map:of[1].\n\n"
        "include-code::./Sample[tag=a]\n"
    )
    assert document.text == "The Filter$Chain, a Filter of x, 12, a[0] and map:of[1]."


def test_only_an_author_is_passed_over_below_the_title() -> None:
    assert (
        parse("= Pump\nThere are pumps that leak.\nThey drip.\n").text
        == "Pump\n\nThere are pumps that leak. They drip."
    )
    assert parse("= Pump\nAnn B. Smith <a@x.org>; Bob Lee\n2026-01-01\n\nText.\n").text == "Pump\n\nText."


def test_what_explains_numbered_lines_of_code_is_a_list() -> None:
    document = parse("----\na = 1 // <1>\nb = 2 // <2>\n----\n<1> Sets a.\n<2> Sets b,\nand no more.\n")
    assert document.text == "```\na = 1\nb = 2\n```\n\n1. Sets a.\n2. Sets b, and no more."
