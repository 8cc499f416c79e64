"""Decide: which arm goes to the test, and whether it is promoted, kept or rejected.

The arm is chosen on validation questions only; the test questions judge that one arm. Every
reason is a sentence with its numbers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from training.evaluation.comparison import Comparison, compare_arms
from training.evaluation.evaluate import ArmResult
from training.evaluation.noninferiority import MARGIN, Guarded, guard
from training.evaluation.significance import holm

PRIMARY = ("ndcg@10", "answer_score")
"""Retrieval as served, and answers with abstention. Everything else explains."""

UNTRAINED = {
    "settings only": "the untouched models with settings and threshold chosen on validation",
    "prompt only": "the untouched models with the best prompt of a study",
}
"""Arms that train nothing, in words."""

SIGNIFICANT = 0.05
"""Of one side."""

SMALL_SAMPLE = 30
SATURATED = 0.97
"""From this nDCG@10 of the untouched system on, there is next to nothing to gain in retrieval."""

MOSTLY = 0.5
"""The share of a gain from which on a reader is told of it."""

CHEAPER = " would do alone: "
"""In the reasons that name something cheaper than training."""

ONE_STANDARD_ERROR = 0.6827
"""Confidence whose interval reaches one standard error to each side."""


@dataclass(frozen=True)
class Check:
    """Something that must hold whatever the metrics say (files intact, no leak, finite losses)."""

    name: str
    passed: bool
    message: str = ""


@dataclass(frozen=True)
class Alternative:
    """Something cheaper than training, compared as baseline with the candidate as candidate."""

    description: str
    """As in "hybrid search with the untouched embedder"."""
    comparison: Comparison


@dataclass(frozen=True)
class Verdict:
    """What happens to the candidate, and why."""

    outcome: Literal["promoted", "kept", "rejected"]
    reasons: tuple[str, ...]
    chance: tuple[str, ...] = ()
    """Primary metrics whose interval leaves zero out, and which are no proof all the same, see :func:`decide`."""
    secondary: tuple[Guarded, ...] = ()
    """The metrics that must not get worse by more than a margin."""


def choose_arm(validation: Sequence[ArmResult]) -> str:
    """The name of the arm to judge on the test split.

    The best arm by the sum of both primary metrics, unless one with fewer changes is within one
    standard error of it in each of them (the one-standard-error rule of Breiman et al. 1984):
    a change whose gain cannot be told from noise is not shipped. So chosen settings or a better prompt win
    where training adds nothing to them.

    Args:
        validation: results on validation questions, without what is served now.

    Raises:
        ValueError: there is no arm.
    """
    if not validation:
        raise ValueError("found no arm, expected at least one")
    best = min(validation, key=lambda arm: (-_worth(arm), arm.changes))
    simpler = [arm for arm in validation if arm.changes < best.changes and not _ahead(arm, best)]
    return min(simpler or [best], key=lambda arm: (arm.changes, -_worth(arm))).name


def alternatives_to(
    candidate: ArmResult, arms: Sequence[ArmResult], references: Sequence[ArmResult]
) -> list[Alternative]:
    """What the candidate must beat although it beats the system as served: everything that changes less.

    Args:
        arms: that answer, with settings and threshold chosen on validation.
        references: searches without answers; those with the untouched embedder count if the candidate's is tuned.
    """
    cheaper = {UNTRAINED.get(arm.name, arm.name): arm for arm in arms if arm.changes < candidate.changes}
    cheaper |= {
        f"the untouched embedder: {reference.name}": reference
        for reference in references
        if not reference.embedder_tuned and candidate.embedder_tuned
    }
    return [
        Alternative(description, comparison)
        for description, result in cheaper.items()
        for comparison in compare_arms(result, candidate)
        if comparison.metric in PRIMARY
    ]


def decide(
    comparisons: Sequence[Comparison],
    checks: Sequence[Check] = (),
    *,
    alternatives: Sequence[Alternative] = (),
    outcomes: Mapping[str, int] | None = None,
    trained: bool = True,
    margin: float = MARGIN,
    further: Sequence[str] = (),
) -> Verdict:
    """The verdict on a candidate.

    *Promoted*: a primary metric is better with its whole interval above zero and by the randomisation test
    with Holm's correction over the primary metrics, none is worse, no single task is worse beyond chance, the
    hallucination rate is not significantly up, and no secondary metric is worse by more than the margin.
    *Rejected*: a primary metric is significantly
    worse, or a check failed. *Kept* (the old release stays) otherwise.

    Args:
        comparisons: baseline against candidate on the test questions.
        alternatives: cheaper ways to the same end; those as good as the candidate are named.
        outcomes: the candidate's outcomes, to say what it does when it is wrong.
        trained: whether its weights were changed.
        margin: by which the secondary metrics may get worse.
        further: sentences about what is no metric of quality, such as what an answer costs.
    """
    by_metric = {comparison.metric: comparison for comparison in comparisons}
    primary = [by_metric[metric] for metric in PRIMARY if metric in by_metric]
    failed = [check for check in checks if not check.passed]
    proven = _proven(primary)
    better = [one for one in primary if one.direction == "better" and one.metric in proven]
    worse = [one for one in primary if one.direction == "worse" and one.metric in proven]
    hallucinated = by_metric.get("hallucinated")
    more_hallucination = hallucinated is not None and hallucinated.direction == "worse"

    only_refuses = _only_refuses(better, by_metric)
    tasks = [one for one in comparisons if one.task is not None]
    tested = [one for one in tasks if one.randomization_p is not None]  # macro-F1 has none: the interval alone
    lost = [one for one in tested if one.direction == "worse" and one.metric in _proven(tested)]
    secondary = guard(comparisons, margin)
    inferior = [one for one in secondary if one.standing == "inferior"]

    outcome: Literal["promoted", "kept", "rejected"] = "kept"
    if failed or worse:
        outcome = "rejected"
    elif better and not more_hallucination and not only_refuses and not lost and not inferior:
        outcome = "promoted"

    reasons = [f"Check failed: {check.name}: {check.message}".rstrip(": ") for check in failed]
    reasons += [in_words(comparison) for comparison in (*worse, *better)]
    reasons += [in_words(comparison) for comparison in primary if comparison.direction == "unclear"]
    reasons += [
        f"{in_words(one)[:-1]}: its interval leaves zero out, but a test that allows for few questions and for "
        f"{len(primary)} metrics (randomisation, Holm) calls it chance (p = {one.randomization_p:.3f} for it alone)."
        for one in primary
        if one.direction != "unclear" and one.metric not in proven
    ]
    reasons += [in_words(one) for one in tasks]
    if hallucinated is not None and (more_hallucination or hallucinated.direction == "better"):
        reasons.append(in_words(hallucinated))
    reasons += [in_words(by_metric[one.metric]) for one in inferior if one.metric != "hallucinated"]
    if outcome == "kept":
        reasons.append(_why_kept(primary, better, by_metric["skipped"] if only_refuses else None, lost, inferior))
    if not trained:
        reasons.append(
            "No fine-tuning is needed for this: on the validation questions no tuned system was ahead of it by more "
            "than a standard error."
        )
    reasons += _cautions(primary, by_metric, outcomes)
    if outcome == "promoted":
        reasons += _not_shown(secondary)
    reasons += further
    reasons += _alternatives(alternatives, better)
    doubted = [one.metric for one in primary if one.direction != "unclear" and one.metric not in proven]
    return Verdict(outcome, tuple(reasons), tuple(doubted), tuple(secondary))


def proven_better(primary: Sequence[Comparison]) -> bool:
    """Whether a primary metric is better beyond chance."""
    proven = _proven(primary)
    return any(one.direction == "better" and one.metric in proven for one in primary)


def smaller_instead(larger: str, smaller: str, further: Sequence[Comparison], *, trained: bool) -> str:
    """The reason why an arm takes the place of the one that validation chose.

    Args:
        further: the larger one's primary metrics against the smaller one's.
        trained: whether the smaller one's weights were changed.
    """
    figures = "; ".join(in_words(one)[:-1] for one in further)
    conclusion = "" if trained else " Do not fine-tune for this."
    return (
        f"Validation chose {larger!r}; {smaller!r} changes less, has the gain, too, and the step from it to "
        f"{larger!r} is not proven ({figures}), so it is what counts.{conclusion}"
    )


def no_gain_by_reranking(without: str, further: Sequence[Comparison]) -> str:
    """The reason why a tuned reranker is not released.

    Args:
        without: the arm that is the same but for it.
        further: the primary metrics with it against those without it.
    """
    figures = "; ".join(in_words(one)[:-1] for one in further)
    return (
        f"The gain is not taken: the reranker's part of it, the step from {without!r}, is not proven ({figures}), and "
        "it takes time for every question."
    )


def _proven(primary: Sequence[Comparison]) -> set[str]:
    """The primary metrics that differ beyond chance, allowing for there being several of them.

    Of systems that do not differ, at most one in twenty is called better, and one in twenty worse: so each side is
    tested for itself, with half of the two-sided p.
    """
    known = {one.metric: one.randomization_p / 2 for one in primary if one.randomization_p is not None}
    adjusted = holm(known)
    return {one.metric for one in primary if adjusted.get(one.metric, 0.0) <= SIGNIFICANT}


def in_words(comparison: Comparison) -> str:
    """A comparison as a sentence with its numbers."""
    name = comparison.label[0].upper() + comparison.label[1:] if comparison.label[0] != "n" else comparison.label
    change = f"{comparison.difference:+.2f}" if abs(comparison.difference) >= 0.02 else f"{comparison.difference:+.3f}"
    digits = 2 if abs(comparison.difference) >= 0.02 else 3
    before, after = f"{comparison.baseline:.{digits}f}", f"{comparison.candidate:.{digits}f}"
    if comparison.same:
        return f"{name} stayed at {after}: {comparison.note} (n = {comparison.n}, {comparison.groups} groups)."
    if comparison.low is None or comparison.high is None:
        interval = f"no interval, {comparison.note}"
    else:
        interval = f"95 % interval {comparison.low:+.{digits}f} to {comparison.high:+.{digits}f}"
    figures = f"({change}, {interval}, n = {comparison.n})"
    if before == after:
        return f"{name} stayed at {after} {figures}."
    verb = "rose" if comparison.difference > 0 else "fell"
    if comparison.direction == "unclear":
        return f"{name} {verb} from {before} to {after}, which may be chance {figures}."
    return f"{name} {verb} from {before} to {after} {figures}."


def _only_refuses(better: Sequence[Comparison], by_metric: Mapping[str, Comparison]) -> bool:
    """Whether the whole gain is in answers, and is bought by refusing questions that the documents do answer."""
    skipped, answerable = by_metric.get("skipped"), by_metric.get("answerable_score")
    return (
        [one.metric for one in better] == ["answer_score"]
        and skipped is not None
        and skipped.direction == "worse"
        and (answerable is None or answerable.direction != "better")
    )


def _why_kept(
    primary: Sequence[Comparison],
    better: Sequence[Comparison],
    skipped: Comparison | None,
    lost: Sequence[Comparison],
    inferior: Sequence[Guarded],
) -> str:
    if not primary:
        return "Neither retrieval nor answers could be measured, so there is no ground to promote."
    if skipped is not None:
        return (
            "The gain is not taken: the candidate answers no better, it refuses more. It skips "
            f"{skipped.candidate:.0%} of the questions that the documents answer, before it was "
            f"{skipped.baseline:.0%} (n = {skipped.n})."
        )
    if better and lost:
        return f"The gain is not taken: the {' and the '.join(one.label for one in lost)} fell by more than chance."
    if better and inferior and inferior[0].metric != "hallucinated":
        named = " and ".join(one.label for one in inferior)
        return (
            f"The gain is not taken: {named} got worse by more than the margin of {inferior[0].margin:g} that is "
            "allowed for what is not primary (margin under [training.verdict])."
        )
    if better:
        return (
            "The gain is not taken: the candidate makes up more answers to questions that the documents cannot answer."
        )
    if all(one.same for one in primary):
        return "The candidate does the same as the old release on every question, so the old release stays."
    return "No primary metric is better beyond chance, so the old release stays."


def _cautions(
    primary: Sequence[Comparison], by_metric: Mapping[str, Comparison], outcomes: Mapping[str, int] | None
) -> list[str]:
    said = []
    if primary and (fewest := min(primary, key=lambda one: one.n)).n < SMALL_SAMPLE:
        said.append(
            f"Small sample: {fewest.label} rests on {fewest.n} test questions in {fewest.groups} independent "
            f"group{'s' * (fewest.groups != 1)} (questions about the same or nearly the same documents tend to go "
            f"right or wrong together, so they are one group); with fewer than {SMALL_SAMPLE} questions only a large "
            "change can be told from chance."
        )
    retrieval = by_metric.get("ndcg@10")
    if retrieval is not None and retrieval.baseline >= SATURATED:
        said.append(
            f"Retrieval was saturated before training (nDCG@10 {retrieval.baseline:.3f}): "
            "these questions leave an embedder nothing to gain; harder ones would show more."
        )
    score, answerable = by_metric.get("answer_score"), by_metric.get("answerable_score")
    if score and answerable and score.direction == "better":
        share = 1 - answerable.difference * answerable.n / (score.difference * score.n)
        whole = answerable.direction != "better"
        if whole or share > MOSTLY:
            said.append(
                f"The gain in answers comes {'' if whole else f'for {share:.0%} '}from abstaining"
                f"{', not from better answers' * whole}: a stricter prompt or a threshold (abstain_below) may do the "
                "same without training."
            )
    missing = {"ndcg@10": "Retrieval", "answer_score": "Answers"}
    said += [
        f"{name} could not be compared." for metric, name in missing.items() if metric not in by_metric and primary
    ]
    if outcomes and (made_up := outcomes.get("hallucinated", 0)):
        unanswerable = made_up + outcomes.get("correctly_abstained", 0)
        said.append(
            f"It still makes up an answer to {made_up} of {unanswerable} questions that the documents cannot answer."
        )
    return said


def _not_shown(secondary: Sequence[Guarded]) -> list[str]:
    """What the questions are too few to tell, in one sentence; what is the same on every question is passed over."""
    open_ = [one for one in secondary if one.standing == "not shown" and not one.same]
    if not open_:
        return []
    named = "; ".join(
        one.label + (f" (up to {one.worst:.2f} worse)" if one.worst is not None else " (no interval)") for one in open_
    )
    return [f"Not shown to be no worse by more than {open_[0].margin:g}, since that takes more questions: {named}."]


def _alternatives(alternatives: Sequence[Alternative], better: Sequence[Comparison]) -> list[str]:
    """Name what would do without training; only a gain can be had more cheaply."""
    gained = {one.metric for one in better}
    said = []
    for one in alternatives:
        found = one.comparison
        if found.metric not in gained or found.direction == "better":
            continue
        name = one.description[0].upper() + one.description[1:]
        figures = f"n = {found.n}"
        if found.low is not None and found.high is not None:
            interval = f"95 % interval {found.low:+.3f} to {found.high:+.3f}"
            figures = (
                f"{'the same on every question' if found.same else f'{found.difference:+.3f}, {interval}'}, {figures}"
            )
        said.append(
            f"{name}{CHEAPER}{found.label} {found.baseline:.3f}; beside it the candidate's "
            f"{found.candidate:.3f} is no proven gain ({figures})."
        )
    return said


def _worth(arm: ArmResult) -> float:
    metrics = arm.metrics()
    return (metrics["retrieval"]["ndcg@10"] or 0.0) + (metrics["generation"]["answer_score"] or 0.0)


def _ahead(simpler: ArmResult, best: ArmResult) -> bool:
    """Whether the best arm beats the simpler one by more than noise in a primary metric."""
    found = compare_arms(simpler, best, confidence=ONE_STANDARD_ERROR)
    return any(one.direction == "better" for one in found if one.metric in PRIMARY)
