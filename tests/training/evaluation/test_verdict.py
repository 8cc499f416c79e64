"""Verdicts, their reasons, and the choice of an arm."""

import re
from dataclasses import replace

import pytest

from training.evaluation.comparison import Comparison
from training.evaluation.evaluate import ArmResult, Record
from training.evaluation.verdict import PRIMARY, Alternative, Check, alternatives_to, choose_arm, decide, in_words


def compared(
    metric: str,
    before: float,
    after: float,
    margin: float | None = 0.03,
    *,
    n: int = 210,
    groups: int = 90,
    note: str = "",
) -> Comparison:
    difference = after - before
    low, high = (None, None) if margin is None else (difference - margin, difference + margin)
    return Comparison(metric, before, after, difference, low, high, n, groups, None, "BCa bootstrap", note)


BETTER = compared("ndcg@10", 0.78, 0.84)
SAME_RETRIEVAL = compared("ndcg@10", 0.90, 0.91)
SAME = compared("answer_score", 0.50, 0.51)
WORSE = compared("answer_score", 0.50, 0.40)
MORE_MADE_UP = compared("hallucinated", 0.10, 0.30)


def test_a_primary_metric_above_zero_promotes() -> None:
    verdict = decide([BETTER, SAME])
    assert verdict.outcome == "promoted"
    assert verdict.reasons[0] == "nDCG@10 rose from 0.78 to 0.84 (+0.06, 95 % interval +0.03 to +0.09, n = 210)."
    assert "Answer score rose from 0.500 to 0.510, which may be chance" in verdict.reasons[1]


@pytest.mark.parametrize(
    ("comparisons", "outcome"),
    [
        ([BETTER, compared("answer_score", 0.5, 0.6)], "promoted"),
        ([SAME], "kept"),
        ([compared("ndcg@10", 0.8, 0.81), SAME], "kept"),
        ([BETTER, WORSE], "rejected"),
        ([WORSE], "rejected"),
        ([BETTER, SAME, MORE_MADE_UP], "kept"),
        ([BETTER, WORSE, MORE_MADE_UP], "rejected"),
        ([BETTER, SAME, compared("hallucinated", 0.3, 0.1)], "promoted"),
        ([BETTER, SAME, compared("recall@1", 0.9, 0.1)], "promoted"),  # not a primary metric
        ([compared("ndcg@10", 0.5, 0.9, margin=None)], "kept"),  # a gain without an interval proves nothing
        ([], "kept"),
    ],
)
def test_outcomes(comparisons: list[Comparison], outcome: str) -> None:
    verdict = decide(comparisons)
    assert verdict.outcome == outcome
    assert verdict.reasons


def test_an_interval_that_touches_zero_is_not_better() -> None:
    touching = replace(BETTER, low=0.0, high=0.12)
    assert decide([touching]).outcome == "kept"
    assert decide([replace(BETTER, low=0.0001, high=0.12)]).outcome == "promoted"


def test_a_failed_check_rejects_whatever_the_metrics_say() -> None:
    verdict = decide([BETTER], [Check("files intact", True), Check("loss finite", False, "found NaN at step 12")])
    assert verdict.outcome == "rejected"
    assert verdict.reasons[0] == "Check failed: loss finite: found NaN at step 12"


def test_what_is_kept_says_why() -> None:
    assert any("better beyond chance" in reason for reason in decide([SAME]).reasons)
    reasons = decide([BETTER, SAME, MORE_MADE_UP]).reasons
    assert any("makes up more answers" in reason for reason in reasons)
    assert any(reason.startswith("Hallucination rate rose from 0.10 to 0.30") for reason in reasons)
    assert any("could be measured" in reason for reason in decide([]).reasons)


def test_small_samples_are_called_small() -> None:
    few = decide([compared("ndcg@10", 0.5, 0.9, n=12, groups=9)])
    assert any(
        "Small sample" in reason
        and "12 test questions in 9 independent groups (questions about the same or nearly the same documents" in reason
        for reason in few.reasons
    )
    assert not any("Small sample" in reason for reason in decide([BETTER, SAME]).reasons)


def test_arms_that_do_the_same_are_said_to_do_the_same() -> None:
    note = "the same on every question; that leaves room for up to 12% of other groups to differ"
    same = replace(compared("ndcg@10", 0.8, 0.8, 0.12, n=40, groups=23, note=note), method="rule of three")
    assert in_words(same) == f"nDCG@10 stayed at 0.800: {note} (n = 40, 23 groups)."
    verdict = decide([same])
    assert verdict.outcome == "kept"
    assert any("does the same as the old release on every question" in reason for reason in verdict.reasons)
    cheaper = decide([BETTER], alternatives=[Alternative("hybrid search", same)]).reasons
    assert any("no proven gain (the same on every question, n = 40)" in reason for reason in cheaper)


