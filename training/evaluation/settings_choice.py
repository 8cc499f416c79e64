"""Chooses a release's retrieval settings on validation questions, never on test questions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from retrieval.catalog import Catalog
from retrieval.embedder import Embedder
from retrieval.index.base import Index
from retrieval.metrics import score_retrieval
from retrieval.progress import Progress, silent
from retrieval.search import Searcher
from retrieval.search_settings import SearchSettings

METRIC = "ndcg@10"
DENSE_SHARES = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
"""Weight of the dense branch; the sparse branch has the rest."""
RRF_KS = (1, 5, 20, 60)
"""Small constants trust the first ranks, large ones count how many branches agree."""


@dataclass(frozen=True)
class Tried:
    """Retrieval settings and what they reached on the validation questions."""

    settings: SearchSettings
    score: float


class RememberingEmbedder:
    """An embedder that embeds each question once, however many settings are tried with it."""

    def __init__(self, embedder: Embedder) -> None:
        self.fingerprint = embedder.fingerprint
        self._embedder = embedder
        self._known: dict[str, np.ndarray] = {}

    def encode_questions(self, texts: Sequence[str]) -> np.ndarray:
        """As :meth:`Embedder.encode_questions`."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known |= dict(zip(new, self._embedder.encode_questions(new), strict=True))
        return np.stack([self._known[text] for text in texts])


def grid(start: SearchSettings) -> list[SearchSettings]:
    """The settings to try: dense alone, BM25 alone, and hybrids over weight and fusion constant."""
    tried = [start, start.model_copy(update={"mode": "dense"}), start.model_copy(update={"mode": "sparse"})]
    for share in DENSE_SHARES:
        for k in RRF_KS:
            update = {"mode": "hybrid", "dense_weight": share, "sparse_weight": round(1 - share, 3), "rrf_k": k}
            tried.append(start.model_copy(update=update))
    return tried


def choose_search_settings(
    catalog: Catalog,
    index: Index,
    embedder: Embedder,
    questions: Mapping[str, str],
    relevant: Mapping[str, Collection[str]],
    start: SearchSettings,
    *,
    progress: Progress = silent,
) -> tuple[SearchSettings, list[Tried]]:
    """The settings with the best mean nDCG@10 over validation questions.

    A tie goes to the settings that come first in :func:`grid`, so to those in force.

    Args:
        questions: id to question; ``relevant`` has the document ids of each.

    Returns:
        The settings chosen, and every one tried.
    """
    remembering = RememberingEmbedder(embedder)
    names = list(questions)
    tried = []
    candidates = grid(start)
    for done, settings in enumerate(candidates):
        progress("choosing retrieval settings", done, len(candidates))
        searcher = Searcher(catalog, index, remembering, settings)  # type: ignore[arg-type]
        found = searcher.search_batch([questions[name] for name in names], top_k=max(10, settings.top_k))
        rankings = {name: [p.document_id for p in passages] for name, passages in zip(names, found, strict=True)}
        scores = score_retrieval(rankings, relevant)
        tried.append(Tried(settings, float(np.mean([score[METRIC] for score in scores.values()]))))
    progress("choosing retrieval settings", len(candidates), len(candidates))
    best = max(tried, key=lambda one: one.score)
    return best.settings, tried


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
