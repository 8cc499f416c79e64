"""Notebooks: Markdown, code and printed text."""

import json

import pytest

from retrieval.errors import InputError
from retrieval.parsing.notebook import parse_notebook


def test_cells_of_both_versions_of_the_format() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Pump\n", "Oil it."]},
        {
            "cell_type": "code",
            "source": "print(1)",
            "outputs": [
                {"output_type": "stream", "text": ["1\n"]},
                {"output_type": "execute_result", "data": {"text/plain": "2", "image/png": "aGk="}},
                {"output_type": "error", "traceback": ["gone"]},
            ],
        },
        {"cell_type": "markdown", "source": "## Care\n\nAfter."},
    ]
    value = {"cells": cells, "metadata": {"language_info": {"name": "python"}}, "nbformat": 4}
    document = parse_notebook("a.ipynb", json.dumps(value).encode(), max_characters=1_000_000)
    assert document.title == "Pump"
    assert document.text == "# Pump\n\nOil it.\n\n```python\nprint(1)\n```\n\n```\n1\n\n2\n```\n\n## Care\n\nAfter."
    assert [(h.level, h.text) for h in document.headings] == [(1, "Pump"), (2, "Care")]
    assert all(document.text[h.start :].lstrip("# ").startswith(h.text) for h in document.headings)
    old = {
        "worksheets": [
            {"cells": [{"cell_type": "heading", "level": 2, "source": "Old"}, {"cell_type": "code", "input": "x"}]}
        ]
    }
    assert parse_notebook("a.ipynb", json.dumps(old).encode(), max_characters=100).text == "Old\n\n```\nx\n```"


@pytest.mark.parametrize("data", [b'{"cells": [', b"[1]"])
def test_damaged_files_are_refused(data: bytes) -> None:
    with pytest.raises(InputError, match="found a broken notebook"):
        parse_notebook("a.ipynb", data, max_characters=100)


def test_what_is_no_notebook_is_refused() -> None:
    with pytest.raises(InputError, match="found no cells"):
        parse_notebook("a.ipynb", b'{"a": 1}', max_characters=100)
