"""Chooses a release's retrieval settings on validation questions, never on test questions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from retrieval.batches import batched
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
VISIBLE_AT_ONCE = 10_000
"""SQLite takes 32,766 parameters in one statement."""


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
    """The settings to try, the plainest first: sums of scores, those in force, ranks, and each branch alone.

    Few, since the best of many on a small validation set is the luckiest.
    """
    hybrid: dict[str, Any] = {"mode": "hybrid", "candidates": max(start.candidates, SCORE_CANDIDATES)}
    sums = [
        hybrid | {"fusion": "score", "dense_weight": share, "sparse_weight": round(1 - share, 3)}
        for share in DENSE_SHARES
    ]
    ranks = {"mode": "hybrid", "fusion": "rrf", "dense_weight": 1.0, "sparse_weight": 1.0, "rrf_k": 60}
    changes: list[dict[str, Any]] = [sums[0], {}, ranks, {"mode": "dense"}, {"mode": "sparse"}, *sums[1:]]
    return list(dict.fromkeys(start.model_copy(update=change) for change in changes))


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
    """The settings with the best mean nDCG@10 over validation questions, if they are clearly better than the first.

    Clearly is by more than a standard error of the mean difference (after the rule of Breiman, Friedman,
    Olshen and Stone, 1984): else the plainest stand, which with few questions to choose on reaches more on
    others. Each question is searched once, by each branch alone; the settings are tried on what was found.

    Args:
        questions: id to question; ``relevant`` has the document ids of each.
        candidates: the settings to try, the plainest first, see :func:`grid`.

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
        for some in batched(sorted(ids), VISIBLE_AT_ONCE):
            documents |= {id: row.chunk.document_id for id, row in catalog.visible(index.name, some).items()}
    values = []  # of each candidate, by question
    for settings in candidates:
        rankings = {
            name: [documents[id] for id in one.ranked(settings) if id in documents] for name, one in found.items()
        }
        values.append(np.array([score[METRIC] for score in score_retrieval(rankings, relevant).values()]))
    progress("choosing retrieval settings", len(names), len(names))
    tried = [Tried(*pair) for pair in zip(candidates, (float(one.mean()) for one in values), strict=True)]
    best = max(range(len(tried)), key=lambda one: tried[one].score)
    return candidates[best if _clearly_better(values[best] - values[0]) else 0], tried


def _clearly_better(differences: np.ndarray) -> bool:
    """Whether their mean is above its standard error; never for a single one."""
    n = len(differences)
    return bool(n > 1 and differences.mean() > differences.std(ddof=1) / np.sqrt(n))


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
        The threshold; -1 where none is clearly better than none at all, as in :func:`choose_search_settings`.
    """
    order = np.argsort(similarities)
    ranked = np.asarray(similarities)[order]
    gain = np.where(np.asarray(answerable)[order], 0.0, 1.0) - np.asarray(scores)[order]
    total = np.cumsum(gain)  # total[i]: what abstaining on the i + 1 least similar questions gains
    if not len(total) or total.max() <= 0:
        return -1.0
    best = int(total.argmax())
    if not _clearly_better(np.where(np.arange(len(gain)) <= best, gain, 0.0)):
        return -1.0
    following = ranked[best + 1] if best + 1 < len(ranked) else ranked[best]
    return round(float((ranked[best] + following) / 2), 4)
