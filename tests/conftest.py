"""Fixtures that several packages' tests share."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: idle threads sleep instead of spinning
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from retrieval.catalog import Catalog
from retrieval.embedder import Embedder, load_embedder, packaged_minilm
from retrieval.workspace import Workspace


class WordEmbedder:
    """An embedder without a model: the sum of one fixed random direction for each word.

    Texts that share words are similar, so searches behave; ``salt`` makes another embedder of
    the same dimension.
    """

    dimension = 64
    max_tokens = 256

    def __init__(self, tokenizer_path: Path, salt: str = "") -> None:
        self.tokenizer_path = tokenizer_path
        self.salt = salt
        self.fingerprint = hashlib.sha256(f"words {salt}".encode()).hexdigest()
        self.embedded = 0

    def encode_questions(self, texts: Sequence[str]) -> np.ndarray:
        return np.stack([self._vector(text) for text in texts])

    def encode_passages(
        self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None
    ) -> np.ndarray:
        self.embedded += len(texts)
        if progress:
            progress(len(texts))
        return self.encode_questions(texts)

    def _vector(self, text: str) -> np.ndarray:
        total = np.zeros(self.dimension, dtype=np.float32)
        for word in re.findall(r"\w+", text.lower()) or ["nothing"]:
            seed = int.from_bytes(hashlib.sha256(f"{self.salt}:{word}".encode()).digest()[:8], "big")
            total += np.random.default_rng(seed).standard_normal(self.dimension).astype(np.float32)
        return total / np.linalg.norm(total)


@pytest.fixture(scope="session")
def minilm_path() -> Path:
    return packaged_minilm()


@pytest.fixture(scope="session")
def embedder(minilm_path: Path) -> Embedder:
    return load_embedder(minilm_path)


@pytest.fixture
def words(minilm_path: Path) -> WordEmbedder:
    return WordEmbedder(minilm_path / "tokenizer.json")


@pytest.fixture
def make_words(minilm_path: Path) -> Callable[[str], WordEmbedder]:
    return lambda salt: WordEmbedder(minilm_path / "tokenizer.json", salt)


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    held = Catalog(tmp_path / "catalog.db")
    yield held
    held.close()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    root = tmp_path / "workspace"
    root.mkdir()
    (root / "lockstep.toml").write_text("")
    return Workspace(root)


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[dict[str, str]], Path]:
    """Write files by relative path into a folder of documents."""

    def write(files: dict[str, str]) -> Path:
        root = tmp_path / "documents"
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return root

    return write
