"""PDF: text, bookmarks, running lines; what cannot be read is refused with a reason."""

import random
from collections.abc import Sequence
from typing import Any

import pytest
from fpdf import FPDF

from retrieval.errors import DocumentWarning, InputError
from retrieval.parsing.pdf import parse_pdf

HELVETICA = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"


class Manual(FPDF):
    """Pages with a running head and foot, as word processors make them."""

    def header(self) -> None:
        self.cell(0, 10, "Acme Pump Manual", new_x="LMARGIN", new_y="NEXT")

    def footer(self) -> None:
        self.set_y(-15)
        self.cell(0, 10, f"Page {self.page_no()}")


def pages(pdf: FPDF, *texts: str) -> bytes:
    pdf.set_font("helvetica", size=12)
    for text in texts:
        pdf.add_page()
        pdf.multi_cell(0, 8, text)
    return bytes(pdf.output())


def parse(data: bytes, max_characters: int = 1_000_000) -> Any:
    return parse_pdf("a.pdf", data, max_characters=max_characters)


def test_text_title_and_pages() -> None:
    pdf = FPDF()
    pdf.set_title("Pump manual")
    document = parse(pages(pdf, "Pressure is 42 bar.", "Second page."))
    assert document.text == "Pressure is 42 bar.\n\nSecond page."
    assert (document.title, document.metadata) == ("Pump manual", {"pages": 2})


@pytest.mark.parametrize("title", ["untitled", "Microsoft Word - draft7.doc", "scan0001.pdf", ""])
def test_a_title_that_means_nothing_is_dropped(title: str) -> None:
    pdf = FPDF()
    pdf.set_title(title)
    assert parse(pages(pdf, "text")).title == ""


def test_running_lines_stand_once_and_page_numbers_nowhere() -> None:
    assert parse(pages(Manual(), *[f"Body {word}." for word in ("one", "two", "three", "four")])).text == (
        "Acme Pump Manual\nBody one.\n\nBody two.\n\nBody three.\n\nBody four."
    )
    assert "Acme Pump Manual" in parse(pages(Manual(), "Only page.")).text


def test_lines_that_differ_in_digits_are_content() -> None:
    sheets = [f"Pump P-{n}\nFor clean water.\nService fee: {n * 2} EUR" for n in (110, 220, 330, 440, 550)]
    assert parse(pages(FPDF(), *sheets)).text == "\n\n".join(sheets)
    cards = [f"Locker {n}: key {n * 7}" for n in (11, 12, 13, 14)]
    assert parse(pages(FPDF(), *cards)).text == "\n\n".join(cards)
    rooms = [f"Room {n}\n{word} is kept here." for n, word in enumerate(("Salt", "Rope", "Tar", "Flour"), start=1)]
    assert parse(pages(FPDF(), *rooms)).text == "\n\n".join(rooms)


def test_a_page_keeps_its_only_line() -> None:
    assert parse(pages(FPDF(), *["Closed on Mondays."] * 5)).text.count("Closed") == 5


def test_several_running_lines_and_a_counted_one_stand_once() -> None:
    head = "Acme Ltd\nOperating manual for pumps {}\n{} body.\nConfidential\n{}"
    texts = [head.format(n, word, n) for n, word in enumerate(("First", "Second", "Third", "Fourth", "Fifth"), start=1)]
    assert parse(pages(FPDF(), *texts)).text == (
        "Acme Ltd\nOperating manual for pumps 1\nFirst body.\nConfidential\n\n"
        "Second body.\n\nThird body.\n\nFourth body.\n\nFifth body."
    )


def test_bookmarks_become_headings_where_their_words_stand() -> None:
    pdf = FPDF()
    pdf.set_font("helvetica", size=12)
    pdf.add_page()
    for level, name in [(0, "Safety"), (1, "Gloves")]:
        pdf.start_section(name, level)
        pdf.cell(0, 10, f"{level + 1}. {name}" if level else name, new_x="LMARGIN", new_y="NEXT")
        pdf.cell(0, 10, f"About {name}.", new_x="LMARGIN", new_y="NEXT")
    document = parse(bytes(pdf.output()))
    assert [(h.level, h.text) for h in document.headings] == [(1, "Safety"), (2, "2. Gloves")]
    assert all(document.text.startswith(h.text, h.start) for h in document.headings)


