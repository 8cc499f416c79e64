"""PPTX: each slide's title as a heading, its text, tables and charts in reading order, then the speaker's notes.

python-pptx (MIT) is what the other readers build on. Runs in the limited child process (``sandbox.py``).
"""

import io
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from retrieval.documents import Document
from retrieval.parsing.grid import add_table
from retrieval.parsing.outline import Outline
from retrieval.parsing.package import broken, local, open_package, with_main_type, xml_tree
from retrieval.parsing.titles import first_title, meaningful_title

_MAIN_TYPE = "application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml"
_MAX_DEPTH = 16
_MAX_VALUES = 10_000


def parse_slides(document_id: str, data: bytes, *, max_characters: int) -> Document:
    """A presentation as one document; its title is the one in its properties, or its first slide's.

    Hidden slides are kept: what is hidden there is mostly a spare slide with an answer.

    Raises:
        InputError: broken, encrypted, the old PPT format, a zip bomb, or over the limit.
    """
    with open_package(data, "PPTX") as archive:
        data = with_main_type(archive, _MAIN_TYPE)
    from pptx import Presentation

    from retrieval.errors import InputError

    outline = Outline(max_characters)
    try:
        presentation = Presentation(io.BytesIO(data))
        title = meaningful_title(str(presentation.core_properties.title or ""))
        for number, slide in enumerate(presentation.slides, start=1):
            _slide(outline, slide, number)
    except (MemoryError, RecursionError, InputError):
        raise
    except Exception as error:  # python-pptx lets KeyError, lxml's and zipfile's errors through for broken files
        raise broken("PPTX", error) from error
    return outline.document(document_id, title or first_title(outline), {})


def _slide(outline: Outline, slide: Any, number: int) -> None:
    heading = slide.shapes.title
    title = " ".join(heading.text_frame.text.split()) if heading is not None and heading.has_text_frame else ""
    notes = ""
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        notes = slide.notes_slide.notes_text_frame.text.strip()
    shapes = [one for one in _shapes(slide.shapes, 0) if heading is None or one.shape_id != heading.shape_id]
    if not (title or notes or any(map(_has_text, shapes))):
        return
    outline.heading(1, title or f"Slide {number}")
    for shape in shapes:
        _shape(outline, shape)
    if notes:
        outline.paragraph(f"Notes: {notes}")


def _shapes(shapes: Any, depth: int) -> Iterator[Any]:
    """The shapes, those of groups in place, in the file's order (that of placeholders is the reading order)."""
    for shape in shapes:
        if hasattr(shape, "shapes"):
            yield from _shapes(shape.shapes, depth + 1) if depth < _MAX_DEPTH else ()
        else:
            yield shape


def _has_text(shape: Any) -> bool:
    if getattr(shape, "has_table", False) or getattr(shape, "has_chart", False) or _is_diagram(shape):
        return True
    return bool(shape.has_text_frame and shape.text_frame.text.strip())


def _is_diagram(shape: Any) -> bool:
    return local(shape._element) == "graphicFrame" and any(local(one) == "relIds" for one in shape._element.iter())


def _shape(outline: Outline, shape: Any) -> None:
    if getattr(shape, "has_table", False):
        table = shape.table
        rows = [["" if cell.is_spanned else cell.text for cell in row.cells] for row in table.rows]
        add_table(outline, rows, header=bool(table.first_row) or None)
    elif getattr(shape, "has_chart", False):
        _chart(outline, shape.chart)
    elif _is_diagram(shape):
        _diagram(outline, shape)
    elif shape.has_text_frame:
        paragraphs = [(paragraph.level, paragraph) for paragraph in shape.text_frame.paragraphs]
        many = sum(bool(paragraph.text.strip()) for _, paragraph in paragraphs) > 1
        for level, paragraph in paragraphs:
            text = paragraph.text.replace("\v", "\n")
            if many and "\n" not in text:
                outline.item(f"{'  ' * level}- {text.strip()}" if text.strip() else "")
            else:
                outline.paragraph(text)


def _chart(outline: Outline, chart: Any) -> None:
    """The chart's data as a table, whatever its kind: the values that its file keeps of each series."""
    if chart.has_title and chart.chart_title.has_text_frame:
        outline.paragraph(chart.chart_title.text_frame.text)
    columns: list[list[str]] = []
    for series in (one for one in chart._chartSpace.iter() if local(one) == "ser"):
        parts = {local(part): part for part in series}
        name = " ".join(_values(parts.get("tx")))
        if not columns:
            columns.append(["", *_values(parts.get("cat", parts.get("xVal")))])
        columns.append([name, *_values(parts.get("val", parts.get("yVal")))])
    add_table(outline, list(zip_longest(*columns, fillvalue="")), header=True)


def _values(part: Any) -> list[str]:
    if part is None:
        return []
    texts = [(one.text or "").strip() for one in part.iter() if local(one) == "v"]
    return [_number(text) for text in texts[:_MAX_VALUES]]


def _number(text: str) -> str:
    """Without the digits that only binary fractions have."""
    try:
        return f"{float(text):.12g}"
    except ValueError:
        return text


def _diagram(outline: Outline, shape: Any) -> None:
    """The texts of a diagram (SmartArt), whose data is a part of its own."""
    for element in shape._element.iter():
        if local(element) != "relIds":
            continue
        for key, relation in element.attrib.items():
            if key.endswith("}dm"):
                data = xml_tree(shape.part.related_part(relation).blob, "PPTX")
                for point in (one for one in data.iter() if local(one) == "p"):
                    outline.item(f"- {text}" if (text := "".join(point.itertext()).strip()) else "")
