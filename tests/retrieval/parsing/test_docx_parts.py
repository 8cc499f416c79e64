"""DOCX: what stands beside the plain text of paragraphs — notes, formulas, numbers, changes, other namespaces."""

import io
import zipfile
from collections.abc import Mapping

import pytest

from retrieval.documents import Document
from retrieval.parsing.docx import parse_docx

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MATH = "http://schemas.openxmlformats.org/officeDocument/2006/math"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
MAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"


def p(text: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr>{r(text)}</w:p>"


def r(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def numbered(text: str, level: int, properties: str = "") -> str:
    return p(text, f'{properties}<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="1"/></w:numPr>')


def level(index: int, text: str, form: str = "decimal") -> str:
    start = '<w:start w:val="1"/>'
    return f'<w:lvl w:ilvl="{index}">{start}<w:numFmt w:val="{form}"/><w:lvlText w:val="{text}"/></w:lvl>'


def numbering(*levels: str) -> Mapping[str, str]:
    return {
        "numbering": f'<w:abstractNum w:abstractNumId="0">{"".join(levels)}</w:abstractNum>'
        '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>'
    }


def table(*rows: str) -> str:
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in rows)}</w:tbl>"


def cell(text: str, properties: str = "") -> str:
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{p(text)}</w:tc>"


def parse(body: str, parts: Mapping[str, str] | None = None, *, strict: bool = False, title: str = "") -> Document:
    """A file out of the XML of its body and of other parts (name, as in ``footnotes``, to content)."""
    files = {"document": ("document", f"<w:body>{body}</w:body>")}
    files |= {name: (name.rstrip("123"), content) for name, content in (parts or {}).items()}
    roots = {"header": "hdr", "footer": "ftr"}
    xml = {
        f"word/{name}.xml": f'<w:{roots.get(kind, kind)} xmlns:w="{WORD}" xmlns:m="{MATH}" xmlns:r="{LINKS}">{content}'
        f"</w:{roots.get(kind, kind)}>"
        for name, (kind, content) in files.items()
    }
    links = "".join(
        f'<Relationship Id="{name}" Type="{LINKS}/{kind}" Target="{name}.xml"/>'
        for name, (kind, _) in files.items()
        if name != "document"
    )
    root = f'<Relationship Id="r1" Type="{LINKS}/officeDocument" Target="word/document.xml"/>'
    if title:
        root += f'<Relationship Id="r2" Type="{PACKAGE}/relationships/metadata/core-properties" Target="core.xml"/>'
        xml["core.xml"] = (
            f'<c:coreProperties xmlns:c="{PACKAGE}/metadata/core-properties" xmlns:d="http://purl.org/dc/elements/1.1/">'
            f"<d:title>{title}</d:title></c:coreProperties>"
        )
    xml["_rels/.rels"] = f'<Relationships xmlns="{PACKAGE}/relationships">{root}</Relationships>'
    xml["word/_rels/document.xml.rels"] = f'<Relationships xmlns="{PACKAGE}/relationships">{links}</Relationships>'
    types = '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    types += '<Default Extension="xml" ContentType="application/xml"/>'
    types += f'<Override PartName="/word/document.xml" ContentType="{MAIN}"/>'
    types += '<Override PartName="/core.xml" ContentType="application/vnd.openxmlformats-package.core-properties+xml"/>'
    xml["[Content_Types].xml"] = f'<Types xmlns="{PACKAGE}/content-types">{types}</Types>'
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in xml.items():
            if strict:
                for space in (WORD, LINKS, MATH):
                    kind = space.split("/")[3]
                    rest = space.split("/2006/")[1]
                    content = content.replace(space, f"http://purl.oclc.org/ooxml/{kind}/{rest}")
            archive.writestr(name, content)
    return parse_docx("a.docx", buffer.getvalue(), max_characters=100_000)


