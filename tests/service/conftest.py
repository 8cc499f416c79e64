"""Real releases of models small enough to build in every test run, and fakes for what is not under test."""

import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from retrieval.catalog import Catalog
from retrieval.chunking import Chunker
from retrieval.documents import Passage
from retrieval.embedder import load_embedder
from retrieval.ingest import ingest
from retrieval.prompt import Prompt
from retrieval.search_settings import SearchSettings
from retrieval.settings import IndexSettings
from retrieval.workspace import Workspace
from training.answering import Answerer
from training.ledger import Ledger
from training.promotion import promote
from training.release import ModelReference, Release, collection_name, create_release
from training.runtime import model_fingerprint
from training.starter.paths import starter_path


@pytest.fixture(scope="session")
def tiny_generator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Qwen3 with the starter's tokenizer."""
    import torch
    from transformers import AutoTokenizer, Qwen3Config, Qwen3ForCausalLM

    directory = tmp_path_factory.mktemp("generator")
    tokenizer = AutoTokenizer.from_pretrained(starter_path(), local_files_only=True)
    torch.manual_seed(7)
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
        pad_token_id=tokenizer.pad_token_id,
        initializer_range=0.5,
    )
    Qwen3ForCausalLM(config).save_pretrained(directory)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(starter_path() / name, directory / name)
    return directory


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
        config.update({"hidden_size": 384, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64})
        BertModel(config).save_pretrained(directory)
        assert SentenceTransformer(str(directory), local_files_only=True).encode(["x"]).shape == (1, 384)
        directories.append(directory)
    return directories


@dataclass
class Site:
    """A workspace with its catalog and ledger."""

    workspace: Workspace
    catalog: Catalog
    ledger: Ledger
    index: IndexSettings = field(default_factory=IndexSettings)

    def release(self, embedder: Path, generator: Path, *, abstention: str, **search: Any) -> Release:
        """A published release, not active yet."""
        fingerprint = load_embedder(embedder).fingerprint

        def fill(directory: Path, release: str) -> None:
            (directory / "note.txt").write_text(f"note of {release}")

        return create_release(
            self.workspace,
            self.ledger,
            fill,
            parent=None,
            embedder=ModelReference(model=str(embedder), fingerprint=fingerprint),
            collection=collection_name(fingerprint),
            generator=ModelReference(model=str(generator), fingerprint=model_fingerprint(generator)),
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


class FakeHandle:
    """A generation that gives its pieces, the first ones at once and the rest when it is let."""

    def __init__(self, pieces: Sequence[str], gate: threading.Event | None, prompt_tokens: int) -> None:
        self.prompt_tokens, self.completion_tokens = prompt_tokens, 0
        self.finish_reason: str | None = None
        self.cancelled = threading.Event()
        self._pieces, self._gate = pieces, gate

    def __iter__(self) -> Iterator[str]:
        for position, piece in enumerate(self._pieces):
            while position == 1 and self._gate is not None and not self._gate.wait(0.01):
                if self.cancelled.is_set():
                    return
            self.completion_tokens += 1
            yield piece
        self.finish_reason = "stop"

    def cancel(self) -> None:
        self.cancelled.set()


class FakeGenerator:
    """Says what it is told to; remembers what it was asked."""

    max_context = 400

    def __init__(self, pieces: Sequence[str]) -> None:
        self.pieces = pieces
        self.gate: threading.Event | None = None
        self.asked: list[dict[str, Any]] = []
        self.handles: list[FakeHandle] = []
        self.messages: list[Any] = []
        self.failure: Exception | None = None

    def encode(self, messages: Sequence[Any]) -> list[int]:
        self.messages.append(messages)
        return list(range(sum(len(message["content"].split()) for message in messages)))

    def submit(self, prompt_ids: Sequence[int], *, max_new_tokens: int, temperature: float = 0.0) -> FakeHandle:
        if self.failure:
            raise self.failure
        self.asked.append({"max_new_tokens": max_new_tokens, "temperature": temperature})
        self.handles.append(FakeHandle(self.pieces, self.gate, len(prompt_ids)))
        return self.handles[-1]

    def generate(self, prompts: Sequence[Sequence[int]], max_new_tokens: int) -> list[str]:
        return ["".join(self.pieces) for _ in prompts]


class FakeSearcher:
    def __init__(self, texts: Sequence[str], similarity: float = 0.9) -> None:
        self.texts, self.similarity = texts, similarity
        self.questions: list[str] = []

    def search_batch(self, questions: Sequence[str], *, top_k: int | None = None) -> list[list[Passage]]:
        self.questions += questions
        found = [
            Passage(f"d{i}.md", f"d{i}.md#0", text, "", 1.0 / i, i, self.similarity)
            for i, text in enumerate(self.texts, start=1)
        ]
        return [found for _ in questions]


class FakeIndex:
    def __init__(self) -> None:
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


class FakeRuntime:
    """A loaded release of fakes, all tagged with its id."""

    def __init__(
        self,
        release: str,
        *,
        texts: Sequence[str] = ("The valve opens at 12 bar.", "The hose is blue."),
        pieces: Sequence[str] = ("12", " bar", " [1]."),
        embedder: Any = None,
        index: Any = None,
        collection: str = "one",
        search: SearchSettings | None = None,
    ) -> None:
        self.release = SimpleNamespace(id=release, manifest=SimpleNamespace(collection=collection))
        self.searcher = FakeSearcher(texts)
        self.generator = FakeGenerator(pieces)
        self.embedder = embedder
        self.index = index or FakeIndex()
        self.closed = False
        self.answerer = Answerer(
            self.searcher, self.generator, Prompt(), search or SearchSettings(), release, max_new_tokens=16
        )

    def close(self, *, keep_index: bool = False) -> None:
        assert not self.closed, f"{self.release.id} was closed twice"
        self.closed = True
        if not keep_index:
            self.index.close()


@pytest.fixture
def make_runtime() -> Callable[..., FakeRuntime]:
    return FakeRuntime
