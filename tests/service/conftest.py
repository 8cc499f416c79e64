"""Fakes for what is not under test."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from retrieval.documents import Passage
from retrieval.prompt import Prompt
from retrieval.search_settings import SearchSettings
from training.answering.answerer import Answerer
from training.tasks.task import Task

CREATED = datetime(2026, 11, 27, tzinfo=UTC)


class FakeHandle:
    """A generation that gives its pieces, the first ones at once and the rest when it is let."""

    def __init__(self, pieces: Sequence[str], gate: threading.Event | None, prompt_tokens: int) -> None:
        self.prompt_tokens, self.completion_tokens = prompt_tokens, 0
        self.finish_reason: str | None = None
        self.ends = "stop"
        self.cancelled = threading.Event()
        self._pieces, self._gate = pieces, gate

    def __iter__(self) -> Iterator[str]:
        for position, piece in enumerate(self._pieces):
            while position == 1 and self._gate is not None and not self._gate.wait(0.01):
                if self.cancelled.is_set():
                    return
            self.completion_tokens += 1
            yield piece
        self.finish_reason = self.ends

    def cancel(self) -> None:
        self.cancelled.set()


class FakeGenerator:
    """Says what it is told to; remembers what it was asked."""

    max_context = 400
    sampling: frozenset[str] = frozenset()
    remote = False

    def __init__(self, pieces: Sequence[str]) -> None:
        self.pieces = pieces
        self.gate: threading.Event | None = None
        self.asked: list[dict[str, Any]] = []
        self.handles: list[FakeHandle] = []
        self.messages: list[Any] = []
        self.failure: Exception | None = None

    def encode(self, messages: Sequence[Any], *, thinking: bool = False) -> list[int]:
        self.messages.append(messages)
        return list(range(sum(len(message["content"].split()) for message in messages)))

    def submit(
        self, prompt_ids: Sequence[int], *, max_new_tokens: int, temperature: float = 0.0, **sampling: float
    ) -> FakeHandle:
        if self.failure:
            raise self.failure
        assert sampling.keys() <= self.sampling
        self.asked.append({"max_new_tokens": max_new_tokens, "temperature": temperature, **sampling})
        self.handles.append(FakeHandle(self.pieces, self.gate, len(prompt_ids)))
        return self.handles[-1]

    def count(self, text: str) -> int:
        return len(text.split())

    def complete(self, prompts: Sequence[Sequence[int]], max_new_tokens: int) -> list[tuple[str, str]]:
        return [("".join(self.pieces), "stop") for _ in prompts]


class FakeSearcher:
    def __init__(self, texts: Sequence[str], similarity: float = 0.9) -> None:
        self.texts, self.similarity = texts, similarity
        self.questions: list[str] = []
        self.catalog: Any = None

    def search(self, question: str, *, top_k: int | None = None, condition: Any = None) -> list[Passage]:
        return self.search_batch([question])[0][:top_k]

    def search_batch(self, questions: Sequence[str], *, top_k: int | None = None) -> list[list[Passage]]:
        self.questions += questions
        found = [
            Passage(f"d{i}.md", f"d{i}.md#0", text, "" if i == 2 else f"Manual {i} > Data", 1.0 / i, i, self.similarity)
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
        tasks: Mapping[str, Task] | None = None,
    ) -> None:
        self.release = SimpleNamespace(id=release, manifest=SimpleNamespace(collection=collection, created_at=CREATED))
        self.searcher = FakeSearcher(texts)
        self.generator = FakeGenerator(pieces)
        self.embedder = embedder
        self.index = index or FakeIndex()
        self.closed = False
        self.searcher.settings = search or SearchSettings()
        self.answerer = Answerer(self.searcher, self.generator, Prompt(), release, max_new_tokens=16, tasks=tasks)

    def close(self, *, keep_index: bool = False) -> None:
        assert not self.closed, f"{self.release.id} was closed twice"
        self.closed = True
        if not keep_index:
            self.index.close()


@pytest.fixture
def make_runtime() -> Callable[..., FakeRuntime]:
    return FakeRuntime
