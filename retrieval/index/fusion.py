"""Fusion of a hybrid query's two rankings by their scores, alike for every backend.

The engine fuses by reciprocal ranks, which forget how far one chunk is ahead of the next, or by
standard deviations without weights. Min-max normalisation needs the scores of a whole branch, which
no formula of the engine sees: so the engine is asked for both branches at once, and they are added here.
"""

from collections.abc import Sequence
from typing import Any

from retrieval.index.base import Hit, Query, hits, ordered
from retrieval.search_settings import SearchSettings

Weighting = Query | SearchSettings
"""What says how to fuse: weights, candidates, constant."""


def concluded(query: Query, results: Sequence[Sequence[Any]]) -> list[Hit]:
    """What the engine's answers to the requests of one query come to.

    Args:
        results: the binding's points, with ``id`` and ``score``: no ranking where the query asks for
            nothing, one, or, where scores are fused, every chunk of both branches by cosine and then
            the BM25 branch where there is one.
    """
    if not results:
        return []
    if not query.by_score:
        return hits(query, results[0])
    near, words = results[0], results[1] if len(results) > 1 else ()
    scores = normalised_sum(query, near, words)
    return ordered(Hit(int(one.id), scores.get(int(one.id), 0.0), one.score) for one in near)[: query.limit]


def fuse(weighting: Weighting, dense: Sequence[Any], sparse: Sequence[Any]) -> list[Hit]:
    """What a hybrid query finds, from what each branch alone finds: to try many settings on one search.

    Args:
        dense, sparse: at least the best ``candidates`` of each branch, best first, with ``id`` and ``score``.
    """
    method = normalised_sum if weighting.fusion == "score" else reciprocal_ranks
    cosines = {int(one.id): one.score for one in dense}
    # A chunk that the dense branch does not put forward is less similar than those that it does.
    return ordered(Hit(id, score, cosines.get(id, -1.0)) for id, score in method(weighting, dense, sparse).items())


def normalised_sum(weighting: Weighting, dense: Sequence[Any], sparse: Sequence[Any]) -> dict[int, float]:
    """Convex sum of the min-max normalised scores of both branches (Bruch, Gai and Ingber, TOIS 2023), by id.

    A branch adds 0 to a chunk that is not among its best ``candidates``. Arguments as of :func:`fuse`.
    """
    depth = weighting.candidates
    # A chunk without a word of the question has BM25 0, and comes next where fewer than wanted have one.
    words = _min_max(sparse[:depth], least=0.0 if len(sparse) < depth else None)
    cosines = _min_max(dense[:depth])
    both = weighting.dense_weight + weighting.sparse_weight
    share = weighting.dense_weight / both if both else 0.5
    return {id: share * cosines.get(id, 0.0) + (1 - share) * words.get(id, 0.0) for id in cosines | words}


def reciprocal_ranks(weighting: Weighting, dense: Sequence[Any], sparse: Sequence[Any]) -> dict[int, float]:
    """What the engine's reciprocal rank fusion gives, by id. Arguments as of :func:`fuse`.

    The engine counts ranks from 0 and divides them by the weight: 1 / ((rank + 1) / weight + k - 1).
    """
    found: dict[int, float] = {}
    for weight, ranking in ((weighting.dense_weight, dense), (weighting.sparse_weight, sparse)):
        for rank, one in enumerate(ranking[: weighting.candidates] if weight else (), start=1):
            found[int(one.id)] = found.get(int(one.id), 0.0) + 1 / (rank / weight + weighting.rrf_k - 1)
    return found


def _min_max(ranking: Sequence[Any], least: float | None = None) -> dict[int, float]:
    """Scores of a ranking, best first, by id: its best becomes 1 and its least 0; all become 1 where they are equal.

    Args:
        least: None for the score of the last.
    """
    if not ranking:
        return {}
    best, least = ranking[0].score, ranking[-1].score if least is None else least
    return {int(one.id): (one.score - least) / (best - least) if best > least else 1.0 for one in ranking}