def test_words_hyphenated_at_a_line_end_are_joined() -> None:
    assert parse(pages(FPDF(), "main-\ntenance of MB-\n3000")).text == "maintenance of MB-3000"
    assert parse(pages(FPDF(), "A non-linear law, so non-\nlinear it is")).text.endswith("so non-linear it is")


def test_a_password_is_refused_and_an_owner_password_is_not() -> None:
    closed, restricted = FPDF(), FPDF()
    closed.set_encryption(owner_password="owner", user_password="secret")
    restricted.set_encryption(owner_password="owner")
    with pytest.raises(InputError, match="found an encrypted PDF, expected one that opens without a password"):
        parse(pages(closed, "text"))
    assert parse(pages(restricted, "text")).text == "text"


def test_a_scan_is_refused() -> None:
    pdf = FPDF()
    pdf.add_page()
    pdf.rect(10, 10, 50, 50, style="F")
    with pytest.raises(InputError, match=r"found no text on 1 pages \(a scan\?\).*run OCR"):
        parse(bytes(pdf.output()))


def test_broken_files_are_refused() -> None:
    whole = pages(FPDF(), "text")
    for data in (whole[:300], b"%PDF-1.7\n" + random.Random(1).randbytes(1000), b"%PDF-"):
        with pytest.raises(InputError, match=r"found a broken PDF \("):
            parse(data)
    with pytest.raises(InputError, match="found no PDF header"):
        parse(b"words")


def test_too_much_text_is_refused() -> None:
    with pytest.raises(InputError, match="found more than 20 characters of text"):
        parse(pages(FPDF(), "a text that is longer than that"), max_characters=20)


def raw_pdf(
    streams: list[str], *, font: str = HELVETICA, page: str = "", catalog: str = "", more: Sequence[str] = ()
) -> bytes:
    """A PDF of content streams; objects: 1 catalog, 2 pages, 3 font, then page and stream in turn, then ``more``."""
    kids = " ".join(f"{4 + 2 * i} 0 R" for i in range(len(streams)))
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R {catalog} >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(streams)} >>",
        font,
    ]
    for i, text in enumerate(streams):
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {5 + 2 * i} 0 R "
            f"/Resources << /Font << /F1 3 0 R >> >> {page} >>"
        )
        objects.append(f"<< /Length {len(text)} >>\nstream\n{text}\nendstream")
    data = "%PDF-1.7\n"
    offsets = []
    for number, content in enumerate([*objects, *more], start=1):
        offsets.append(len(data))
        data += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    trailer = f"trailer\n<< /Size {len(offsets) + 1} /Root 1 0 R >>\nstartxref\n{len(data)}\n%%EOF\n"
    return f"{data}xref\n0 {len(offsets) + 1}\n0000000000 65535 f \n{table}{trailer}".encode("latin-1")


def shown(text: str, y: int = 760, x: float = 72) -> str:
    return f"BT /F1 12 Tf 1 0 0 1 {x} {y} Tm ({text}) Tj ET\n"


def composite(mapping: str) -> dict[str, Any]:
    """A font whose glyphs have numbers of their own; ``mapping`` says which characters they show, or nothing."""
    return {
        "font": "<< /Type /Font /Subtype /Type0 /BaseFont /ABCDEF+Roman /Encoding /Identity-H /DescendantFonts [6 0 R] "
        f"{'/ToUnicode 8 0 R' if mapping else ''} >>",
        "more": [
            "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /ABCDEF+Roman /DW 490 /W [3 [950]] /FontDescriptor 7 0 R "
            "/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> >>",
            "<< /Type /FontDescriptor /FontName /ABCDEF+Roman /Flags 4 /FontBBox [0 -200 1000 800] /ItalicAngle 0 "
            "/Ascent 800 /Descent -200 /CapHeight 700 /StemV 80 >>",
            f"<< /Length {len(mapping)} >>\nstream\n{mapping}\nendstream",
        ],
    }


def glyphs(text: str) -> str:
    return "".join(f"{ord(character) - 29:04x}" for character in text)


