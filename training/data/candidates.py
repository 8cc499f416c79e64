"""Retrieval as mining and the building of rows see it: chunks with their similarity to a question."""

from collections.abc import Sequence

from retrieval.catalog import StoredChunk
from retrieval.documents import Passage
from retrieval.search import Searcher
from training.data.examples import Example

DEPTH = 50
"""How many results are looked through for negatives and distractors."""


class SearcherCandidates:
    """The results of a searcher, and the chunks of documents, as candidates for positives and negatives."""

    def __init__(self, searcher: Searcher) -> None:
        self._searcher = searcher

    def search(self, questions: list[str]) -> list[list[Passage]]:
        """The results for each question, best first."""
        return self._searcher.search_batch(questions, top_k=DEPTH)

    def of_documents(self, examples: Sequence[Example]) -> list[list[Passage]]:
        """All chunks of the documents that support each example, retrieved or not; score and rank are not meant."""
        searcher = self._searcher
        wanted = sorted({document for example in examples for document in example.document_ids})
        stored = list(searcher.catalog.live_chunks(wanted))
        vectors = searcher.index.vectors([one.id for one in stored])
        dense = searcher.embedder.encode_questions([example.question for example in examples])  # (questions, D)
        return [
            [
                _unranked(one, float(vectors[one.id] @ vector))
                for one in stored
                if one.chunk.document_id in example.document_ids and one.id in vectors
            ]
            for example, vector in zip(examples, dense, strict=True)
        ]

    def chunks_of(self, document_ids: Sequence[str]) -> list[Passage]:
        """All chunks of documents as passages; score, rank and similarity are not meant."""
        return [_unranked(one) for one in self._searcher.catalog.live_chunks(document_ids)]


def _unranked(one: StoredChunk, similarity: float = 0.0) -> Passage:
    return Passage(one.chunk.document_id, one.chunk.id, one.chunk.text, one.chunk.context, 0.0, 0, similarity)
