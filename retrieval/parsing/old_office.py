"""Word's and PowerPoint's old binary files (DOC, PPT): told what to do; what only bears their suffix is read."""

from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.parsing.package import OLE

_PAGE = (b"<html", b"<!doctype html")


def parse_old_word(document_id: str, data: bytes, *, max_characters: int) -> Document:
    """RTF, DOCX or HTML under the suffix ``.doc``, as programs write it.

    Raises:
        InputError: really an old file, or what the format's parser says.
    """
    if data.startswith(b"{\\rtf"):
        from retrieval.parsing.rtf import parse_rtf

        return parse_rtf(document_id, data, max_characters=max_characters)
    if data.startswith(b"PK\x03\x04"):
        from retrieval.parsing.docx import parse_docx

        return parse_docx(document_id, data, max_characters=max_characters)
    if any(mark in data[:1024].lower() for mark in _PAGE):
        from retrieval.parsing.html import parse_html

        return parse_html(document_id, data, max_characters=max_characters)
    if data.startswith(OLE):
        from retrieval.parsing.old_word import parse_old_word_file

        return parse_old_word_file(document_id, data, max_characters=max_characters)
    raise InputError("found no Word file (DOC), expected DOCX: save it as DOCX")


def parse_old_slides(document_id: str, data: bytes, *, max_characters: int) -> Document:
    """PPTX under the suffix ``.ppt``.

    Raises:
        InputError: really an old file, or what the format's parser says.
    """
    if data.startswith(b"PK\x03\x04"):
        from retrieval.parsing.slides import parse_slides

        return parse_slides(document_id, data, max_characters=max_characters)
    if data.startswith(OLE):
        from retrieval.parsing.old_slides import parse_old_slides_file

        return parse_old_slides_file(document_id, data, max_characters=max_characters)
    raise InputError("found no PowerPoint file (PPT), expected PPTX: save it as PPTX")
