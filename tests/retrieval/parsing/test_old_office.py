"""DOC and PPT: what only bears the suffix is read, what is really old is told how to go on."""

import pytest

from retrieval.errors import InputError
from retrieval.parsing.old_office import parse_old_slides, parse_old_word
from tests.retrieval.parsing.compound_file import compound_file


def test_what_only_bears_the_suffix_is_read() -> None:
    assert parse_old_word("a.doc", rb"{\rtf1 rich\par}", max_characters=100).text == "rich"
    assert parse_old_word("a.doc", b"<html><p>page", max_characters=100).text == "page"


def test_old_files_are_told_how_to_go_on() -> None:
    old = compound_file({"WordDocument": b"x"})
    with pytest.raises(InputError, match="save it as DOCX"):
        parse_old_word("a.doc", old, max_characters=100)
    with pytest.raises(InputError, match="save it as PPTX"):
        parse_old_slides("a.ppt", old, max_characters=100)
