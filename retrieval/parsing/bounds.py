"""Bounds on what of a document is repeated in every chunk or held many times: titles, headings, metadata, messages."""

import warnings
from dataclasses import replace

from retrieval.documents import Document, Heading
from retrieval.errors import DocumentWarning, InputError

_MAX_HEADINGS = 250_000
_MAX_NAME = 500
"""Characters of a title or a heading; the text still holds the whole heading."""
_MAX_FIELDS = 200
_MAX_VALUE = 2000
_MAX_MESSAGE = 500


def bounded(document: Document) -> Document:
    """The document with a title, headings and metadata of bounded length, and a warning about what was cut.

    Raises:
        InputError: very many headings.
    """
    if len(document.headings) > _MAX_HEADINGS:
        raise InputError(f"found {len(document.headings)} headings, expected at most {_MAX_HEADINGS}: split the file")
    title = clipped(document.title, _MAX_NAME)
    if title != document.title:
        warnings.warn(
            DocumentWarning(f"found a title of {len(document.title)} characters, kept {_MAX_NAME}"), stacklevel=2
        )
    headings = tuple(
        heading if len(heading.text) <= _MAX_NAME else Heading(heading.level, heading.text[:_MAX_NAME], heading.start)
        for heading in document.headings
    )
    return replace(document, title=title, headings=headings, metadata=_metadata(document))


def clipped(text: str, length: int) -> str:
    """The text, cut to ``length`` characters with an ellipsis where it is longer."""
    return text if len(text) <= length else text[: length - 1] + "…"


def one_line(message: str) -> str:
    """A message without line breaks, of bounded length: it may quote what a file says."""
    return clipped(" ".join(message[: 4 * _MAX_MESSAGE].split()), _MAX_MESSAGE)


def _metadata(document: Document) -> dict[str, str | int | float | bool]:
    kept: dict[str, str | int | float | bool] = {}
    cut = len(document.metadata) > _MAX_FIELDS
    for key, value in list(document.metadata.items())[:_MAX_FIELDS]:
        long_value = isinstance(value, str) and len(value) > _MAX_VALUE
        cut = cut or long_value or len(key) > _MAX_NAME
        kept[clipped(key, _MAX_NAME)] = clipped(value, _MAX_VALUE) if isinstance(value, str) else value
    if cut:
        warnings.warn(
            DocumentWarning(
                f"found more or longer metadata than is kept with each chunk: kept {_MAX_FIELDS} fields of at most "
                f"{_MAX_VALUE} characters"
            ),
            stacklevel=3,
        )
    return kept
