import pytest

from retrieval.documents import Document, Heading
from retrieval.errors import InputError
from retrieval.parsing.bounds import bounded


def test_very_many_headings_are_refused() -> None:
    headings = (Heading(1, "a", 0),) * 250_001
    with pytest.raises(InputError, match="found 250001 headings, expected at most 250000: split the file"):
        bounded(Document("a.md", "a", "a", headings, {}))
    assert bounded(Document("a.md", "a", "a", headings[1:], {})).headings == headings[1:]
