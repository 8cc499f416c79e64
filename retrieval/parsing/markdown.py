"""Markdown: front matter into title and metadata, the rest as its reader sees it.

Headings keep their hashes and code its fence, which the chunker reads; rows of tables carry their columns' names.
"""

import datetime
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from retrieval.documents import Document
from retrieval.parsing.front_matter import split_front_matter
from retrieval.parsing.markdown_reader import MarkdownReader
from retrieval.parsing.outline import Outline
from retrieval.parsing.text import clean, decode


def parse_markdown(document_id: str, data: bytes, *, max_characters: int = 64 << 20) -> Document:
    """A Markdown file as one document; its title is the front matter's, or the first level-1 heading.

    Front matter (YAML, or TOML between ``+++``) that cannot be read stays in the text: nothing is lost.

    Raises:
        InputError: binary content.
    """
    text = clean(decode(data)).lstrip("\n")
    text, fields = split_front_matter(text)
    outline = Outline(max_characters)
    MarkdownReader(outline).read(text)
    document = outline.document(document_id, "", {})
    if not document.text.strip():  # a section page that consists of front matter still says what the section is about
        document = replace(document, text=clean(str(fields.get("description") or fields.get("title") or "")))
    title = str(fields.pop("title", "") or "").strip()
    if not title:
        title = next((heading.text for heading in document.headings if heading.level == 1), "")
    return replace(document, title=title, metadata=scalars(fields))


def scalars(fields: Mapping[Any, Any]) -> dict[str, str | int | float | bool]:
    """The fields that can be metadata: text, finite numbers, booleans, and dates as ISO text."""
    kept: dict[str, str | int | float | bool] = {}
    for key, value in fields.items():
        if isinstance(value, datetime.date | datetime.time):
            value = value.isoformat()
        elif isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 1 << 63:
            # No database column holds it as a number. (str() refuses thousands of digits, hex() does not.)
            value = str(value) if value.bit_length() < 10_000 else hex(value)
        elif isinstance(value, float) and not abs(value) < float("inf"):
            continue
        if isinstance(value, str):
            value = clean(value)
        if isinstance(value, str | int | float | bool):
            kept[clean(str(key))] = value
    return kept
