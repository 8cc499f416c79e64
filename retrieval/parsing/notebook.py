"""IPYNB: a notebook's Markdown, its code in fences, and what the code printed as text.

The cells are read from the JSON directly: nbformat (BSD) would add a validator and four dependencies, and refuse
notebooks that Jupyter opens.
"""

import json
from typing import Any

from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.parsing.markdown import parse_markdown
from retrieval.parsing.outline import Outline
from retrieval.parsing.package import broken
from retrieval.parsing.text import decode

_MAX_OUTPUT = 4_000
"""Characters of a cell's output: progress bars and dumps are longer."""


def parse_notebook(document_id: str, data: bytes, *, max_characters: int) -> Document:
    """A notebook as one document; its title is its first heading.

    Raises:
        InputError: no JSON, no notebook, or over the limit.
    """
    try:
        content = json.loads(decode(data))
    except ValueError as error:
        raise broken("notebook", error) from error
    if not isinstance(content, dict):
        raise broken("notebook", ValueError("no object"))
    sheets = content.get("worksheets")
    cells = content.get("cells") or (sheets[0].get("cells") if isinstance(sheets, list) and sheets else None)
    if not isinstance(cells, list):
        raise InputError("found no cells, expected a notebook: leave it out")
    language = _language(content.get("metadata"))
    outline = Outline(max_characters)
    for cell in cells:
        if not isinstance(cell, dict):
            continue
        source = _text(cell.get("source", cell.get("input")))
        if cell.get("cell_type") == "code":
            outline.code(source, language)
            _outputs(outline, cell.get("outputs"))
        elif cell.get("cell_type") == "heading":
            outline.heading(int(cell.get("level") or 1), source)
        elif source.strip():
            outline.include(parse_markdown(document_id, source.encode("utf-8", "replace")))
    title = next((heading.text for heading in outline.headings if heading.level == 1), "")
    return outline.document(document_id, title, {})


def _language(metadata: Any) -> str:
    for key in ("language_info", "kernelspec"):
        part = metadata.get(key) if isinstance(metadata, dict) else None
        name = (part.get("name" if key == "language_info" else "language") if isinstance(part, dict) else None) or ""
        if isinstance(name, str) and name.isascii() and name.isalnum():
            return name
    return ""


def _outputs(outline: Outline, outputs: Any) -> None:
    texts = []
    for output in outputs if isinstance(outputs, list) else ():
        if not isinstance(output, dict) or output.get("output_type") in ("error", "pyerr"):
            continue
        data = output.get("data")
        texts.append(_text(output.get("text")) or _text(data.get("text/plain") if isinstance(data, dict) else None))
    text = "\n".join(filter(str.strip, texts)).strip("\n")
    if text.strip():
        outline.code(text[:_MAX_OUTPUT])


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "".join(piece for piece in value if isinstance(piece, str))
    return value if isinstance(value, str) else ""
