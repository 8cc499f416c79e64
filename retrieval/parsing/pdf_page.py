"""The text of one page of a PDF, with what was filled into its form after the labels."""

import ctypes
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pypdfium2 import PdfPage, PdfTextPage

_UNMAPPED_SHARE = 0.3
_PICTURE_PATHS = 50
"""Lines and areas from which a page without text is taken for one: letters may be drawn."""
_MAX_FIELD = 1 << 16
_LABEL_DISTANCE = 30.0
"""Points between a field and the line above that names it."""


@dataclass
class _Field:
    """What was filled in, and where: left, bottom, right, top in points."""

    text: str
    name: str
    box: tuple[float, float, float, float]


@dataclass
class _Line:
    """A line of the page: its characters, and the right edge of each."""

    text: str
    rights: list[float]
    left: float
    bottom: float
    top: float
    added: list[tuple[int, str]] = field(default_factory=list)


def page_text(page: "PdfPage", max_characters: int) -> tuple[str, bool]:
    """The page's text, and whether its fonts say which characters they show.

    Raises:
        PdfiumError: the page is damaged.
    """
    from pypdfium2 import raw

    textpage = page.get_textpage()
    count = textpage.count_chars()
    if count > max_characters:
        return " " * (max_characters + 1), True
    text = textpage.get_text_range() if count else ""
    unmapped = sum(raw.FPDFText_HasUnicodeMapError(textpage, i) == 1 for i in range(count))
    fields = list(_fields(page))
    if fields and unmapped <= _UNMAPPED_SHARE * count:
        text = _filled(list(_lines(textpage, count)), fields)
    textpage.close()
    return text.replace("\r\n", "\n"), unmapped <= _UNMAPPED_SHARE * count


def is_picture(page: "PdfPage") -> bool:
    """Whether a page without text shows something all the same."""
    from pypdfium2 import raw

    paths = 0
    for item in page.get_objects(max_depth=5):
        if item.type in (raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_SHADING):
            return True
        paths += item.type == raw.FPDF_PAGEOBJ_PATH
        if paths > _PICTURE_PATHS:
            return True
    return False


def _fields(page: "PdfPage") -> Iterator[_Field]:
    """Form fields with a value, and notes typed onto the page."""
    from pypdfium2 import raw

    form = page.pdf.formenv
    for i in range(raw.FPDFPage_GetAnnotCount(page)):
        annotation = raw.FPDFPage_GetAnnot(page, i)
        if not annotation:
            continue
        kind = raw.FPDFAnnot_GetSubtype(annotation)
        text = name = ""
        if kind == raw.FPDF_ANNOT_FREETEXT:
            text = _string(raw.FPDFAnnot_GetStringValue, annotation, b"Contents")
        elif kind == raw.FPDF_ANNOT_WIDGET and form is not None:
            field_type = raw.FPDFAnnot_GetFormFieldType(form, annotation)
            if field_type in (raw.FPDF_FORMFIELD_CHECKBOX, raw.FPDF_FORMFIELD_RADIOBUTTON):
                text = "[x]" if raw.FPDFAnnot_IsChecked(form, annotation) else ""
            elif field_type in (raw.FPDF_FORMFIELD_TEXTFIELD, raw.FPDF_FORMFIELD_COMBOBOX, raw.FPDF_FORMFIELD_LISTBOX):
                text = _string(raw.FPDFAnnot_GetFormFieldValue, form, annotation)
            name = _string(raw.FPDFAnnot_GetFormFieldAlternateName, form, annotation)
            name = name or _string(raw.FPDFAnnot_GetFormFieldName, form, annotation)
        box = raw.FS_RECTF()
        raw.FPDFAnnot_GetRect(annotation, box)
        raw.FPDFPage_CloseAnnot(annotation)
        if text.strip():
            yield _Field(" ".join(text.split()), name, (box.left, box.bottom, box.right, box.top))


def _string(function: Any, *arguments: Any) -> str:
    """What a function of PDFium's gives that fills a buffer with UTF-16."""
    size = min(function(*arguments, None, 0), _MAX_FIELD)
    buffer = ctypes.create_string_buffer(size + 2)
    function(*arguments, ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort)), size)
    return buffer.raw[:size].decode("utf-16-le", "replace").rstrip("\0")


def _lines(textpage: "PdfTextPage", count: int) -> Iterator[_Line]:
    from pypdfium2 import raw

    edges = [ctypes.c_double() for _ in range(4)]
    line = _Line("", [], 0.0, 0.0, 0.0)
    for i in range(count):
        character = chr(raw.FPDFText_GetUnicode(textpage, i))
        if character in "\r\n":
            if line.text:
                yield line
            line = _Line("", [], 0.0, 0.0, 0.0)
            continue
        raw.FPDFText_GetCharBox(textpage, i, *edges)  # left, right, bottom, top
        left, right, bottom, top = (edge.value for edge in edges)
        if not line.text:
            line.left, line.bottom, line.top = left, bottom, top
        line.text += character
        line.rights.append(max(right, line.rights[-1]) if line.rights else right)
        line.bottom, line.top = min(line.bottom, bottom), max(line.top, top)
    if line.text:
        yield line


def _filled(lines: list[_Line], fields: list[_Field]) -> str:
    """The lines with each field's text after what stands left of it, else above it, else at the end."""
    rest = []
    for item in fields:
        left, bottom, right, top = item.box
        beside = [line for line in lines if min(top, line.top) - max(bottom, line.bottom) > 0]
        if beside:
            line = max(beside, key=lambda line: min(top, line.top) - max(bottom, line.bottom))
            line.added.append((bisect_right(line.rights, left + 2), item.text))
            continue
        above = [
            line for line in lines
            if 0 <= line.bottom - top < _LABEL_DISTANCE and line.left < right and line.rights[-1] > left
        ]  # fmt: skip
        if above:
            line = min(above, key=lambda line: line.bottom)
            line.added.append((len(line.text), item.text))
        else:
            rest.append(f"{item.name}: {item.text}" if item.name else item.text)
    for line in lines:
        for place, text in sorted(line.added, reverse=True):
            line.text = f"{line.text[:place].rstrip()} {text} {line.text[place:].lstrip()}".strip()
    return "\n".join([line.text for line in lines] + rest)
