"""DOCX: headings, lists, tables and notes in the order of the document.

Runs in the limited child process (``sandbox.py``).
"""

import io
import re
import zipfile
import zlib

from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.parsing.docx_parts import Parts
from retrieval.parsing.docx_reader import DocxReader
from retrieval.parsing.outline import Outline
from retrieval.parsing.titles import meaningful_title

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w{1,40})/")
_MAX_PARTS = 10_000
_MAX_PART_BYTES = 128 << 20
_MAX_EXPANDED_BYTES = 512 << 20


def parse_docx(document_id: str, data: bytes, *, max_characters: int) -> Document:
    """A DOCX file as one document; its title is the one in its properties, or its Title paragraph.

    Raises:
        InputError: broken, encrypted, the old DOC format, a zip bomb, or over the limit.
    """
    with _archive(data) as archive:
        data = _transitional(archive, data)
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
        raise InputError(
            f"found a broken DOCX ({type(error).__name__}: {error}), expected a whole one: save or copy it again"
        ) from error
    reader.read(body)
    return reader.outline.document(document_id, title or reader.title, {})


def _archive(data: bytes) -> zipfile.ZipFile:
    """The archive, within bounds."""
    if data.startswith(_OLE):
        raise InputError("found an encrypted or old (DOC) Word file, expected DOCX without a password: save it as such")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise InputError(f"found a broken DOCX ({error}), expected a whole one: save or copy it again") from error
    parts = archive.infolist()
    # zipfile reads no more of a part than its header declares, so the declared sizes bound the memory.
    expanded = sum(part.file_size for part in parts)
    largest = max((part.file_size for part in parts), default=0)
    if len(parts) > _MAX_PARTS or expanded > _MAX_EXPANDED_BYTES or largest > _MAX_PART_BYTES:
        raise InputError(
            f"found {len(parts)} parts that expand to {expanded / 2**20:.0f} MiB (a zip bomb?), expected at most "
            f"{_MAX_PARTS} parts and {_MAX_EXPANDED_BYTES >> 20} MiB: leave the file out, or save it without its images"
        )
    return archive


def _transitional(archive: zipfile.ZipFile, data: bytes) -> bytes:
    """The file with the namespaces of ordinary DOCX, if it has those of Strict Open XML (ISO/IEC 29500-1)."""
    try:
        if not _STRICT.search(archive.read("_rels/.rels")):
            return data
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as ordinary:
            for part in archive.infolist():
                content = archive.read(part)
                if part.filename.endswith((".xml", ".rels")):
                    content = _STRICT.sub(rb"http://schemas.openxmlformats.org/\1/2006/", content)
                ordinary.writestr(part.filename, content)
        return target.getvalue()
    except (KeyError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError):
        return data  # python-docx says what is wrong with it
