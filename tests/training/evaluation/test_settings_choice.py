"""Retrieval settings and thresholds chosen on validation."""

import pytest

from retrieval.search_settings import SearchSettings
from training.evaluation.evaluate import ArmResult, Record, abstaining_below
from training.evaluation.settings_choice import choose_abstention_threshold, grid


def test_the_threshold_separates_what_cannot_be_answered() -> None:
    similarities = [0.1, 0.2, 0.6, 0.7]
    threshold = choose_abstention_threshold(similarities, [False, False, True, True], [0.0, 0.0, 0.9, 0.8])
    assert threshold == pytest.approx(0.4)


def test_no_threshold_where_abstaining_costs_more_than_it_gains() -> None:
    assert choose_abstention_threshold([0.1, 0.9], [True, False], [0.9, 1.0]) == -1.0
    assert choose_abstention_threshold([], [], []) == -1.0


def test_a_question_that_is_answered_wrongly_loses_nothing_by_abstaining() -> None:
    # The answerable one scores 0 anyway; the unanswerable one above it is worth a point.
    threshold = choose_abstention_threshold([0.2, 0.3, 0.8], [True, False, True], [0.0, 0.0, 1.0])
    assert 0.3 < threshold < 0.8


def test_the_settings_in_force_come_first_so_that_a_tie_changes_nothing() -> None:
    start = SearchSettings(dense_weight=0.123, rrf_k=7, top_k=3, per_document=2)
    tried = grid(start)
    assert tried[0] == start
    assert {settings.mode for settings in tried} == {"dense", "sparse", "hybrid"}
    assert all(settings.top_k == 3 and settings.per_document == 2 for settings in tried)


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