def test_notes_follow_their_paragraph_and_headers_and_footers_stand_once() -> None:
    body = (
        f'<w:p>{r("36 months.")}<w:r><w:footnoteReference w:id="2"/></w:r></w:p>'
        f'<w:p>{r("Returns go to the desk.")}<w:r><w:endnoteReference w:id="2"/></w:r></w:p>'
        '<w:p><w:pPr><w:sectPr><w:headerReference r:id="header1"/></w:sectPr></w:pPr></w:p>'
        '<w:sectPr><w:headerReference r:id="header2"/><w:footerReference r:id="footer1"/></w:sectPr>'
    )
    page = '<w:p><w:r><w:t>Page </w:t></w:r><w:fldSimple w:instr=" PAGE "><w:r><w:t>7</w:t></w:r></w:fldSimple></w:p>'
    parts = {
        "footnotes": f'<w:footnote w:id="2">{p("In salt water: 6 months.")}</w:footnote>',
        "endnotes": f'<w:endnote w:id="2">{p("Closed in August.")}</w:endnote>',
        "header1": p("From serial number 70500 on"),
        "header2": p("From serial number 70500 on"),
        "footer1": p("Brook Ltd") + page,
    }
    assert parse(body, parts).text == (
        "From serial number 70500 on\n\n36 months.\n\nNote: In salt water: 6 months.\n\n"
        "Returns go to the desk.\n\nNote: Closed in August.\n\nBrook Ltd"
    )


def m(text: str) -> str:
    return f"<m:r><m:t>{text}</m:t></m:r>"


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        (f"{m('P = 2.5 · ')}<m:sSup><m:e>{m('Q')}</m:e><m:sup>{m('2')}</m:sup></m:sSup>{m(' + 14')}",
         "P = 2.5 · Q^2 + 14"),
        (f"<m:sSubSup><m:e>{m('x')}</m:e><m:sub>{m('i')}</m:sub><m:sup>{m('n+1')}</m:sup></m:sSubSup>", "x_i^(n+1)"),
        (f"<m:f><m:num>{m('a+b')}</m:num><m:den>{m('2')}</m:den></m:f>", "(a+b)/2"),
        (f"<m:rad><m:radPr/><m:deg/><m:e>{m('x+1')}</m:e></m:rad>", "√(x+1)"),
        (f'<m:nary><m:naryPr><m:chr m:val="∑"/></m:naryPr><m:sub>{m("i=1")}</m:sub><m:sup>{m("n")}</m:sup>'
         f"<m:e>{m('i')}</m:e></m:nary>", "∑_(i=1)^n i"),
        (f'<m:d><m:dPr><m:begChr m:val="["/><m:endChr m:val="]"/></m:dPr><m:e>{m("a")}</m:e></m:d>', "[a]"),
        (f"<m:m><m:mr><m:e>{m('1')}</m:e><m:e>{m('2')}</m:e></m:mr><m:mr><m:e>{m('3')}</m:e><m:e>{m('4')}</m:e></m:mr></m:m>",
         "[1, 2; 3, 4]"),
        (f"<m:func><m:fName>{m('sin')}</m:fName><m:e>{m('x')}</m:e></m:func>", "sin x"),
    ],
)  # fmt: skip
def test_formulas_are_a_line_of_text(formula: str, text: str) -> None:
    body = f"<w:p>{r('It is ')}<m:oMath>{formula}</m:oMath>{r(', so.')}</w:p>"
    assert parse(body).text == f"It is {text}, so."
    assert parse(f"<w:p><m:oMathPara><m:oMath>{formula}</m:oMath></m:oMathPara></w:p>").text == text


def test_strict_open_xml_is_read() -> None:
    body = p("Weight") + f"<w:p><m:oMath>{m('12 kg')}</m:oMath></w:p>" + numbered("one", 0)
    assert parse(body, numbering(level(0, "%1.")), strict=True).text == "Weight\n\n12 kg\n\n1. one"


def test_automatic_numbers_stand_before_their_paragraphs() -> None:
    body = (
        numbered("Delivery", 0)
        + numbered("Within ten days.", 1)
        + numbered("In parts.", 1)
        + numbered("Liability", 0)
        + numbered("Two years.", 1)
        + numbered("first", 2)
        + numbered("second", 2)
        + numbered("bullet", 3)
    )
    parts = numbering(level(0, "%1."), level(1, "%1.%2"), level(2, "(%3)", "lowerLetter"), level(3, "*", "bullet"))
    assert parse(body, parts).text.split("\n") == [
        "1. Delivery",
        "  1.1 Within ten days.",
        "  1.2 In parts.",
        "2. Liability",
        "  2.1 Two years.",
        "    (a) first",
        "    (b) second",
        "      - bullet",
    ]


