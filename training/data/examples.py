"""Examples: questions with their answers and the documents that support them.

Knows nothing about the files they come from (``reading``), splits, prompts or training rows.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from retrieval.documents import Passage

SplitName = Literal["train", "validation", "test"]
SPLITS: tuple[SplitName, ...] = get_args(SplitName)

Search = Callable[[list[str]], list[list[Passage]]]
"""Questions to the passages that the live retriever returns for each, best first."""

BATCH = 256


@dataclass(frozen=True)
class Example:
    """A question, its answers, and the ids of the documents that support them."""

    id: str
    question: str
    answers: tuple[str, ...]
    """Acceptable answers, the preferred one first; empty if the corpus cannot answer the question."""
    document_ids: tuple[str, ...] = ()
    split: SplitName | None = None
    task: str | None = None
    provenance: str = ""
    """Where it comes from; ``file:line`` for an examples file."""
    weak: bool = False
    """The document ids were found by retrieval and answer matching, not given."""
    metadata: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def answerable(self) -> bool:
        """Whether the corpus is said to answer it."""
        return bool(self.answers)

    @property
    def embedder_only(self) -> bool:
        """Whether it is a query that nobody asks, made for the embedder: the generator is not trained on it."""
        return self.metadata.get("trains") == "embedder"

    @property
    def method(self) -> str:
        """How it was made; "given" where a file of the user's own holds it."""
        made = "source" in self.metadata or "augmented" in self.metadata
        return str(self.metadata.get("method", "given")) if made else "given"

    @property
    def where(self) -> str:
        """How messages name it."""
        return f"{self.id!r} ({self.provenance})" if self.provenance else repr(self.id)


def passage_evidence(passage: Passage) -> str:
    """All that a passage shows: title and headings count as evidence as well."""
    return f"{passage.context}\n{passage.text}" if passage.context else passage.text


def searched(examples: Sequence[Example], search: Search) -> Iterator[tuple[Sequence[Example], list[list[Passage]]]]:
    """The examples in batches, each with its search results."""
    for start in range(0, len(examples), BATCH):
        part = examples[start : start + BATCH]
        results = search([example.question for example in part])
        if len(results) != len(part):
            raise ValueError(f"search returned {len(results)} results for {len(part)} questions")
        yield part, results


def question_id(question: str) -> str:
    """The id of an example that has none: a hash of its question."""
    return "q-" + hashlib.sha256(question.strip().encode()).hexdigest()[:16]
