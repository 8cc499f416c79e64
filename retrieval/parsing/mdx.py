"""MDX: Markdown after its imports, exports, expressions and the tags of its components are taken out."""

import re

from retrieval.documents import Document
from retrieval.parsing.markdown import parse_markdown
from retrieval.parsing.text import clean, decode

_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[^\n]*\n.*?(?:^[ \t]*\1[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_MODULE = re.compile(r"^(?:import[ \t]|export[ \t])(?:[^\n]|\n(?![ \t]*\n))*(?:\n|\Z)", re.MULTILINE)
_COMMENT = re.compile(r"\{/\*.*?\*/\}", re.DOTALL)
_TITLE = re.compile(
    r"<[A-Z][\w.]{0,60}[ \t\n][^<>]{0,1000}?\b(?:title|label|header|summary)=\"([^\"<>\n]{1,200})\"[^<>]{0,1000}>"
)
_TAG = re.compile(r"</?(?:[A-Z][\w.]{0,60}(?:[ \t\n][^<>]{0,2000})?/?)?>")

_BLANKS = re.compile(r"\n{3,}")


def parse_mdx(document_id: str, data: bytes, *, max_characters: int) -> Document:
    """An MDX file as one document; a component's title stays, as a paragraph.

    Raises:
        InputError: binary content.
    """
    text = clean(decode(data))
    parts = []
    position = 0
    for fence in _FENCE.finditer(text):
        parts += [_stripped(text[position : fence.start()]), fence[0]]
        position = fence.end()
    parts.append(_stripped(text[position:]))
    return parse_markdown(document_id, "".join(parts).encode("utf-8", "replace"))


def _stripped(text: str) -> str:
    text = _COMMENT.sub("", _MODULE.sub("", text))
    text = _TITLE.sub(r"\n\n\1\n\n", text)
    return _BLANKS.sub("\n\n", _TAG.sub("", text))
