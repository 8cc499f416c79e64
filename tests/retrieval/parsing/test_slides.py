"""PPTX: titles, lists, tables, charts and notes in order; damaged files are refused."""

import io
from typing import Any

import pytest
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.parsing.slides import parse_slides
from retrieval.parsing.titles import meaningful_title
from tests.retrieval.parsing.compound_file import compound_file


def saved(presentation: Any) -> bytes:
    buffer = io.BytesIO()
    presentation.save(buffer)
    return buffer.getvalue()


def parse(data: bytes, max_characters: int = 1_000_000) -> Document:
    return parse_slides("a.pptx", data, max_characters=max_characters)


def test_slides_give_titles_lists_tables_charts_and_notes() -> None:
    source = Presentation()
    slide = source.slides.add_slide(source.slide_layouts[1])
    slide.shapes.title.text = "Pump care"
    body = slide.placeholders[1].text_frame
    body.text = "Drain it"
    below = body.add_paragraph()
    below.text, below.level = "every year", 1
    slide.notes_slide.notes_text_frame.text = "Say why."
    source.slides.add_slide(source.slide_layouts[6])
    slide = source.slides.add_slide(source.slide_layouts[5])
    slide.shapes.title.text = "Prices"
    table = slide.shapes.add_table(2, 2, 0, 0, Inches(4), Inches(1)).table
    for cell, text in zip(table.iter_cells(), ["Part", "Price", "Pump", "42"], strict=True):
        cell.text = text
    data = CategoryChartData()
    data.categories = ["2025", "2026"]
    data.add_series("Sold", (3, 4.5))
    slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, Inches(4), Inches(2), data)
    group = slide.shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, Inches(1), Inches(1)).text_frame.text = "In a group"
    document = parse(saved(source))
    assert document.title == "Pump care"
    assert document.text == (
        "Pump care\n\n- Drain it\n  - every year\n\nNotes: Say why.\n\n"
        "Prices\n\nPart: Pump; Price: 42\n\n2025; Sold: 3\n2026; Sold: 4.5\n\nIn a group"
    )
    assert [(h.level, h.text) for h in document.headings] == [(1, "Pump care"), (1, "Prices")]


def test_damaged_old_and_encrypted_files_are_refused() -> None:
    whole = saved(Presentation())
    for data in (whole[: len(whole) // 2], b"words"):
        with pytest.raises(InputError, match=r"found a broken PPTX \("):
            parse(data)
    with pytest.raises(InputError, match="found an encrypted PPTX"):
        parse(compound_file({"EncryptedPackage": b"x"}))
    with pytest.raises(InputError, match="found an old binary Office file, expected PPTX: save it as PPTX"):
        parse(compound_file({"PowerPoint Document": b"x"}))


def test_a_presentation_without_text_gives_none() -> None:
    source = Presentation()
    source.slides.add_slide(source.slide_layouts[6])
    assert parse(saved(source)).text == ""


def test_a_title_that_only_counts_slides_is_none() -> None:
    source = Presentation()
    source.core_properties.title = "Slide 1"
    source.slides.add_slide(source.slide_layouts[6]).shapes.add_textbox(0, 0, Inches(2), Inches(1)).text = "Oil"
    assert parse(saved(source)).title == ""
    slide = source.slides.add_slide(source.slide_layouts[1])
    slide.shapes.title.text = "Pumps"
    assert parse(saved(source)).title == "Pumps"


@pytest.mark.parametrize(
    "title", ["PowerPoint-presentatie", "Apresentação do PowerPoint", "PowerPoint Presentation", "Slide 1", "3", " - "]
)
def test_titles_that_programs_leave_say_nothing(title: str) -> None:
    assert meaningful_title(title) == ""
    assert meaningful_title(f"{title} and how to use it well") != ""
