"""Retrieval metrics against worked examples."""

import math

import pytest

from retrieval.metrics import score_retrieval


def test_hand_worked() -> None:
    """Documents by rank: c, a, b; a and b are relevant.

    DCG = 1/log2(3) + 1/log2(4), ideal DCG = 1/log2(2) + 1/log2(3).
    """
    rankings = {"q": ["c", "a", "a", "b"]}  # a by two chunks: its best rank counts, and it takes one place
    scores = score_retrieval(rankings, {"q": {"a", "b"}})
    ideal = 1 + 1 / math.log2(3)
    assert scores["q"] == pytest.approx(
        {
            "ndcg@10": (1 / math.log2(3) + 0.5) / ideal,  # 0.6934
            "mrr@10": 0.5,
            "recall@1": 0.0,
            "recall@5": 1.0,
            "recall@10": 1.0,
        }
    )


def test_cut_offs() -> None:
    ranking = [f"d{rank}" for rank in range(1, 21)]
    relevant = {"fifth": {"d5"}, "sixth": {"d6"}, "tenth": {"d10"}, "eleventh": {"d11"}}
    scores = score_retrieval(dict.fromkeys(relevant, ranking), relevant)
    assert [scores[question]["recall@5"] for question in relevant] == [1, 0, 0, 0]
    assert [scores[question]["recall@10"] for question in relevant] == [1, 1, 1, 0]
    assert [scores[question]["mrr@10"] for question in relevant] == pytest.approx([1 / 5, 1 / 6, 1 / 10, 0])
    assert scores["tenth"]["ndcg@10"] == pytest.approx(1 / math.log2(11))
    assert scores["eleventh"]["ndcg@10"] == 0


def test_what_found_nothing_scores_nothing() -> None:
    scores = score_retrieval({"q": [], "r": ["b"]}, {"q": {"a"}, "r": {"a"}})
    assert all(value == 0 for question in scores.values() for value in question.values())
    assert len(scores["q"]) == len(scores["r"]) == 5


def test_questions_without_relevant_documents_are_not_scored() -> None:
    assert score_retrieval({"q": ["a"]}, {"q": set()}) == {}
    assert score_retrieval({}, {}) == {}


def test_order_of_documents_with_equal_ids_as_text_does_not_matter() -> None:
    """A tie would be broken by id; ranks are distinct, so the order given is the order scored."""
    first = score_retrieval({"q": ["z", "a"]}, {"q": {"z"}})["q"]["recall@1"]
    second = score_retrieval({"q": ["a", "z"]}, {"q": {"z"}})["q"]["recall@1"]
    assert (first, second) == (1, 0)
