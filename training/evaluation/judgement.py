"""What validation chooses and what the test says of it: thresholds, comparisons of all arms, the verdict on the one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from training.evaluation.compared_systems import BASELINE
from training.evaluation.comparison import Comparison, compare_arms
from training.evaluation.cost import FACTOR, TokenPrice, dearer_in_words
from training.evaluation.evaluate import ArmResult, abstaining_below
from training.evaluation.forgetting.standing import Forgetting
from training.evaluation.noninferiority import MARGIN
from training.evaluation.settings_choice import choose_abstention_threshold
from training.evaluation.task_comparison import compare_tasks
from training.evaluation.verdict import (
    PRIMARY,
    Check,
    Verdict,
    alternatives_to,
    decide,
    no_gain_by_reranking,
    proven_better,
    smaller_instead,
)


@dataclass(frozen=True)
class Judgement:
    """The two systems that count, and how they compare."""

    baseline: ArmResult
    candidate: ArmResult
    comparisons: Mapping[str, Sequence[Comparison]]
    """Of each arm but the baseline, by its name, against the baseline."""
    verdict: Verdict


def choose_thresholds(results: Sequence[ArmResult], abstention: str) -> tuple[dict[str, float], list[ArmResult]]:
    """The similarity below which each arm does best to abstain, by its name; and what the arms do with it.

    Args:
        results: of arms without a threshold, on validation questions.
    """
    thresholds = {}
    for result in results:
        records = [record for record in result.records if record.abstains]
        thresholds[result.name] = choose_abstention_threshold(
            [record.similarity if record.similarity is not None else -1.0 for record in records],
            [record.answerable for record in records],
            [record.answer_score or 0.0 for record in records],
        )
    return thresholds, [abstaining_below(result, thresholds[result.name], abstention) for result in results]


def compared(baseline: ArmResult, candidate: ArmResult) -> list[Comparison]:
    """All that a verdict looks at: the metrics over all questions, and each task by its own."""
    return [*compare_arms(baseline, candidate), *compare_tasks(baseline, candidate)]


def judge(
    results: Sequence[ArmResult],
    chosen: str,
    references: Sequence[ArmResult],
    checks: Sequence[Check],
    *,
    margin: float = MARGIN,
    factor: float = FACTOR,
    price: TokenPrice | None = None,
    forgotten: Forgetting | None = None,
) -> Judgement:
    """Judge the chosen arm; where it is promoted, the smallest change that has its gain, too, takes its place.

    Validation often cannot tell arms apart that the test can. So an arm with fewer changes is released instead if
    it would be promoted by itself and the chosen one is not proven better than it. Nothing is promoted by this that
    would not have been: how often chance is promoted stays as it is. A tuned reranker must, besides, be proven better
    than the same system without it, since it takes time for every question.

    Args:
        results: of all arms on the test questions.
        references: of those that only search.
        margin: by which metrics that are not primary may get worse.
        factor: how many times dearer answers may get before the verdict says so.
        price: of tokens.
        forgotten: what general questions say of the tuned generator; None where nobody asked, or a check says it.
    """
    by_name = {result.name: result for result in results}
    baseline, arms = by_name[BASELINE], [arm for arm in results if arm.name != BASELINE]
    comparisons = {arm.name: compared(baseline, arm) for arm in arms}

    def verdict_on(candidate: ArmResult) -> Verdict:
        dearer = dearer_in_words(baseline, candidate, factor, price)
        forgets = forgotten.in_words() if forgotten and candidate.generator_tuned else None
        return decide(
            comparisons[candidate.name],
            checks,
            alternatives=alternatives_to(candidate, arms, references),
            trained=candidate.tuned,
            outcomes=candidate.metrics()["outcomes"],
            margin=margin,
            further=[one for one in (dearer, forgets) if one],
        )

    candidate = by_name[chosen]
    verdict = verdict_on(candidate)
    smaller = [arm for arm in arms if arm.changes < candidate.changes] if verdict.outcome == "promoted" else []
    for arm in sorted(smaller, key=lambda one: one.changes):
        own = _worth_its_time(arm, arms, verdict_on(arm))
        further = [one for one in compare_arms(arm, candidate) if one.metric in PRIMARY]
        if own.outcome == "promoted" and not proven_better(further):
            instead = smaller_instead(candidate.name, arm.name, further, trained=arm.tuned)
            return Judgement(baseline, arm, comparisons, replace(own, reasons=(*own.reasons, instead)))
    return Judgement(baseline, candidate, comparisons, _worth_its_time(candidate, arms, verdict))


def _worth_its_time(candidate: ArmResult, arms: Sequence[ArmResult], verdict: Verdict) -> Verdict:
    """The verdict; *kept* instead of *promoted* where a tuned reranker's own part of the gain is not proven."""
    if verdict.outcome != "promoted" or not candidate.reranker_tuned:
        return verdict
    without = next((arm for arm in arms if _parts(arm) == (*_parts(candidate)[:-1], False)), None)
    if without is None:
        return verdict
    further = [one for one in compare_arms(without, candidate) if one.metric in PRIMARY]
    if proven_better(further):
        return verdict
    return replace(verdict, outcome="kept", reasons=(*verdict.reasons, no_gain_by_reranking(without.name, further)))


def _parts(arm: ArmResult) -> tuple[bool, ...]:
    return arm.prompt_changed, arm.embedder_tuned, arm.generator_tuned, arm.reranker_tuned
