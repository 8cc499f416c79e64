"""What validation chooses and what the test says of it: thresholds, comparisons of all arms, the verdict on the one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from training.evaluation.compared_systems import BASELINE
from training.evaluation.comparison import Comparison, compare_arms
from training.evaluation.evaluate import ArmResult, abstaining_below
from training.evaluation.settings_choice import choose_abstention_threshold
from training.evaluation.task_comparison import compare_tasks
from training.evaluation.verdict import Check, Verdict, alternatives_to, decide


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


def judge(
    results: Sequence[ArmResult], chosen: str, references: Sequence[ArmResult], checks: Sequence[Check]
) -> Judgement:
    """Judge the chosen arm.

    Args:
        results: of all arms on the test questions.
        references: of those that only search.
    """
    by_name = {result.name: result for result in results}
    baseline, candidate = by_name[BASELINE], by_name[chosen]
    comparisons = {
        name: [*compare_arms(baseline, arm), *compare_tasks(baseline, arm)]
        for name, arm in by_name.items()
        if name != BASELINE
    }
    verdict = decide(
        comparisons[chosen],
        checks,
        alternatives=alternatives_to(candidate, [arm for arm in results if arm.name != BASELINE], references),
        trained=candidate.tuned,
        outcomes=candidate.metrics()["outcomes"],
    )
    return Judgement(baseline, candidate, comparisons, verdict)
