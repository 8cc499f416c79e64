"""Fixtures that several packages' tests share."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: idle threads sleep instead of spinning
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import gc
import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retrieval.catalog import Catalog
from retrieval.chunking import Chunker
from retrieval.embedder import Embedder, load_embedder, packaged_minilm
from retrieval.ingest import ingest
from retrieval.prompt import Prompt
from retrieval.search_settings import SearchSettings
from retrieval.settings import IndexSettings
from retrieval.workspace import Workspace
from training.generator.packaged import BASE, packaged_generator
from training.releases.ledger import Ledger
from training.releases.promotion import promote
from training.releases.release import ModelReference, Release, collection_name, create_release
from training.releases.runtime import generator_fingerprint

gc.set_threshold(100_000, 50, 100)  # as the command line has it, for the same reason


def pytest_collection_finish() -> None:
    """What was imported is no garbage. Ending an engine, or a training, has the whole heap looked through else."""
    gc.collect()
    gc.freeze()


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

    def encode_passages(self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None) -> np.ndarray:
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


def small_tokenizer(source: Path, target: Path, size: int) -> None:
    """Copy a byte-level BPE tokenizer with its first tokens only: random weights know no more, and logits cost less."""
    content = json.loads((source / "tokenizer.json").read_text(encoding="utf-8"))
    model = content["model"]
    model["vocab"] = {token: number for token, number in model["vocab"].items() if number < size}
    model["merges"] = [pair for pair in model["merges"] if "".join(pair) in model["vocab"]]
    (target / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    for name in ("tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(source / name, target / name)


@pytest.fixture(scope="session")
def build_generator(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """Make a random Qwen3 of 0.2 million parameters with SmolLM2's commonest tokens and a context of so many."""

    def build(context: int) -> Path:
        import torch
        from transformers import AutoTokenizer, Qwen3Config, Qwen3ForCausalLM

        directory = tmp_path_factory.mktemp("generator")
        small_tokenizer(packaged_generator(BASE), directory, 4096)
        tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True)
        torch.manual_seed(7)
        config = Qwen3Config(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=16,
            max_position_embeddings=context,
            tie_word_embeddings=True,
            eos_token_id=tokenizer.eos_token_id,
            bos_token_id=None,
            pad_token_id=tokenizer.pad_token_id,
            initializer_range=0.5,  # logits far apart: greedy choices do not hang on rounding
        )
        Qwen3ForCausalLM(config).save_pretrained(directory)
        return directory

    return build


@pytest.fixture(scope="session")
def tiny_generator(build_generator: Callable[[int], Path]) -> Path:
    """A generator small enough to build in every test run."""
    return build_generator(512)


@pytest.fixture(scope="session")
def tiny_embedders(tmp_path_factory: pytest.TempPathFactory, minilm_path: Path) -> list[Path]:
    """Two random BERTs of equal dimension and other content."""
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers import BertConfig, BertModel

    directories = []
    for seed in (1, 2):
        directory = tmp_path_factory.mktemp(f"embedder-{seed}") / "model"
        shutil.copytree(minilm_path, directory)
        torch.manual_seed(seed)
        config = BertConfig.from_pretrained(minilm_path, local_files_only=True)
        config.update({"hidden_size": 48, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64})
        BertModel(config).save_pretrained(directory)
        pooling = directory / "1_Pooling" / "config.json"
        pooling.write_text(json.dumps({**json.loads(pooling.read_text()), "word_embedding_dimension": 48}))
        assert SentenceTransformer(str(directory), local_files_only=True).encode(["x"]).shape == (1, 48)
        directories.append(directory)
    return directories


@pytest.fixture(scope="session")
def tiny_reranker(tmp_path_factory: pytest.TempPathFactory, tiny_embedders: list[Path]) -> Path:
    """A cross-encoder with one random layer and a new head."""
    import torch

    from retrieval.reranker import load_cross_encoder

    directory = tmp_path_factory.mktemp("reranker")
    torch.manual_seed(3)
    model = load_cross_encoder(tiny_embedders[0], device="cpu", new_head=True, max_length=64)
    model.save_pretrained(str(directory), create_model_card=False)
    return directory


@dataclass
class Site:
    """A workspace with its catalog and ledger."""

    workspace: Workspace
    catalog: Catalog
    ledger: Ledger
    index: IndexSettings = field(default_factory=IndexSettings)

    def release(self, embedder: Path, generator: Path, *, abstention: str, **search: Any) -> Release:
        """A published release, not active yet."""
        fingerprint, content = load_embedder(embedder).fingerprint, generator_fingerprint(str(generator), generator)

        def fill(directory: Path, release: str) -> None:
            (directory / "note.txt").write_text(f"note of {release}")

        return create_release(
            self.workspace,
            self.ledger,
            fill,
            parent=None,
            embedder=ModelReference(model=str(embedder), fingerprint=fingerprint),
            collection=collection_name(fingerprint),
            generator=ModelReference(model=str(generator), fingerprint=content),
            adapter=False,
            prompt=Prompt(system="Answer. Else say: {abstention}", abstention=abstention, max_passages=2),
            search=SearchSettings(**search),
            max_new_tokens=8,
            documents_fingerprint="",
        )

    def promote(self, release: Release) -> None:
        promote(self.workspace, self.catalog, self.ledger, self.index, release.id)

    def ingest(self, embedder: Path, folder: Path) -> None:
        held = load_embedder(embedder)
        ingest(self.catalog, held, Chunker(held.tokenizer_path, 64), [folder])


@pytest.fixture
def site(workspace: Workspace) -> Iterator[Site]:
    catalog = Catalog(workspace.catalog)
    yield Site(workspace, catalog, Ledger(catalog))
    catalog.close()
