"""The sums of a fusion, against hand computation."""

from dataclasses import dataclass

import pytest

from retrieval.index.fusion import fuse, normalised_sum
from retrieval.search_settings import SearchSettings


@dataclass
class Scored:
    id: int
    score: float


DENSE = [Scored(1, 0.9), Scored(2, 0.7), Scored(3, 0.5)]
SPARSE = [Scored(3, 8.0), Scored(4, 6.0), Scored(1, 2.0)]


def weighting(dense: float, sparse: float, candidates: int = 3) -> SearchSettings:
    return SearchSettings(fusion="score", dense_weight=dense, sparse_weight=sparse, candidates=candidates)


def test_scores_are_scaled_from_the_least_to_the_best_of_each_branch() -> None:
    found = normalised_sum(weighting(0.25, 0.75), DENSE, SPARSE)
    # Dense 1, 0.5, 0 for 1, 2, 3; BM25 1, 4 / 6, 0 for 3, 4, 1.
    assert found == pytest.approx({1: 0.25, 2: 0.125, 3: 0.75, 4: 0.5})


def test_weights_are_shares_whatever_their_sum() -> None:
    assert normalised_sum(weighting(2, 6), DENSE, SPARSE) == normalised_sum(weighting(0.25, 0.75), DENSE, SPARSE)
    assert normalised_sum(weighting(0, 0), DENSE, SPARSE).keys() == {1, 2, 3, 4}


def test_where_few_chunks_have_a_word_the_least_bm25_is_that_of_the_others() -> None:
    found = normalised_sum(weighting(0.5, 0.5, candidates=10), DENSE, SPARSE)
    assert found == pytest.approx({1: 0.5 + 0.5 * 2 / 8, 2: 0.25, 3: 0.5, 4: 0.5 * 6 / 8})


def test_only_the_candidates_of_each_branch_count() -> None:
    found = normalised_sum(weighting(0.5, 0.5, candidates=2), DENSE, SPARSE)
    assert found == pytest.approx({1: 0.5, 2: 0.0, 3: 0.5, 4: 0.0})


def test_equal_scores_and_empty_branches() -> None:
    assert normalised_sum(weighting(0.5, 0.5), [Scored(1, 0.4), Scored(2, 0.4)], []) == {1: 0.5, 2: 0.5}
    assert normalised_sum(weighting(0.5, 0.5), [], [Scored(7, 3.0)]) == {7: 0.5}
    assert normalised_sum(weighting(0.5, 0.5), [], []) == {}


def test_of_equal_sums_the_more_similar_comes_first() -> None:
    # 3 leads BM25 and is last by cosine: 0.5, as is 1; 1 is the more similar.
    assert [hit.id for hit in fuse(weighting(0.5, 0.5), DENSE, SPARSE)] == [1, 3, 4, 2]
