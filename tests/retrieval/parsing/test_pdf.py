"""PDF: text, bookmarks, running lines; what cannot be read is refused with a reason."""

import random
from typing import Any

import pytest
from fpdf import FPDF

from retrieval.errors import InputError
from retrieval.parsing.pdf import parse_pdf


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


def test_running_lines_are_dropped_from_longer_documents() -> None:
    assert parse(pages(Manual(), *[f"Body {word}." for word in ("one", "two", "three", "four")])).text == (
        "Body one.\n\nBody two.\n\nBody three.\n\nBody four."
    )
    assert "Acme Pump Manual" in parse(pages(Manual(), "Only page.")).text


def test_bookmarks_become_headings_where_their_words_stand() -> None:
    pdf = FPDF()
    pdf.set_font("helvetica", size=12)
    pdf.add_page()
    for level, name in [(0, "Safety"), (1, "Gloves")]:
        pdf.start_section(name, level)
        pdf.cell(0, 10, name, new_x="LMARGIN", new_y="NEXT")
        pdf.cell(0, 10, f"About {name}.", new_x="LMARGIN", new_y="NEXT")
    document = parse(bytes(pdf.output()))
    assert [(h.level, h.text) for h in document.headings] == [(1, "Safety"), (2, "Gloves")]
    assert all(document.text.startswith(h.text, h.start) for h in document.headings)


def test_words_hyphenated_at_a_line_end_are_joined() -> None:
    assert "maintenance" in parse(pages(FPDF(), "main-\ntenance of MB-\n3000")).text


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
