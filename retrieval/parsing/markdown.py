"""Markdown: front matter into title and metadata, headings with their offsets, shortcodes dropped.

The text stays Markdown: it is what people quote, and the chunker reads its structure.
"""

import datetime
import re
from collections.abc import Mapping
from typing import Any

from retrieval.documents import Document, Heading
from retrieval.parsing.front_matter import split_front_matter
from retrieval.parsing.text import clean, decode

# `{{< tabs >}}` and `{{% alert %}}`; the escaped form `{{</* tabs */>}}` is content and stays.
_SHORTCODE = r"\{\{[<%](?!/\*)[^{}]{0,2000}[>%]\}\}"
_SHORTCODE_LINE = re.compile(rf"^[ \t]*(?:{_SHORTCODE}[ \t]*)+\n?", re.MULTILINE)
_SHORTCODE_LINK = re.compile(rf"\[([^\[\]\n]{{0,500}})\]\([ \t\"]*{_SHORTCODE}[^()\n]{{0,200}}\)")
_TABLE_RULE = re.compile(r"^(?=[^\n]*\|)[|:+\- \t]+$", re.MULTILINE)
_DASHES = re.compile("-{4,}")
_SHORTCODE_ANYWHERE = re.compile(_SHORTCODE)
_STRUCTURE = re.compile(
    r"^ {0,3}(?:"
    r"(?P<fence>`{3,}|~{3,})(?P<info>[^\n]*)"
    r"|(?P<hashes>\#{1,6})(?:[ \t]+(?P<atx>[^\n]*))?$"
    r"|(?P<setext>[^\s`~\#>|\-+*=][^\n]*)\n {0,3}(?P<under>={2,}|-{2,})[ \t]*$"
    r")",
    re.MULTILINE,
)
_HEADING_ID = re.compile(r"\{#[^{}]*\}$")
_INLINE_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")
_INLINE_MARKS = re.compile(r"[*`]+|(?<!\w)_+|(?<!_)_+(?!\w)")


def parse_markdown(document_id: str, data: bytes, *, max_characters: int = 64 << 20) -> Document:
    """A Markdown file as one document; its title is the front matter's, or the first level-1 heading.

    Front matter (YAML, or TOML between ``+++``) that cannot be read stays in the text: nothing is lost.

    Raises:
        InputError: binary content.
    """
    text = clean(decode(data)).lstrip("\n")
    text, matter = split_front_matter(text)
    fields = scalars(matter)
    text = _drop_shortcodes(text).strip("\n")
    # A table's rule of 200 dashes is 200 tokens to many tokenizers.
    text = _TABLE_RULE.sub(lambda rule: _DASHES.sub("---", rule[0]), text)
    if not text.strip():  # a section page that consists of front matter still says what the section is about
        text = str(fields.get("description") or fields.get("title") or "")
    headings = find_headings(text)
    title = str(fields.pop("title", "") or "").strip()
    if not title:
        title = next((heading.text for heading in headings if heading.level == 1), "")
    return Document(id=document_id, text=text, title=title, headings=headings, metadata=fields)


def find_headings(text: str) -> tuple[Heading, ...]:
    """ATX and setext headings outside fenced code, with the offset of their line."""
    headings = []
    fence = ""
    for match in _STRUCTURE.finditer(text):
        mark = match["fence"]
        if mark:
            if not fence and not (mark[0] == "`" and "`" in match["info"]):
                fence = mark
            elif fence and mark[0] == fence[0] and len(mark) >= len(fence) and not match["info"].strip():
                fence = ""
        elif fence:
            continue
        elif match["hashes"]:
            name = _plain(_without_closing_hashes((match["atx"] or "").strip(" \t")))
            if name:
                headings.append(Heading(len(match["hashes"]), name, match.start()))
        elif _begins_paragraph(text, match.start()):
            headings.append(Heading(1 if match["under"][0] == "=" else 2, _plain(match["setext"]), match.start()))
    return tuple(headings)


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


def _drop_shortcodes(text: str) -> str:
    if "{{<" not in text and "{{%" not in text:
        return text
    text = _SHORTCODE_LINE.sub("", text)
    text = _SHORTCODE_LINK.sub(r"\1", text)
    return _SHORTCODE_ANYWHERE.sub("", text)


def _begins_paragraph(text: str, start: int) -> bool:
    """Only a paragraph of one line becomes a heading by its underline here: longer ones are mostly tables or rules."""
    line_before = text[text.rfind("\n", 0, max(0, start - 1)) + 1 : max(0, start - 1)]
    return not line_before.strip()


def _without_closing_hashes(name: str) -> str:
    body = name.rstrip("#")
    return body if not body or body[-1] in " \t" else name


def _plain(name: str) -> str:
    name = _HEADING_ID.sub("", name.strip())
    return _INLINE_MARKS.sub("", _INLINE_LINK.sub(r"\1", name)).strip()
