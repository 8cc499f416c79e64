"""PO and POT, gettext's catalogs: each message with its translation.

polib (MIT, no dependencies) reads them. Runs in the limited child process (``sandbox.py``).
"""

from typing import Any

from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.parsing.outline import Outline
from retrieval.parsing.package import broken
from retrieval.parsing.text import clean, decode


def parse_translations(document_id: str, data: bytes, *, max_characters: int) -> Document:
    """A catalog as one document; obsolete messages are left out.

    Raises:
        InputError: binary content, malformed, no messages, or over the limit.
    """
    import polib

    header = data[:8192].lower()
    start = header.find(b"charset=")
    declared = header[start + 8 : start + 48].split(b"\\")[0].split(b'"')[0].decode("latin-1") if start > 0 else None
    text = clean(decode(data, declared)).lstrip("\n")
    try:
        # A newline before it: what has none the library takes for a path.
        catalog = polib.pofile("\n" + text)
    except (OSError, ValueError, IndexError, KeyError, AttributeError) as error:
        raise broken("PO", error) from error
    outline = Outline(max_characters)
    entries = [entry for entry in catalog if not entry.obsolete]
    for entry in entries:
        _add(outline, entry)
    if not entries:
        raise InputError("found no messages, expected msgid and msgstr: leave it out")
    metadata: dict[str, str | int | float | bool] = {}
    if language := str(catalog.metadata.get("Language", "")).strip():
        metadata["language"] = language
    return outline.document(document_id, "", metadata)


def _add(outline: Outline, entry: Any) -> None:
    context = _flat(entry.msgctxt)
    lines = [f"({context})" if context else "", _flat(entry.msgid), _flat(entry.msgid_plural), _flat(entry.msgstr)]
    lines += [_flat(one) for one in (entry.msgstr_plural or {}).values()]
    outline.paragraph("\n".join(dict.fromkeys(filter(None, lines))))


def _flat(text: object) -> str:
    return " ".join(str(text or "").split())
