"""DOC and PPT: what only bears the suffix is read by what it is."""

import pytest

from retrieval.errors import InputError
from retrieval.parsing.old_office import parse_old_slides, parse_old_word


def test_what_only_bears_the_suffix_is_read() -> None:
    assert parse_old_word("a.doc", rb"{\rtf1 rich\par}", max_characters=100).text == "rich"
    assert parse_old_word("a.doc", b"<html><p>page", max_characters=100).text == "page"


def test_what_is_neither_is_refused() -> None:
    with pytest.raises(InputError, match="found no Word file"):
        parse_old_word("a.doc", b"words", max_characters=100)
    with pytest.raises(InputError, match="found no PowerPoint file"):
        parse_old_slides("a.ppt", b"words", max_characters=100)
