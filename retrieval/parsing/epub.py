"""EPUB: the chapters in reading order, each through the HTML parser, as one document.

Plain XML over zip with lxml: ebooklib, the library there is, is under the AGPL. Runs in the limited child process
(``sandbox.py``).
"""

import posixpath
import zipfile
from typing import Any
from urllib.parse import unquote

from retrieval.documents import Document, Heading
from retrieval.errors import InputError
from retrieval.parsing.html import parse_html
from retrieval.parsing.package import broken, local, open_package, read_part, xml_tree

_NAME = "EPUB"
_PAGES = ("application/xhtml+xml", "text/html", "text/x-oeb1-document")
_FONTS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
"""Scrambled fonts are no encrypted text."""


def parse_epub(document_id: str, data: bytes, *, max_characters: int) -> Document:
    """A book as one document; title, author and language are those of its package.

    Raises:
        InputError: broken, encrypted (DRM), a zip bomb, or over the limit.
    """
    archive = open_package(data, _NAME)
    names = set(archive.namelist())
    _check_rights(archive, names)
    container = xml_tree(read_part(archive, "META-INF/container.xml", _NAME), _NAME)
    path = next((one.get("full-path") for one in container.iter() if local(one) == "rootfile"), None)
    if not path:
        raise broken(_NAME, ValueError("no package named in its container"))
    package = xml_tree(read_part(archive, path, _NAME), _NAME, recover=True)
    base = posixpath.dirname(path)
    chapters = [
        chapter
        for href in _spine(package)
        if (part := posixpath.normpath(posixpath.join(base, unquote(href)))) in names
        and (chapter := parse_html(document_id, read_part(archive, part, _NAME), max_characters=max_characters)).text
    ]
    return _joined(document_id, chapters, package, max_characters)


def _check_rights(archive: zipfile.ZipFile, names: set[str]) -> None:
    part = "META-INF/encryption.xml"
    if part not in names:
        return
    methods = [
        str(element.get("Algorithm"))
        for element in xml_tree(read_part(archive, part, _NAME), _NAME).iter()
        if local(element) == "EncryptionMethod" and local(element.getparent()) == "EncryptedData"
    ]
    if any(method not in _FONTS for method in methods):
        raise InputError("found an encrypted EPUB (DRM), expected one without: leave it out")


def _spine(package: Any) -> list[str]:
    """The pages' paths in reading order; that of the manifest where the spine names none."""
    items = {
        str(one.get("id")): str(one.get("href"))
        for one in package.iter()
        if local(one) == "item" and one.get("href") and one.get("media-type") in _PAGES
        if "nav" not in (one.get("properties") or "").split()
    }
    order = [str(one.get("idref")) for one in package.iter() if local(one) == "itemref"]
    return list(dict.fromkeys(items[one] for one in order if one in items)) or list(items.values())


def _joined(document_id: str, chapters: list[Document], package: Any, max_characters: int) -> Document:
    parts: list[str] = []
    headings: list[Heading] = []
    length = 0
    for chapter in chapters:
        if parts:
            parts.append("\n\n")
            length += 2
        headings += [Heading(one.level, one.text, one.start + length) for one in chapter.headings]
        parts.append(chapter.text)
        length += len(chapter.text)
        if length > max_characters:
            raise InputError(f"found more than {max_characters} characters of text, expected fewer: split the file")
    metadata: dict[str, str | int | float | bool] = {}
    for name, key in (("creator", "author"), ("language", "language")):
        if value := _field(package, name):
            metadata[key] = value
    return Document(document_id, "".join(parts), _field(package, "title"), tuple(headings), metadata)


def _field(package: Any, name: str) -> str:
    for element in package.iter(f"{{http://purl.org/dc/elements/1.1/}}{name}"):
        if text := " ".join("".join(element.itertext()).split()):
            return text
    return ""