def test_headings_carry_the_number_of_their_style() -> None:
    number = '<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr>'
    styles = (
        f'<w:style w:styleId="H"><w:name w:val="heading 1"/>{number}</w:style>'
        '<w:style w:styleId="Mine"><w:name w:val="Mine"/><w:basedOn w:val="H"/></w:style>'
    )
    style = '<w:pStyle w:val="{}"/>'
    parts = {"styles": styles, **numbering(level(0, "%1", "upperRoman"))}
    document = parse(p("Delivery", style.format("H")) + p("Liability", style.format("Mine")), parts)
    assert [(h.level, h.text) for h in document.headings] == [(1, "I Delivery"), (1, "II Liability")]


def test_changes_are_accepted() -> None:
    deleted = "<w:rPr><w:del/></w:rPr>"
    body = (
        f'<w:p>{r("Keep")}<w:del><w:r><w:delText> gone</w:delText></w:r></w:del><w:ins>{r(" new")}</w:ins></w:p>'
        f'<w:moveFrom>{p("old place")}</w:moveFrom><w:p><w:moveFrom>{r("old")}</w:moveFrom></w:p>'
        f'<w:p><w:moveTo>{r("new place")}</w:moveTo></w:p>' + p("Two are ", deleted) + p("one.")
        + table(cell("a") + cell("b"), "<w:trPr><w:del/></w:trPr>" + cell("x") + cell("y"))
    )  # fmt: skip
    assert parse(body).text == "Keep new\n\nnew place\n\nTwo are one.\n\na | b"


def test_raised_text_changes_no_number() -> None:
    up, down = '<w:vertAlign w:val="superscript"/>', '<w:vertAlign w:val="subscript"/>'
    body = f"<w:p>{r('stops 10')}{r('1', up)}{r('0', up)}{r(' germs of H')}{r('2', down)}{r('O')}</w:p>"
    assert parse(body).text == "stops 10^10 germs of H2O"


def test_cells_that_were_merged_stand_in_every_row_and_column() -> None:
    go_on = "<w:vMerge/>"
    body = table(
        cell("Region") + cell("Plan") + cell("Setup") + cell("Yearly"),
        cell("North", '<w:vMerge w:val="restart"/>') + cell("Plus") + cell("40 EUR") + cell("150 EUR"),
        cell("", go_on) + cell("Full") + cell("400 EUR in all", '<w:gridSpan w:val="2"/>'),
    )
    assert parse(body).text == (
        "Region: North; Plan: Plus; Setup: 40 EUR; Yearly: 150 EUR\n"
        "Region: North; Plan: Full; Setup: 400 EUR in all; Yearly: 400 EUR in all"
    )


def test_a_row_of_names_is_known_by_its_mark_or_by_being_bold() -> None:
    rows = cell("Term") + cell("Meaning"), cell("NPSH") + cell("suction head")
    assert parse(table(*rows)).text == "Term | Meaning\nNPSH | suction head"
    named = "Term: NPSH; Meaning: suction head"
    assert parse(table("<w:trPr><w:tblHeader/></w:trPr>" + rows[0], rows[1])).text == named
    assert parse(table(rows[0].replace("<w:rPr>", "<w:rPr><w:b/>"), rows[1])).text == named


def test_a_table_that_frames_content_is_read_as_content() -> None:
    frame = table("<w:tc>" + p("Careful.") + p("Hot.") + "</w:tc>")
    assert parse(frame).text == "Careful.\n\nHot."


def test_the_table_of_contents_is_not_read_twice() -> None:
    styles = '<w:style w:styleId="T"><w:name w:val="toc 1"/></w:style>'
    assert parse(p("Use\t3", '<w:pStyle w:val="T"/>') + p("Use"), {"styles": styles}).text == "Use"


@pytest.mark.parametrize("title", ["", "Word Document", "PowerPoint Presentation", "Normal.dotm", "Dokument1"])
def test_a_title_that_a_program_made_up_is_none(title: str) -> None:
    assert parse(p("text"), title=title).title == ""
    assert parse(p("text"), title="Pump manual").title == "Pump manual"


def test_signs_of_the_symbol_font_are_kept() -> None:
    plus_minus, ohm = '<w:sym w:font="Symbol" w:char="F0B1"/>', '<w:sym w:char="03A9"/>'
    body = f"<w:p>{r('20 ')}<w:r>{plus_minus}</w:r>{r(' 2 ')}<w:r>{ohm}</w:r></w:p>"
    assert parse(body).text == "20 ± 2 Ω"


def test_formulas_beside_each_other_stay_apart() -> None:
    assert parse(f"<w:p><m:oMath>{m('a=b')}</m:oMath><m:oMath>{m('c=d')}</m:oMath></w:p>").text == "a=b c=d"
