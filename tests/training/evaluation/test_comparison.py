"""Paired cluster bootstrap and McNemar: known answers, clusters, and cases where nothing can be said."""

import numpy as np
import pytest

from training.evaluation.bootstrap import MIN_GROUPS
from training.evaluation.comparison import LABELS, compare, compare_arms
from training.evaluation.evaluate import ArmResult, Record
from training.evaluation.significance import mcnemar


def own_groups(count: int) -> list[str]:
    return [f"g{i}" for i in range(count)]


def noisy(count: int, shift: float, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    before = rng.uniform(0.2, 0.6, count)
    return before, before + shift + rng.normal(0, 0.1, count)


def test_a_clear_gain_has_its_interval_above_zero() -> None:
    before, after = noisy(200, 0.1)
    found = compare("ndcg@10", before, after, own_groups(200))
    assert found.low is not None
    assert found.high is not None
    assert found.difference == pytest.approx(found.candidate - found.baseline)
    assert found.low < found.difference < found.high
    # The normal approximation: 1.96 standard errors to each side.
    half = 1.96 * np.std(after - before, ddof=1) / np.sqrt(200)
    assert found.low == pytest.approx(found.difference - half, abs=0.1 * half)
    assert found.high == pytest.approx(found.difference + half, abs=0.1 * half)
    assert (found.direction, found.n, found.groups, found.method) == ("better", 200, 200, "BCa bootstrap")
    assert found.p is None
    assert found.note == ""


def test_swapping_the_arms_mirrors_the_result() -> None:
    before, after = noisy(120, 0.08)
    there, back = compare("ndcg@10", before, after, own_groups(120)), compare("ndcg@10", after, before, own_groups(120))
    assert back.direction == "worse"
    assert there.low is not None
    assert back.high is not None
    assert back.high == pytest.approx(-there.low, abs=0.005)


def test_noise_is_unclear() -> None:
    before, after = noisy(60, 0.0)
    assert compare("ndcg@10", before, after, own_groups(60)).direction == "unclear"


def test_questions_of_one_group_do_not_count_as_independent() -> None:
    before, after = noisy(20, 0.02)
    copies = 10
    wide = compare(
        "ndcg@10", np.repeat(before, copies), np.repeat(after, copies), [f"g{i // copies}" for i in range(200)]
    )
    narrow = compare("ndcg@10", np.repeat(before, copies), np.repeat(after, copies), own_groups(200))
    single = compare("ndcg@10", before, after, own_groups(20))
    assert (wide.n, wide.groups) == (200, 20)
    assert wide.low is not None
    assert wide.high is not None
    assert narrow.low is not None
    assert narrow.high is not None
    assert wide.high - wide.low > 2.5 * (narrow.high - narrow.low)  # about sqrt(10)
    assert (wide.low, wide.high) == pytest.approx((single.low, single.high))


def test_the_difference_is_per_question_not_per_group() -> None:
    found = compare("ndcg@10", [0.0] * 10, [1.0, 1, 1, 1, 0, 0, 0, 0, 0, 0], ["big"] * 4 + own_groups(6))
    assert found.difference == pytest.approx(0.4)
    assert found.groups == 7


def test_a_group_is_drawn_with_its_own_number_of_questions() -> None:
    # Group i has i questions, all better by about 0.1: however groups are drawn, the mean is about 0.1.
    rng = np.random.default_rng(0)
    groups = [f"g{i}" for i in range(1, 21) for _ in range(i)]
    after = 0.1 + rng.normal(0, 0.01, len(groups))
    found = compare("ndcg@10", np.zeros(len(groups)), after, groups)
    assert found.low is not None
    assert found.high is not None
    assert found.high - found.low < 0.01


def test_the_same_seed_gives_the_same_interval() -> None:
    before, after = noisy(50, 0.05)
    first, again = (compare("ndcg@10", before, after, own_groups(50)) for _ in range(2))
    assert first == again


def test_a_lower_confidence_is_narrower() -> None:
    before, after = noisy(80, 0.05)
    wide = compare("ndcg@10", before, after, own_groups(80))
    narrow = compare("ndcg@10", before, after, own_groups(80), confidence=0.68)
    assert wide.low is not None
    assert narrow.low is not None
    assert narrow.low > wide.low


@pytest.mark.parametrize("groups", [1, 2, MIN_GROUPS - 1])
def test_too_few_groups_give_no_interval(groups: int) -> None:
    found = compare("hallucinated", [0.0] * 40, [1.0] * 40, [f"g{i % groups}" for i in range(40)])
    assert (found.low, found.high, found.method) == (None, None, "none")
    assert str(groups) in found.note
    assert "chance" in found.note
    assert found.direction == "unclear"


def test_no_change_at_all_does_not_claim_certainty() -> None:
    few, many = (compare("ndcg@10", [0.3] * n, [0.3] * n, own_groups(n)) for n in (10, 1000))
    assert few.low is not None
    assert few.high is not None
    assert many.high is not None
    assert few.low == -few.high
    assert (1 - few.high) ** 10 == pytest.approx(0.05), "the share at which ten equal groups come one time in twenty"
    assert many.high == pytest.approx(3 / 1000, rel=0.01)
    assert (few.difference, few.direction, few.same) == (0.0, "unclear", True)
    assert few.note == "the same on every question; that leaves room for up to 26% of other groups to differ"
    assert few.method == "rule of three"


def test_no_change_is_said_of_a_handful_of_groups_too() -> None:
    found = compare("hallucinated", [0.0, 1.0], [0.0, 1.0], own_groups(2))
    assert (found.same, found.method) == (True, "rule of three")
    assert found.high == pytest.approx(1 - 0.05**0.5), "which claims next to nothing"


def test_questions_that_cancel_out_within_their_group_are_not_the_same() -> None:
    before, groups = [0.0, 1.0] * 10, [f"g{i // 2}" for i in range(20)]
    found = compare("correct", before, [1.0 - one for one in before], groups)
    assert (found.difference, found.same, found.method) == (0.0, False, "exact bound")
    assert found.high == pytest.approx(1 - 0.025**0.1)
    assert "no group" in found.note


def test_a_unanimous_change_is_significant_once_there_are_enough_groups() -> None:
    found = compare("hallucinated", [0.0] * MIN_GROUPS, [1.0] * MIN_GROUPS, own_groups(MIN_GROUPS))
    assert found.low is not None
    assert 0 < found.low < 0.2
    assert found.high == 1.0
    assert found.direction == "worse"  # more hallucination is worse


def test_one_change_in_a_hundred_may_be_chance() -> None:
    after = [0.0] * 99 + [1.0]
    found = compare("correct", [0.0] * 100, after, own_groups(100))
    assert found.low == 0.0
    assert found.high is not None
    assert found.high > 0.01
    assert found.direction == "unclear"


def test_mcnemar_counts_the_flips() -> None:
    # 6 gained, 1 lost: 2 * (1 + 7) / 2**7.
    before, after = [0, 0, 0, 0, 0, 0, 1, 1, 0], [1, 1, 1, 1, 1, 1, 0, 1, 0]
    assert mcnemar(before, after) == pytest.approx(2 * (1 + 7) / 2**7)
    assert mcnemar([1, 0], [1, 0]) == 1.0
    assert mcnemar([0.5, 0], [1, 0]) is None


@pytest.mark.parametrize(("before", "after", "groups"), [([], [], []), ([1.0], [1.0, 0.0], ["a"]), ([1.0], [0.0], [])])
def test_values_must_be_paired(before: list[float], after: list[float], groups: list[str]) -> None:
    with pytest.raises(ValueError, match="expected as many of each"):
        compare("ndcg@10", before, after, groups)


def record(
    name: str, ndcg: float | None, f1: float | None, *, answerable: bool = True, abstains: bool = False
) -> Record:
    outcome = None
    if f1 is not None:
        outcome = (
            ("skipped" if abstains else "correct" if f1 >= 0.5 else "wrong")
            if answerable
            else ("correctly_abstained" if abstains else "hallucinated")
        )
    return Record(
        id=name,
        question=name,
        group=name,
        answers=("x",) if answerable else (),
        document_ids=(),
        weak=False,
        ranked=(),
        similarity=None,
        retrieval=None
        if ndcg is None
        else dict.fromkeys(("ndcg@10", "mrr@10", "recall@1", "recall@5", "recall@10"), ndcg),
        answer=None if f1 is None else "x",
        outcome=outcome,  # type: ignore[arg-type]
        answer_score=f1,
        exact_match=f1,
        f1=f1,
        rouge_l=f1,
        squad_exact_match=f1,
        squad_f1=f1,
    )


def test_each_metric_is_compared_over_the_questions_that_it_applies_to() -> None:
    answerable = [record(f"a{i}", 0.5, 0.4) for i in range(8)] + [record("skip", 0.5, 0.0, abstains=True)]
    unanswerable = [record(f"u{i}", None, 1.0, answerable=False, abstains=True) for i in range(7)]
    arm = ArmResult("x", False, False, "", (*answerable, *unanswerable))
    found = {one.metric: one for one in compare_arms(arm, arm)}
    assert set(found) == set(LABELS)
    assert found["ndcg@10"].n == found["answerable_score"].n == found["skipped"].n == 9
    assert found["answer_score"].n == found["exact_match"].n == 16
    assert found["hallucinated"].n == 7
    assert found["skipped"].baseline == pytest.approx(1 / 9)
    assert found["hallucinated"].p == 1.0


def test_arms_that_only_search_are_compared_on_retrieval_alone() -> None:
    arm = ArmResult("x", False, False, "", tuple(record(f"a{i}", 0.5, None) for i in range(8)))
    assert [one.metric for one in compare_arms(arm, arm)] == ["ndcg@10", "mrr@10", "recall@1", "recall@5", "recall@10"]


def test_arms_must_have_seen_the_same_questions() -> None:
    one, other = (ArmResult(name, False, False, "", (record(name, 1.0, 1.0),)) for name in ("a", "b"))
    with pytest.raises(ValueError, match="differ in their questions"):
        compare_arms(one, other)


def test_json_says_which_way_it_went() -> None:
    before, after = noisy(50, 0.2)
    found = compare("mrr@10", before, after, own_groups(50))
    value = found.to_json()
    assert value["label"] == "MRR@10"
    assert value["direction"] == "better"
    assert value["n"] == 50
