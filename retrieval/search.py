"""A question in, passages out: what training mines from and what serving answers from."""

from collections.abc import Callable, Sequence

import numpy as np

from retrieval.catalog import Catalog, StoredChunk
from retrieval.conditions import Condition
from retrieval.documents import Passage
from retrieval.embedder import Embedder
from retrieval.index.base import Hit, Index, Query
from retrieval.index.sparse import encoder_of
from retrieval.normalisation import normalise
from retrieval.search_settings import SearchSettings
from retrieval.sync import check_binding

Rerank = Callable[[str, Sequence[str]], Sequence[float]]


class Searcher:
    """Searches one collection with the embedder that made it.

    Args:
        rerank: scores texts for a question (higher is better), see :mod:`retrieval.reranker`; None leaves the
            engine's order.

    Raises:
        MismatchError: the index belongs to another embedder.
    """

    def __init__(
        self,
        catalog: Catalog,
        index: Index,
        embedder: Embedder,
        settings: SearchSettings,
        rerank: Rerank | None = None,
    ) -> None:
        check_binding(index, embedder)
        self.catalog, self.index, self.embedder, self.settings = catalog, index, embedder, settings
        self.rerank = rerank

    def at(self, settings: SearchSettings) -> "Searcher":
        """The same collection, searched with other settings."""
        return Searcher(self.catalog, self.index, self.embedder, settings, self.rerank)

    def reranking(self, rerank: Rerank | None) -> "Searcher":
        """The same search with another reranker, or without one."""
        return Searcher(self.catalog, self.index, self.embedder, self.settings, rerank)

    def search(self, question: str, *, top_k: int | None = None, condition: Condition | None = None) -> list[Passage]:
        """The best passages for a question, best first."""
        return self.search_batch([question], top_k=top_k, condition=condition)[0]

    def search_batch(
        self, questions: Sequence[str], *, top_k: int | None = None, condition: Condition | None = None
    ) -> list[list[Passage]]:
        """:meth:`search` for many questions, embedded together.

        Raises:
            NotFound: there are no documents at all.
        """
        if not questions:
            return []
        questions = [normalise(question) for question in questions]
        wanted = top_k or self.settings.top_k
        dense: Sequence[np.ndarray | None] = [None] * len(questions)
        if self.settings.mode != "sparse":
            dense = list(self.embedder.encode_questions(questions))
        queries = [self._query(*pair, wanted, condition) for pair in zip(questions, dense, strict=True)]
        results = []
        for question, query, hits in zip(questions, queries, self.index.query_batch(queries), strict=True):
            passages = self._passages(question, hits, wanted)
            if len(passages) < wanted and len(hits) == query.limit:
                # Invisible or capped chunks took the places of good ones: ask once more, deeper.
                deeper = self._query(question, query.dense, wanted * 8, condition)
                passages = self._passages(question, self.index.query(deeper), wanted)
            results.append(passages)
        if not any(results):
            self.catalog.expect_documents()
        return results

    def _query(self, question: str, dense: np.ndarray | None, wanted: int, condition: Condition | None) -> Query:
        settings = self.settings
        limit = wanted * 3 if settings.per_document else wanted
        if self.rerank:
            limit = max(limit, settings.reranked or settings.candidates)
        return Query(
            dense=dense,
            sparse=encoder_of(self.index.sparse).encode_question(question) if settings.mode != "dense" else None,
            limit=limit,
            candidates=max(settings.candidates, limit),
            dense_weight=settings.dense_weight,
            sparse_weight=settings.sparse_weight,
            fusion=settings.fusion,
            rrf_k=settings.rrf_k,
            condition=condition,
        )

    def _passages(self, question: str, hits: Sequence[Hit], wanted: int) -> list[Passage]:
        stored = self.catalog.visible(self.index.name, [hit.id for hit in hits])
        ranked = [(hit, stored[hit.id]) for hit in hits if hit.id in stored]
        if self.rerank and ranked:
            depth = self.settings.reranked or self.settings.candidates
            ranked = _reranked(self.rerank, question, ranked, depth)
        ranked = self._capped(ranked)[:wanted]
        return [
            Passage(
                document_id=found.chunk.document_id,
                chunk_id=found.chunk.id,
                text=found.chunk.text,
                context=found.chunk.context,
                score=hit.score,
                rank=rank,
                similarity=hit.similarity if hit.similarity is not None else 0.0,
            )
            for rank, (hit, found) in enumerate(ranked, start=1)
        ]

    def _capped(self, ranked: list[tuple[Hit, StoredChunk]]) -> list[tuple[Hit, StoredChunk]]:
        cap = self.settings.per_document
        if cap is None:
            return ranked
        taken: dict[str, int] = {}
        kept = []
        for hit, found in ranked:
            document = found.chunk.document_id
            taken[document] = taken.get(document, 0) + 1
            if taken[document] <= cap:
                kept.append((hit, found))
        return kept


def _reranked(
    rerank: Rerank, question: str, ranked: Sequence[tuple[Hit, StoredChunk]], depth: int
) -> list[tuple[Hit, StoredChunk]]:
    """The first ``depth`` in the order of their new scores; the others behind them, with no higher score."""
    read = ranked[:depth]
    scores = [float(score) for score in rerank(question, [found.chunk.indexed_text for _, found in read])]
    order = sorted(range(len(read)), key=lambda place: -scores[place])  # stable
    again = [(Hit(read[i][0].id, scores[i], read[i][0].similarity), read[i][1]) for i in order]
    behind = [(Hit(hit.id, min(hit.score, *scores), hit.similarity), found) for hit, found in ranked[depth:]]
    return again + behind
