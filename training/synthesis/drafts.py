"""Drafts of examples: what a method makes of chunks, before anything is checked.

Knows nothing about how drafts are made or which are kept.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

from retrieval.documents import Chunk

Kind = Literal["natural", "keyword", "cloze", "claim", "several", "unanswerable", "inverse cloze"]
"""What a question is like: asked in a sentence, in key words, as a sentence with a gap, as a claim to be checked, over
several passages, without an answer; and a sentence instead of a question, which only the embedder is trained on."""
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Draft:
    """A question with its answer and the chunks that it was made of."""

    question: str
    answers: tuple[str, ...]
    """Empty for a question that nothing answers."""
    sources: tuple[Chunk, ...]
    method: str
    """How it was made: ``table``, ``sentence``, ``heading``, the name of the generator ..."""
    kind: Kind

    @property
    def document_ids(self) -> tuple[str, ...]:
        """The documents that support the answer; none where there is no answer."""
        return tuple(dict.fromkeys(chunk.document_id for chunk in self.sources)) if self.answers else ()

    @property
    def evidence(self) -> str:
        """All that its chunks show."""
        return "\n".join(chunk.indexed_text for chunk in self.sources)

    def facts(self) -> Iterator[str]:
        """What must stand in its chunks: the first answer, or each of several."""
        for answer in self.answers[:1]:
            yield from answer.split("; ") if self.kind == "several" else (answer,)

    def row(self) -> dict[str, Any]:
        """The draft as a row of an examples file; always of the training split."""
        named = hashlib.sha256("\n".join((self.question, *self.answers)).encode()).hexdigest()[:16]
        trained = {"trains": "embedder"} if self.kind == "inverse cloze" else {}
        return {
            "id": f"made-{named}",
            "question": self.question,
            "answers": list(self.answers),
            **({"document_ids": list(self.document_ids)} if self.answers else {}),
            "split": "train",
            "metadata": {
                "method": self.method,
                "kind": self.kind,
                "source": [chunk.id for chunk in self.sources],
                **trained,
            },
        }
