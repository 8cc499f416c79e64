"""Retrieval as mining and the building of rows see it: chunks with their similarity to a question."""

from collections.abc import Sequence

from retrieval.documents import Passage
from retrieval.search import Searcher
from training.data.contrastive import Candidate
from training.data.examples import passage_evidence

DEPTH = 50
"""How many results are looked through for negatives and distractors."""


class SearcherCandidates:
    """The results of a searcher as candidates for negatives."""

    def __init__(self, searcher: Searcher) -> None:
        self._searcher = searcher

    def candidates(self, questions: Sequence[str]) -> list[list[Candidate]]:
        """The results for each question, best first."""
        return [
            [Candidate(p.chunk_id, p.document_id, passage_evidence(p), p.similarity, p.rank) for p in passages]
            for passages in self._searcher.search_batch(questions, top_k=DEPTH)
        ]

    def of_documents(self, questions: Sequence[str], document_ids: Sequence[Sequence[str]]) -> list[list[Candidate]]:
        """All chunks of the documents named for each question, retrieved or not."""
        searcher = self._searcher
        wanted = sorted({document for named in document_ids for document in named})
        stored = list(searcher.catalog.live_chunks(wanted))
        vectors = searcher.index.vectors([one.id for one in stored])
        dense = searcher.embedder.encode_questions(questions)  # (questions, D)
        return [
            [
                Candidate(
                    one.chunk.id, one.chunk.document_id, one.chunk.indexed_text, float(vectors[one.id] @ vector), None
                )
                for one in stored
                if one.chunk.document_id in named and one.id in vectors
            ]
            for vector, named in zip(dense, map(set, document_ids), strict=True)
        ]

    def chunks_of(self, document_ids: Sequence[str]) -> list[Passage]:
        """All chunks of documents as passages; score, rank and similarity are not meant."""
        return [
            Passage(one.chunk.document_id, one.chunk.id, one.chunk.text, one.chunk.context, 0.0, 0, 0.0)
            for one in self._searcher.catalog.live_chunks(document_ids)
        ]
