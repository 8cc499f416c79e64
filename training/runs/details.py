"""What a report tells beside the verdict: confidence, parts of the questions, what an answer costs."""

from collections.abc import Mapping, Sequence
from typing import Any

from training.evaluation.calibration import calibration
from training.evaluation.cost import TokenPrice, times_dearer, tokens
from training.evaluation.evaluate import ArmResult
from training.evaluation.forgetting.standing import Forgetting
from training.evaluation.judgement import Judgement
from training.evaluation.selective import risk_coverage
from training.evaluation.slices import slices


def details(
    judged: Judgement,
    arms: Sequence[ArmResult],
    unthresholded: ArmResult | None,
    *,
    thresholds: Mapping[str, float],
    axes: Mapping[str, Mapping[str, str]],
    factor: float,
    price: TokenPrice | None,
    latency: Mapping[str, Any] | None,
    forgotten: Forgetting | None = None,
) -> dict[str, Any]:
    """The keys ``confidence``, ``slices``, ``efficiency`` and ``forgetting`` of a report.

    Args:
        arms: all that were measured on the test questions.
        unthresholded: the candidate on validation, answering whatever is asked; None where no run kept that.
        thresholds: similarity below which an arm abstains, by its name.
        factor: how many times dearer or slower than the baseline is worth a warning.
        forgotten: what general questions say of the tuned generator; None where nobody asked.
    """
    return {
        "confidence": _confidence(judged, unthresholded, thresholds),
        "slices": slices(judged.baseline, judged.candidate, axes),
        "efficiency": {
            "tokens": {arm.name: found.to_json(price) for arm in arms if (found := tokens(arm)) is not None},
            "times_dearer": times_dearer(judged.baseline, judged.candidate, price),
            "latency": latency,
            "factor": factor,
        },
        "forgetting": forgotten.to_json() if forgotten else None,
    }


def _confidence(
    judged: Judgement, unthresholded: ArmResult | None, thresholds: Mapping[str, float]
) -> dict[str, Any] | None:
    """Curves of the test questions up to the coverage that both systems reach, and of validation beyond the threshold.

    On the test nothing was generated below a threshold, so its curves end there.
    """
    curves = {arm.name: risk_coverage(arm.records) for arm in (judged.baseline, judged.candidate)}
    known = {name: one for name, one in curves.items() if one is not None}
    if not known:
        return None
    common = min(one.coverage for one in known.values())
    chosen = thresholds.get(judged.candidate.name)
    found: dict[str, Any] = {
        "common_coverage": common,
        "test": [{"arm": name, **one.to_json(), "aurc_common": one.area(common)} for name, one in known.items()],
        "validation": None,
        "calibration": None,
    }
    if unthresholded is not None:
        found["calibration"] = calibration(unthresholded.records, judged.candidate.records)
        if (whole := risk_coverage(unthresholded.records)) is not None:
            coverage, risk = whole.at(-1.0 if chosen is None else chosen)
            mark = {"threshold": chosen, "coverage_at_threshold": coverage, "risk_at_threshold": risk}
            found["validation"] = {"arm": unthresholded.name, **whole.to_json(), **mark}
    return found
