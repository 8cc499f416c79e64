"""What a report tells beside the verdict, from records to the page."""

import re
from dataclasses import replace

import numpy as np

from training.evaluation.evaluate import RETRIEVAL_METRICS, ArmResult, Record
from training.evaluation.forgetting.standing import Change, Forgetting
from training.evaluation.judgement import judge
from training.report.build import build_report, render_report
from training.report.markdown import render_markdown
from training.runs.details import details
from training.scoring.answer_metrics import score_answer

ABSTENTION = "The documents do not say."
LATENCY = {"n": 8, "baseline": 1.0, "candidate": 2.0, "times": 2.0}


def arm(name: str, right: float, seed: int, questions: int = 120, written: int = 10) -> ArmResult:
    """Answers are the likelier right the more similar the passage."""
    rng = np.random.default_rng(seed)
    records = []
    for number, similarity in enumerate(rng.random(questions)):
        answers = ("42 m",) if number % 5 else ()
        draw = rng.random()
        said = "42 m [1]" if draw < right * similarity * 2 else ABSTENTION if draw > 0.95 else "7 litres [1]"
        record = Record(
            id=str(number),
            question="How deep is it?",
            group=str(number // 2),
            answers=answers,
            document_ids=("hw/a.md",) if answers else (),
            weak=False,
            ranked=("hw/a.md",),
            similarity=float(similarity),
            retrieval=dict.fromkeys(RETRIEVAL_METRICS, 1.0) if answers else None,
            answer=said,
            prompt_tokens=100,
            completion_tokens=written,
        )
        records.append(replace(record, **vars(score_answer(said, answers, abstained=said == ABSTENTION))))
    return ArmResult(name, False, name != "untouched", "", tuple(records))


def test_everything_that_the_page_shows_is_in_the_report() -> None:
    before, after = arm("untouched", 0.3, 1), arm("generator tuned", 0.8, 1, written=60)
    judged = judge([before, after], "generator tuned", [], [])
    found = details(
        judged,
        [before, after],
        arm("generator tuned", 0.8, 2),
        thresholds={"generator tuned": 0.4},
        axes={"parity": {str(n): "even" if n % 2 == 0 else "odd" for n in range(120)}},
        factor=1.5,
        price=None,
        latency=LATENCY,
        forgotten=Forgetting(40, Change(-2, -3, -1, -1.2, -0.8), Change(0.5, 0.4, -0.1, -0.2, 0.1), 0.41, "inferior"),
    )
    confidence = found["confidence"]
    assert [one["arm"] for one in confidence["test"]] == ["untouched", "generator tuned"]
    assert confidence["test"][1]["aurc_common"] < confidence["test"][0]["aurc_common"]
    assert 0 < confidence["validation"]["coverage_at_threshold"] < confidence["validation"]["coverage"]
    assert len(confidence["calibration"]["bins"]) == 5
    assert [one["name"] for one in found["slices"][0]["parts"]] == ["even", "odd"]
    assert found["efficiency"]["times_dearer"] == (100 + 4 * 60) / (100 + 4 * 10)
    assert any(reason.startswith("An answer costs 2.4 times as much") for reason in judged.verdict.reasons)

    report = build_report(
        run="r",
        release="r0002-ab",
        verdict=judged.verdict,
        arms=[before, after],
        baseline="untouched",
        chosen="generator tuned",
        comparisons=judged.comparisons,
        details=found,
    )
    page = re.sub(r"\s+", " ", re.sub("<[^>]*>", "", render_report(report)))
    assert "generator tuned takes 2.0 times as long for an answer as untouched." in page
    assert "An answer of generator tuned costs 2.4 times as much" in page
    assert "expected calibration error 0." in page
    assert "No worse by more than 0.05" in page
    assert "parity even" in page
    assert "right answers to general questions became 2.72 times as perplexing to it" in page
    assert "40 general questions" in page
    assert "tokens of an answer × 2.43, seconds × 2.00 (n = 8)." in render_markdown(report)


def test_a_system_that_answers_nothing_has_no_curve() -> None:
    silent = arm("untouched", 0.3, 1)
    silent = replace(silent, records=tuple(replace(one, outcome="skipped") for one in silent.records))
    judged = judge([silent, replace(silent, name="generator tuned")], "generator tuned", [], [])
    found = details(judged, [silent], None, thresholds={}, axes={}, factor=1.5, price=None, latency=None)
    assert found["confidence"] is None
    assert found["slices"] == []
