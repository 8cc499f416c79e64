"""What a tuned reranker must show beyond the same system without it."""

import pytest

from training.evaluation import bootstrap
from training.evaluation.compared_systems import BASELINE, SETTINGS_ONLY
from training.evaluation.evaluate import RETRIEVAL_METRICS, ArmResult, Record
from training.evaluation.judgement import Judgement, judge

QUESTIONS = 60


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "RESAMPLES", 199)


def arm(name: str, found: int, *, reranker: bool = False, embedder: bool = False) -> ArmResult:
    """An arm that finds the documents of the first questions."""
    records = tuple(
        Record(
            id=str(number),
            question="How deep?",
            group=str(number),
            answers=("42 m",),
            document_ids=("a.md",),
            weak=False,
            ranked=("a.md",),
            similarity=0.5,
            retrieval=dict.fromkeys(RETRIEVAL_METRICS, float(number < found)),
        )
        for number in range(QUESTIONS)
    )
    return ArmResult(name, embedder, False, "r1", records, reranker_tuned=reranker)


def judged(without: int, reranked: int) -> Judgement:
    results = [arm(BASELINE, 20), arm(SETTINGS_ONLY, without), arm("reranker tuned", reranked, reranker=True)]
    return judge(results, "reranker tuned", [], [])


def test_a_reranker_whose_own_part_of_the_gain_is_not_proven_is_not_released() -> None:
    judgement = judged(23, 26)
    assert judgement.candidate.name == "reranker tuned"
    assert judgement.verdict.outcome == "kept"
    assert "from 'settings only', is not proven" in judgement.verdict.reasons[-1]
    assert "takes time for every question" in judgement.verdict.reasons[-1]


def test_a_reranker_that_is_better_than_search_without_it_is_released() -> None:
    judgement = judged(20, 30)
    assert (judgement.candidate.name, judgement.verdict.outcome) == ("reranker tuned", "promoted")


def test_where_search_without_it_gains_as_much_that_is_released() -> None:
    judgement = judged(30, 32)
    assert (judgement.candidate.name, judgement.verdict.outcome) == ("settings only", "promoted")