def test_what_was_filled_in_stands_after_its_label() -> None:
    def widget(kind: str, name: str, more: str, box: str) -> str:
        return f"<< /Type /Annot /Subtype /Widget /FT /{kind} /T ({name}) {more} /Rect [{box}] /P 4 0 R >>"

    data = raw_pdf(
        [shown("Place:") + shown("Date:", x=320) + shown("Insured", 700, 100) + shown("Remarks", 640)],
        page="/Annots [6 0 R 7 0 R 8 0 R 9 0 R 10 0 R 11 0 R]",
        catalog="/AcroForm << /Fields [6 0 R 7 0 R 8 0 R 9 0 R 10 0 R] /DA (/F1 11 Tf 0 g) >>",
        more=[
            widget("Tx", "place", "/V (Harbour wall)", "120 758 300 776"),
            widget("Tx", "date", "/V (3 May)", "360 758 450 776"),
            widget("Btn", "insured", "/V /Yes /AS /Yes", "80 698 95 712"),
            widget("Tx", "remarks", "/V (none so far)", "72 600 400 630"),
            widget("Tx", "signed by", "/V (A. Brook)", "300 100 400 120"),
            "<< /Type /Annot /Subtype /FreeText /Contents (typed on top) /Rect [300 700 400 715] /DA (/F1 11 Tf) >>",
        ],
    )
    assert parse(data).text.split("\n") == [
        "Place: Harbour wall Date: 3 May",
        "[x] Insured typed on top",
        "Remarks none so far",
        "signed by: A. Brook",
    ]


def test_pages_without_text_are_named_and_empty_ones_are_not() -> None:
    image = "q 200 0 0 200 50 50 cm BI /W 1 /H 1 /CS /G /BPC 8 ID \x7f EI Q"
    with pytest.warns(DocumentWarning, match=r"page 2, 4-5: found pictures without text \(scans\?\): run OCR"):
        document = parse(raw_pdf([shown("Clause 1"), image, shown("Clause 9"), image, image, ""]))
    assert document.text == "Clause 1\n\nClause 9"
    assert document.metadata == {"pages": 6, "pages_without_text": "2, 4-5"}


def test_words_set_apart_without_a_space_are_apart() -> None:
    mapping = "1 begincodespacerange <0000> <ffff> endcodespacerange 1 beginbfrange <0004> <0061> <0021> endbfrange"
    mapping = f"/CIDInit /ProcSet findresource begin begincmap {mapping} endcmap end"
    words = " -326 ".join(f"<{glyphs(word)}>" for word in ["The", "Brook", "pump", "weighs", "twelve", "kilograms."])
    data = raw_pdf([f"BT /F1 12 Tf 72 760 Td [{words}] TJ ET"], **composite(mapping))
    assert parse(data).text == "The Brook pump weighs twelve kilograms."


def test_text_that_is_drawn_twice_to_look_bold_stands_once() -> None:
    assert parse(raw_pdf([shown("Bold words") + shown("Bold words", x=72.3)])).text == "Bold words"


def test_text_without_a_map_to_characters_is_named_and_not_read() -> None:
    font = composite("")
    code = f"BT /F1 12 Tf 72 760 Td <{glyphs('Summa der Energie')}> Tj ET"
    with pytest.raises(InputError, match="found text whose font does not say which characters it shows"):
        parse(raw_pdf([code], **font))
    font["more"][2] = HELVETICA
    page = "/Resources << /Font << /F1 3 0 R /F2 10 0 R >> >>"
    font["more"] = [item.replace("7 0 R", "9 0 R") for item in font["more"]]
    font["font"] = font["font"].replace("6 0 R", "8 0 R")
    readable = "BT /F2 12 Tf 72 760 Td (Page of words) Tj ET"
    with pytest.warns(DocumentWarning, match="page 2: found text whose font"):
        document = parse(raw_pdf([readable, code], page=page, **font))
    assert (document.text, document.metadata) == ("Page of words", {"pages": 2, "pages_without_characters": "2"})


def test_words_without_spaces_between_them_are_named() -> None:
    with pytest.warns(DocumentWarning, match="page 1: found words without spaces"):
        parse(raw_pdf([shown("TheBrookpumpweighstwelvekilogramsandmore.")]))


def test_leaders_are_shortened() -> None:
    assert parse(raw_pdf([shown("Use . . . . . . . . . . 3")])).text == "Use … 3"