def test_saturated_retrieval_is_said() -> None:
    reasons = decide([compared("ndcg@10", 0.99, 0.992, margin=0.01), SAME]).reasons
    assert any("saturated" in reason and "0.990" in reason for reason in reasons)
    assert not any("saturated" in reason for reason in decide([BETTER]).reasons)


def test_a_gain_from_abstention_alone_is_said() -> None:
    gain = compared("answer_score", 0.4, 0.6)
    alone = decide([gain, compared("answerable_score", 0.5, 0.5)]).reasons
    assert any("abstain_below" in reason for reason in alone)
    real = decide([gain, compared("answerable_score", 0.4, 0.6)]).reasons
    assert not any("abstain_below" in reason for reason in real)


def test_a_cheaper_way_that_does_as_well_is_named() -> None:
    hybrid = Alternative("hybrid search with the untouched embedder", compared("ndcg@10", 0.83, 0.84))
    reasons = decide([BETTER], alternatives=[hybrid]).reasons
    assert any(
        reason.startswith("Hybrid search with the untouched embedder would do alone: nDCG@10 0.830; beside it")
        for reason in reasons
    )
    beaten = Alternative(hybrid.description, compared("ndcg@10", 0.70, 0.84))
    assert not any("would do" in reason for reason in decide([BETTER], alternatives=[beaten]).reasons)
    no_gain = decide([compared("ndcg@10", 0.80, 0.80)], alternatives=[hybrid]).reasons
    assert not any("would do" in reason for reason in no_gain)


def test_remaining_inventions_are_counted() -> None:
    reasons = decide([BETTER], outcomes={"hallucinated": 3, "correctly_abstained": 9}).reasons
    assert any("3 of 12 questions" in reason for reason in reasons)


@pytest.mark.parametrize(
    ("comparison", "sentence"),
    [
        (WORSE, "Answer score fell from 0.50 to 0.40 (-0.10, 95 % interval -0.13 to -0.07, n = 210)."),
        (
            compared("ndcg@10", 0.8, 0.8),
            "nDCG@10 stayed at 0.800 (+0.000, 95 % interval -0.030 to +0.030, n = 210).",
        ),
        (
            compared("ndcg@10", 0.5, 0.9, None, n=3, note="only 3 groups"),
            "nDCG@10 rose from 0.50 to 0.90, which may be chance (+0.40, no interval, only 3 groups, n = 3).",
        ),
    ],
)
def test_sentences(comparison: Comparison, sentence: str) -> None:
    assert in_words(comparison) == sentence


def test_every_reason_is_a_sentence() -> None:
    few = compared("answer_score", 0.4, 0.6, n=20)
    verdict = decide([BETTER, few, MORE_MADE_UP], outcomes={"hallucinated": 1})
    assert all(re.match(r"[A-Zn].*\.$", reason) for reason in verdict.reasons)
    assert verdict.outcome == "kept"


def arm(name: str, ndcg: float, score: float, *, embedder: bool, generator: bool, jitter: float = 0.0) -> ArmResult:
    """An arm over 60 questions; ``jitter`` moves every other question up and the others down."""
    records = []
    for i in range(60):
        shift = jitter if i % 2 else -jitter
        records.append(
            Record(
                id=f"q{i}",
                question="?",
                group=f"g{i}",
                answers=("x",),
                document_ids=(),
                weak=False,
                ranked=(),
                similarity=None,
                retrieval=dict.fromkeys(("ndcg@10", "mrr@10", "recall@1", "recall@5", "recall@10"), ndcg + shift),
                answer="x",
                outcome="correct",
                exact_match=score,
                answer_score=score + shift,
                f1=score + shift,
                rouge_l=score,
            )
        )
    return ArmResult(name, embedder, generator, "", tuple(records))


def test_the_best_tuned_arm_is_chosen() -> None:
    arms = [
        arm("embedder tuned", 0.8, 0.4, embedder=True, generator=False),
        arm("generator tuned", 0.6, 0.5, embedder=False, generator=True),
        arm("both tuned", 0.8, 0.6, embedder=True, generator=True, jitter=0.05),
    ]
    assert choose_arm(arms) == "both tuned"
    assert choose_arm(arms[:2]) == "embedder tuned"


def test_fewer_changes_win_within_noise() -> None:
    simple = arm("generator tuned", 0.70, 0.60, embedder=False, generator=True)
    both = arm("both tuned", 0.705, 0.605, embedder=True, generator=True, jitter=0.2)
    assert choose_arm([simple, both]) == "generator tuned"
    clear = arm("both tuned", 0.705, 0.65, embedder=True, generator=True, jitter=0.02)
    assert choose_arm([simple, clear]) == "both tuned"


