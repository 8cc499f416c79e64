"""DOCX: headings, lists, tables and notes in the order of the document.

Runs in the limited child process (``sandbox.py``).
"""

import io
import re
import zipfile
import zlib

from retrieval.documents import Document
from retrieval.parsing.docx_parts import Parts
from retrieval.parsing.docx_reader import DocxReader
from retrieval.parsing.outline import Outline
from retrieval.parsing.package import READ_ERRORS, broken, open_package, rewritten, with_main_type
from retrieval.parsing.titles import meaningful_title

_MAIN_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w{1,40})/")


def parse_docx(document_id: str, data: bytes, *, max_characters: int) -> Document:
    """A DOCX file as one document; its title is the one in its properties, or its Title paragraph.

    Raises:
        InputError: broken, encrypted, the old DOC format, a zip bomb, or over the limit.
    """
    with open_package(data, "DOCX") as archive:
        data = _ordinary(archive, data)
    from docx import Document as open_docx
    from docx.opc.constants import RELATIONSHIP_TYPE

    try:
        package = open_docx(io.BytesIO(data))
        reader = DocxReader(Outline(max_characters), Parts(package.part))
        # Without properties python-docx makes some up ("Word Document").
        has_title = any(
            link.reltype == RELATIONSHIP_TYPE.CORE_PROPERTIES for link in package.part.package.rels.values()
        )
        title = meaningful_title(str(package.core_properties.title or "")) if has_title else ""
        body = package.element.body
    except MemoryError:
        raise
    except Exception as error:  # python-docx lets KeyError, lxml's and zipfile's errors through for broken files
        raise broken("DOCX", error) from error
    reader.read(body)
    return reader.outline.document(document_id, title or reader.title, {})


def _ordinary(archive: zipfile.ZipFile, data: bytes) -> bytes:
    """The file as python-docx takes it: no template, without macros, and in the namespaces of ordinary DOCX.

    Strict Open XML (ISO/IEC 29500-1) has others, and nothing else that matters here.
    """

    def transitional(name: str, content: bytes) -> bytes:
        if not name.endswith((".xml", ".rels")):
            return content
        return _STRICT.sub(rb"http://schemas.openxmlformats.org/\1/2006/", content)

    try:
        if _STRICT.search(archive.read("_rels/.rels")):
            return rewritten(archive, transitional)
        types = archive.read("[Content_Types].xml")
        return data if _MAIN_TYPE.encode() in types else with_main_type(archive, _MAIN_TYPE)
    except (*READ_ERRORS, zlib.error, RuntimeError):
        return data  # python-docx says what is wrong with it
