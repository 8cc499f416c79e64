"""What the test says of the arm that validation chose: comparisons of all, and the verdict on the one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from training.evaluation.compared_systems import BASELINE, SETTINGS_ONLY
from training.evaluation.comparison import Comparison, compare_arms
from training.evaluation.evaluate import ArmResult
from training.evaluation.verdict import Check, Verdict, alternatives_to, decide


@dataclass(frozen=True)
class Judgement:
    """The two systems that count, and how they compare."""

    baseline: ArmResult
    candidate: ArmResult
    comparisons: Mapping[str, Sequence[Comparison]]
    """Of each arm but the baseline, by its name, against the baseline."""
    verdict: Verdict


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
    comparisons = {name: compare_arms(baseline, arm) for name, arm in by_name.items() if name != BASELINE}
    verdict = decide(
        comparisons[chosen],
        checks,
        alternatives=alternatives_to(candidate, by_name[SETTINGS_ONLY], references),
        outcomes=candidate.metrics()["outcomes"],
    )
    return Judgement(baseline, candidate, comparisons, verdict)