def test_what_needs_no_training_is_an_alternative() -> None:
    settings = arm("settings only", 0.7, 0.5, embedder=False, generator=False)
    dense = [arm("dense", 0.5, 0.0, embedder=tuned, generator=False) for tuned in (False, True)]
    generator = arm("generator tuned", 0.7, 0.8, embedder=False, generator=True)
    found = alternatives_to(generator, [settings, generator], dense)
    assert {one.description for one in found} == {
        "the untouched models with settings and threshold chosen on validation"
    }
    assert {(one.comparison.metric, round(one.comparison.difference, 6)) for one in found} == {
        ("ndcg@10", 0.0),
        ("answer_score", 0.3),
    }
    both = arm("both tuned", 0.9, 0.8, embedder=True, generator=True)
    against_dense = [one for one in alternatives_to(both, [settings, both], dense) if "dense" in one.description]
    assert {one.description for one in against_dense} == {"the untouched embedder: dense"}
    assert round(against_dense[0].comparison.difference, 6) == 0.4


def test_what_trains_nothing_is_chosen_where_training_adds_nothing() -> None:
    settings = arm("settings only", 0.7, 0.5, embedder=False, generator=False)
    prompt = replace(arm("prompt only", 0.7, 0.62, embedder=False, generator=False), prompt_changed=True)
    noise = replace(arm("both tuned", 0.705, 0.625, embedder=True, generator=True, jitter=0.2), prompt_changed=True)
    assert choose_arm([settings, prompt, noise]) == "prompt only"
    assert choose_arm([settings, noise]) == "both tuned"
    level = replace(arm("prompt only", 0.7, 0.5001, embedder=False, generator=False, jitter=0.2), prompt_changed=True)
    assert choose_arm([settings, level]) == "settings only"


def test_no_training_is_said_where_none_is_needed() -> None:
    assert any(reason.startswith("No fine-tuning is needed") for reason in decide([BETTER], trained=False).reasons)
    assert not any(reason.startswith("No fine-tuning") for reason in decide([BETTER]).reasons)


def test_nothing_to_choose_from_is_misuse() -> None:
    with pytest.raises(ValueError, match="no arm"):
        choose_arm([])


def test_primary_metrics() -> None:
    assert PRIMARY == ("ndcg@10", "answer_score")


def test_a_gain_that_comes_from_refusing_answerable_questions_is_not_taken() -> None:
    gain, skips = compared("answer_score", 0.06, 0.16), compared("skipped", 0.59, 0.94)
    verdict = decide([SAME_RETRIEVAL, gain, skips, compared("answerable_score", 0.01, 0.01)])
    assert verdict.outcome == "kept"
    assert any("it refuses more. It skips 94% " in reason for reason in verdict.reasons)
    assert decide([BETTER, gain, compared("skipped", 0.59, 0.65)]).outcome == "promoted"  # retrieval is better too
    few = compared("skipped", 0.59, 0.65)
    assert decide([gain, few, compared("answerable_score", 0.2, 0.4)]).outcome == "promoted"
    assert decide([gain, compared("skipped", 0.59, 0.58)]).outcome == "promoted"


def test_a_gain_that_few_questions_may_give_by_chance_is_not_taken() -> None:
    sure, unsure = replace(BETTER, randomization_p=0.04), replace(BETTER, randomization_p=0.06)
    assert decide([sure, replace(SAME, randomization_p=0.5)]).outcome == "promoted"
    verdict = decide([unsure, replace(SAME, randomization_p=0.5)])
    assert verdict.outcome == "kept"
    assert any("calls it chance (p = 0.060" in reason for reason in verdict.reasons)
    assert decide([unsure]).outcome == "promoted", "a single metric needs no correction"


def test_a_secondary_metric_that_gets_worse_by_more_than_the_margin_keeps_the_old_release() -> None:
    found = compared("recall@10", 0.95, 0.80)
    verdict = decide([BETTER, SAME, found])
    assert verdict.outcome == "kept"
    assert "Recall@10 fell from 0.95 to 0.80 (-0.15, 95 % interval -0.18 to -0.12, n = 210)." in verdict.reasons
    assert any("recall@10 got worse by more than the margin of 0.05" in reason for reason in verdict.reasons)
    assert decide([BETTER, SAME, found], margin=0.2).outcome == "promoted"


def test_a_secondary_metric_that_may_be_worse_by_more_is_a_caution() -> None:
    verdict = decide([BETTER, SAME, compared("recall@10", 0.50, 0.48), compared("skipped", 0.1, 0.15)])
    assert verdict.outcome == "promoted"
    assert [reason for reason in verdict.reasons if reason.startswith("Not shown")] == [
        "Not shown to be no worse by more than 0.05, since that takes more questions: share of answerable questions "
        "skipped (up to 0.08 worse)."
    ]
    assert [one.standing for one in verdict.secondary] == ["shown", "not shown"]
