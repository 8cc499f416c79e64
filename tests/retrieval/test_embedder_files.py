"""What the files of an embedder tell."""

from pathlib import Path

import pytest

from retrieval.embedder import packaged_minilm
from retrieval.embedder_files import languages


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        ("---\nlanguage: en\nlicense: mit\n---\n", {"en"}),
        ("---\nlicense: mit\nlanguage:\n- de\n  - en\ntags:\n- x\n---\n", {"de", "en"}),
        ("---\nlanguage: [de, en]\n---\n", {"de", "en"}),
        ("---\nlanguage:\n- multilingual\n- en\n---\n", None),
        ("# A model\n", None),
        (None, None),
    ],
)
def test_languages_of_the_model_card(tmp_path: Path, card: str | None, expected: set[str] | None) -> None:
    if card is not None:
        (tmp_path / "README.md").write_text(card)
    assert languages(tmp_path) == expected


def test_the_packaged_embedder_is_english() -> None:
    assert languages(packaged_minilm()) == {"en"}
