"""Zip packages that office formats and e-books are made of: opened within bounds, XML parts read without entities.

Used in the limited child process (``sandbox.py``) only; its memory limit is the second line of defence.
"""

import io
import re
import zipfile
from collections.abc import Callable
from html.entities import html5
from typing import Any

from retrieval.errors import InputError

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How Microsoft's old binary files begin, and how an encrypted OOXML file does."""
_MAX_PARTS = 10_000
_MAX_PART_BYTES = 128 << 20
_MAX_EXPANDED_BYTES = 512 << 20
_ENCRYPTED = 0x1
_UNDEFINED = "not defined"
_PROLOGUE = 1 << 16
_MAIN_TYPE = re.compile(
    rb"application/vnd\.(?:openxmlformats-officedocument\.(?:wordprocessingml|presentationml)|ms-word|ms-powerpoint)"
    rb"\.(?:document|template|presentation|slideshow)(?:\.macroEnabled(?:Template)?)?\.main\+xml"
)
_NAMED_ENTITY = re.compile(rb"&([A-Za-z][A-Za-z0-9]{0,31});")
_DEFINITION = re.compile(rb"<!ENTITY\s{1,20}([A-Za-z][A-Za-z0-9]{0,31})\s{1,20}[\"']")
_OF_XML = frozenset([b"lt", b"gt", b"amp", b"quot", b"apos"])
READ_ERRORS = (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, ValueError, EOFError, OSError, KeyError)
"""What :mod:`zipfile` raises over damaged archives."""


def open_package(data: bytes, name: str) -> zipfile.ZipFile:
    """The archive, its declared sizes within bounds.

    Args:
        name: of the format, for the message.

    Raises:
        InputError: broken, encrypted, or a zip bomb.
    """
    if data.startswith(OLE):
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise InputError(f"found an encrypted {name} file, expected one without a password: save it without")
        raise InputError(f"found an old binary Office file, expected {name}: save it as {name}")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except READ_ERRORS as error:
        raise broken(name, error) from error
    check_sizes(archive)
    if any(part.flag_bits & _ENCRYPTED for part in archive.infolist()):
        raise InputError(f"found an encrypted {name} file, expected one without a password: save it without")
    return archive


def check_sizes(archive: zipfile.ZipFile) -> None:
    """Refuse a zip bomb: zipfile reads no more of a part than its header declares, so that bounds the memory.

    Raises:
        InputError: too many parts, or parts that expand too far.
    """
    parts = archive.infolist()
    expanded = sum(part.file_size for part in parts)
    largest = max((part.file_size for part in parts), default=0)
    if len(parts) > _MAX_PARTS or expanded > _MAX_EXPANDED_BYTES or largest > _MAX_PART_BYTES:
        raise InputError(
            f"found {len(parts)} parts that expand to {expanded / 2**20:.0f} MiB (a zip bomb?), expected at most "
            f"{_MAX_PARTS} parts and {_MAX_EXPANDED_BYTES >> 20} MiB: leave the file out, or save it without its images"
        )


def rewritten(archive: zipfile.ZipFile, change: Callable[[str, bytes], bytes]) -> bytes:
    """The package with each part's content as ``change`` makes it of its name and content."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as new:
        for part in archive.infolist():
            new.writestr(part.filename, change(part.filename, archive.read(part)))
    return target.getvalue()


def with_main_type(archive: zipfile.ZipFile, wanted: str) -> bytes:
    """The package with another content type of its main part.

    With macros, as a template or as a show, a document is the same but for that; the libraries refuse it all the same.
    """
    return rewritten(
        archive,
        lambda name, content: _MAIN_TYPE.sub(wanted.encode(), content) if name == "[Content_Types].xml" else content,
    )


def read_part(archive: zipfile.ZipFile, part: str, name: str) -> bytes:
    """The bytes of a part.

    Raises:
        InputError: it is missing or damaged.
    """
    try:
        return archive.read(part)
    except READ_ERRORS as error:
        raise broken(name, error) from error
    except Exception as error:
        if type(error).__module__ in ("zlib", "lzma", "_lzma"):
            raise broken(name, error) from error
        raise


def xml_tree(data: bytes, name: str, *, recover: bool = False) -> Any:
    """The root element (lxml), comments and instructions dropped; nothing outside the file is read.

    Entities that the file itself defines are resolved as far as libxml2's bounds on amplification allow.

    Args:
        recover: repair what is malformed.

    Raises:
        InputError: malformed, nested deeper than libxml2's bound (256), or an entity bomb.
    """
    from lxml import etree

    try:
        return _parsed(data, recover=recover)
    except (etree.XMLSyntaxError, ValueError) as error:
        if not recover and _UNDEFINED in str(error):
            # By a DTD elsewhere, which is not read. Those of HTML are known; only the others are left out.
            own = frozenset(_DEFINITION.findall(data, 0, _PROLOGUE)) | _OF_XML
            resolved = _NAMED_ENTITY.sub(lambda match: match[0] if match[1] in own else _character(match[1]), data)
            if resolved != data:
                return xml_tree(resolved, name)
        raise broken(name, error) from error


def _character(name: bytes) -> bytes:
    """A named entity as HTML knows it, else nothing."""
    return "".join(f"&#{ord(one)};" for one in html5.get(f"{name.decode()};", "")).encode()


def _parsed(data: bytes, *, recover: bool) -> Any:
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities="internal",
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        recover=recover,
    )
    root = etree.fromstring(data, parser)
    if root is None:
        raise ValueError("no element")
    return root


def broken(name: str, error: Exception) -> InputError:
    """The error for a file that cannot be read as ``name``."""
    reason = " ".join(str(error).split())[:200]
    return InputError(f"found a broken {name} ({reason}), expected a whole one: save or copy it again")


def local(element: Any) -> str:
    """An element's name without its namespace."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""
