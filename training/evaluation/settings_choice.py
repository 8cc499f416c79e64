"""Chooses a release's retrieval settings on validation questions, never on test questions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from retrieval.catalog import Catalog
from retrieval.embedder import Embedder
from retrieval.index.base import Hit, Index, Query
from retrieval.index.fusion import fuse
from retrieval.index.sparse import encoder_of
from retrieval.metrics import score_retrieval
from retrieval.progress import Progress, silent
from retrieval.search_settings import SearchSettings

METRIC = "ndcg@10"
DENSE_SHARES = (0.5, 0.4, 0.6, 0.3, 0.7)
"""Weight of the dense branch in a sum of scores, the plainest first; the sparse branch has the rest."""
SCORE_CANDIDATES = 100
"""How many each branch brings to a sum of scores, as in Bruch, Gai and Ingber (TOIS 2023)."""
BATCH = 256


@dataclass(frozen=True)
class Tried:
    """Retrieval settings and what they reached on the validation questions."""

    settings: SearchSettings
    score: float


@dataclass(frozen=True)
class Branches:
    """What each branch found for a question, best first: every way to fuse them is tried on one search."""

    dense: Sequence[Hit]
    sparse: Sequence[Hit]

    def ranked(self, settings: SearchSettings) -> list[int]:
        """Chunk ids as a search with the settings ranks them, best first."""
        match settings.mode:
            case "dense":
                return [hit.id for hit in self.dense]
            case "sparse":
                return [hit.id for hit in self.sparse]
        return [hit.id for hit in fuse(settings, self.dense, self.sparse)]


def grid(start: SearchSettings) -> list[SearchSettings]:
    """The settings to try: those in force, each branch alone, fusion of ranks, and of scores over weights.

    Few, since the best of many on a small validation set is the luckiest: drawing 20 to 300 questions of
    SQuAD to choose on, these reached more on the rest than with weights and constants of rank fusion added.
    """
    deep = max(start.candidates, SCORE_CANDIDATES)
    equal = {"mode": "hybrid", "fusion": "rrf", "dense_weight": 1.0, "sparse_weight": 1.0, "rrf_k": 60}
    changes: list[dict[str, Any]] = [{}, {"mode": "dense"}, {"mode": "sparse"}, equal]
    changes += [
        {
            "mode": "hybrid",
            "fusion": "score",
            "dense_weight": share,
            "sparse_weight": round(1 - share, 3),
            "candidates": deep,
        }
        for share in DENSE_SHARES
    ]
    return [start.model_copy(update=change) for change in changes]


def choose_search_settings(
    catalog: Catalog,
    index: Index,
    embedder: Embedder,
    questions: Mapping[str, str],
    relevant: Mapping[str, Collection[str]],
    candidates: Sequence[SearchSettings],
    *,
    progress: Progress = silent,
) -> tuple[SearchSettings, list[Tried]]:
    """The settings with the best mean nDCG@10 over validation questions.

    Each question is searched once, by each branch alone; the settings are tried on what was found.

    Args:
        questions: id to question; ``relevant`` has the document ids of each.
        candidates: the settings to try, see :func:`grid`; a tie goes to the first.

    Returns:
        The settings chosen, and every one tried.
    """
    depth = max(settings.candidates for settings in candidates)
    names = list(questions)
    found: dict[str, Branches] = {}
    documents: dict[int, str] = {}
    for first in range(0, len(names), BATCH):
        progress("choosing retrieval settings", first, len(names))
        batch = names[first : first + BATCH]
        searched = _search_branches(index, embedder, [questions[name] for name in batch], depth)
        found |= dict(zip(batch, searched, strict=True))
        ids = {hit.id for one in searched for hit in (*one.dense, *one.sparse)} - documents.keys()
        documents |= {id: row.chunk.document_id for id, row in catalog.visible(index.name, sorted(ids)).items()}
    tried = []
    for settings in candidates:
        rankings = {
            name: [documents[id] for id in one.ranked(settings) if id in documents] for name, one in found.items()
        }
        scores = score_retrieval(rankings, relevant)
        tried.append(Tried(settings, float(np.mean([score[METRIC] for score in scores.values()]))))
    progress("choosing retrieval settings", len(names), len(names))
    best = max(tried, key=lambda one: one.score)
    return best.settings, tried


def _search_branches(index: Index, embedder: Embedder, questions: Sequence[str], depth: int) -> list[Branches]:
    vectors = embedder.encode_questions(questions)
    dense = index.query_batch([Query(vector, None, limit=depth) for vector in vectors])
    encode = encoder_of(index.sparse).encode_question
    sparse = index.query_batch([Query(None, encode(question), limit=depth) for question in questions])
    return [Branches(*pair) for pair in zip(dense, sparse, strict=True)]


def choose_abstention_threshold(
    similarities: Sequence[float], answerable: Sequence[bool], scores: Sequence[float]
) -> float:
    """The similarity below which to abstain without generating, by mean answer score on validation.

    Args:
        similarities: of the best passage, per question.
        answerable: whether the corpus holds an answer.
        scores: what the answers reached without a threshold, in [0, 1].

    Returns:
        The threshold; -1 where no threshold is better than none.
    """
    order = np.argsort(similarities)
    ranked = np.asarray(similarities)[order]
    gain = np.where(np.asarray(answerable)[order], 0.0, 1.0) - np.asarray(scores)[order]
    total = np.cumsum(gain)  # total[i]: what abstaining on the i + 1 least similar questions gains
    if not len(total) or total.max() <= 0:
        return -1.0
    best = int(total.argmax())
    following = ranked[best + 1] if best + 1 < len(ranked) else ranked[best]
    return round(float((ranked[best] + following) / 2), 4)
