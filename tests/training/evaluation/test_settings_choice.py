"""Retrieval settings and thresholds chosen on validation."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, ClassVar, cast

import numpy as np
import pytest

from retrieval.index.base import Hit, Query
from retrieval.index.sparse import Encoder
from retrieval.search_settings import SearchSettings
from training.evaluation.evaluate import ArmResult, Record, abstaining_below
from training.evaluation.settings_choice import Tried, choose_abstention_threshold, choose_search_settings, grid


def test_the_threshold_separates_what_cannot_be_answered() -> None:
    similarities = [0.1, 0.2, 0.6, 0.7]
    threshold = choose_abstention_threshold(similarities, [False, False, True, True], [0.0, 0.0, 0.9, 0.8])
    assert threshold == pytest.approx(0.4)


def test_no_threshold_where_abstaining_costs_more_than_it_gains() -> None:
    assert choose_abstention_threshold([0.1, 0.9], [True, False], [0.9, 1.0]) == -1.0
    assert choose_abstention_threshold([], [], []) == -1.0


def test_a_question_that_is_answered_wrongly_loses_nothing_by_abstaining() -> None:
    # The answerable one scores 0 anyway; the unanswerable ones above it are worth a point each.
    threshold = choose_abstention_threshold([0.2, 0.3, 0.4, 0.8], [True, False, False, True], [0.0, 0.0, 0.0, 1.0])
    assert 0.4 < threshold < 0.8


def test_one_lucky_question_sets_no_threshold() -> None:
    assert choose_abstention_threshold([0.2, 0.3, 0.8], [True, False, True], [0.0, 0.0, 1.0]) == -1.0


def test_few_settings_are_tried_and_those_in_force_are_among_them() -> None:
    start = SearchSettings(fusion="rrf", dense_weight=0.123, rrf_k=7, top_k=3, per_document=2)
    tried = grid(start)
    assert (tried[0].fusion, tried[0].dense_weight) == ("score", tried[0].sparse_weight), "the plainest"
    assert start in tried
    assert {settings.mode for settings in tried} == {"dense", "sparse", "hybrid"}
    assert {settings.fusion for settings in tried if settings.mode == "hybrid"} == {"rrf", "score"}
    assert all(settings.top_k == 3 and settings.per_document == 2 for settings in tried)
    assert all(settings.candidates >= 100 for settings in tried if settings.fusion == "score")
    assert len(tried) <= 12, "of many, the best on few questions is the luckiest"


class Words:
    """Counts what it embeds; the index below does not look at the vectors."""

    def __init__(self) -> None:
        self.embedded: list[str] = []

    def encode_questions(self, texts: Sequence[str]) -> np.ndarray:
        self.embedded += texts
        return np.ones((len(texts), 2), dtype=np.float32)


class Canned:
    """An index, and a catalog, of chunks 1 to 4, one of each document but 4, which may not be seen.

    1 leads the cosines by far and is last of the words; 2 is second twice, by far; 3 leads the words barely.
    """

    name = "canned"
    sparse = Encoder(("en",)).scheme
    by_meaning: ClassVar = {4: 0.95, 1: 0.9, 2: 0.2, 3: 0.1}
    by_words: ClassVar = {3: 9.0, 1: 8.9, 2: 1.0}

    def __init__(self) -> None:
        self.searches = 0

    def query_batch(self, queries: Sequence[Query]) -> list[list[Hit]]:
        self.searches += len(queries)
        found = [self.by_meaning if query.sparse is None else self.by_words for query in queries]
        return [[Hit(id, score, None) for id, score in scores.items()] for scores in found]

    def visible(self, collection: str, ids: Sequence[int]) -> dict[int, Any]:
        assert len(ids) <= 32_766, "as many parameters as SQLite takes"
        return {id: SimpleNamespace(chunk=SimpleNamespace(document_id=f"d{id}")) for id in ids if id != 4}


class Large(Canned):
    """The same, with more chunks than one statement takes."""

    by_meaning: ClassVar = Canned.by_meaning | dict.fromkeys(range(10, 40_000), 0.0)


def choose(
    relevant: dict[str, list[str]], candidates: Sequence[SearchSettings], index: Canned | None = None
) -> tuple[SearchSettings, list[Tried], Canned, Words]:
    held, embedder = cast("Any", index or Canned()), cast("Any", Words())
    questions = {name: f"{name}?" for name in relevant}
    return (*choose_search_settings(held, held, embedder, questions, relevant, candidates), held, embedder)


def test_a_sum_of_scores_is_chosen_where_ranks_hide_how_far_one_is_ahead() -> None:
    ranks = SearchSettings(
        fusion="rrf", sparse_weight=3.0, rrf_k=1
    )  # 3 first, though 1 is as good by words and far more similar
    scores = SearchSettings(fusion="score")
    chosen, tried, held, embedder = choose({"a": ["d1"], "b": ["d1"]}, [ranks, scores])
    assert chosen == scores
    assert [one.score for one in tried] == pytest.approx([1 / np.log2(3), 1.0])
    assert held.searches == 4, "each question once by each branch, however many settings are tried"
    assert embedder.embedded == ["a?", "b?"]


def test_each_branch_alone_can_be_chosen_and_what_may_not_be_seen_counts_for_nothing() -> None:
    assert choose({"a": ["d3"], "b": ["d3"]}, grid(SearchSettings()))[0].mode == "sparse"
    alone = [SearchSettings(mode="dense"), SearchSettings(mode="sparse")]
    tried = {one.settings.mode: one.score for one in choose({"a": ["d1"]}, alone)[1]}
    assert tried == pytest.approx({"dense": 1.0, "sparse": 1 / np.log2(3)})


def test_more_chunks_than_one_statement_takes() -> None:
    assert choose({"a": ["d1"]}, [SearchSettings(mode="dense")], Large())[1][0].score == 1.0


def test_a_tie_goes_to_the_first() -> None:
    candidates = [SearchSettings(dense_weight=weight) for weight in (0.7, 1.0, 0.3)]
    assert choose({"a": ["d9"]}, candidates)[0] == candidates[0]


@pytest.mark.parametrize(("gained", "lost", "mode"), [(2, 1, "hybrid"), (9, 1, "sparse"), (1, 0, "hybrid")])
def test_the_plainest_stand_unless_others_are_better_by_more_than_a_standard_error(
    gained: int, lost: int, mode: str
) -> None:
    # By words alone d3 comes first and d1 second, by the sum it is the other way round.
    relevant = {f"gained {i}": ["d3"] for i in range(gained)} | {f"lost {i}": ["d1"] for i in range(lost)}
    chosen, tried, _, _ = choose(relevant, [SearchSettings(fusion="score"), SearchSettings(mode="sparse")])
    assert chosen.mode == mode
    assert tried[1].score > tried[0].score


def test_a_threshold_turns_answers_into_abstentions_without_generating() -> None:
    def record(name: str, similarity: float, answers: tuple[str, ...]) -> Record:
        return Record(
            id=name,
            question=f"{name}?",
            group=name,
            answers=answers,
            document_ids=(),
            weak=False,
            ranked=(),
            retrieval=None,
            similarity=similarity,
            answer="42 mm",
            outcome="correct" if answers else "hallucinated",
            exact_match=float(bool(answers)),
            answer_score=float(bool(answers)),
            f1=float(bool(answers)),
            rouge_l=float(bool(answers)),
        )

    result = ArmResult(
        "a", False, False, "r", (record("low", 0.2, ()), record("skip", 0.2, ("x",)), record("high", 0.8, ("42 mm",)))
    )
    after = abstaining_below(result, 0.5, "No.")
    assert [one.outcome for one in after.records] == ["correctly_abstained", "skipped", "correct"]
    assert [one.answer_score for one in after.records] == [1.0, 0.0, 1.0]
    assert [one.answer for one in after.records] == ["No.", "No.", "42 mm"]
