"""A report as Markdown."""

from typing import Any

from training.report.markdown import render_markdown

METRICS: dict[str, Any] = {
    "questions": 40,
    "retrieval": {"ndcg@10": 0.9},
    "generation": {"answer_score": 0.5},
    "outcomes": {"correct": 20, "skipped": 4, "wrong": 10, "hallucinated": 5, "correctly_abstained": 1},
}
COMPARED = {
    "metric": "answer_score",
    "difference": 0.1,
    "low": 0.02,
    "high": 0.2,
    "direction": "better",
    "method": "BCa bootstrap",
    "baseline": 0.4,
    "candidate": 0.5,
    "n": 40,
}
ARM = {
    "embedder_tuned": False,
    "generator_tuned": False,
    "prompt_changed": False,
    "metrics": METRICS,
    "comparisons": [],
}


def report(**changes: Any) -> dict[str, Any]:
    return {
        "release": "r0002-ab",
        "run": "20261121",
        "created": "2026-11-21T01:02:03+00:00",
        "baseline": "untouched",
        "chosen": "generator tuned",
        "verdict": {"outcome": "promoted", "reasons": ["Answer score rose | by <b>much</b>."], "chance": []},
        "checks": [],
        "arms": [
            {**ARM, "name": "untouched"},
            {**ARM, "name": "generator tuned", "generator_tuned": True, "comparisons": [COMPARED]},
        ],
        "errors": [{"bucket": "wrong span", "before": 9, "n": 4, "advice": "tune", "documents": [], "examples": []}],
        **changes,
    }


def test_verdict_arms_and_errors_are_told() -> None:
    text = render_markdown(report())
    assert text.startswith("## Lockstep: promoted\n\n**The new release is better: use it.** ")
    assert "| **generator tuned** | 0.900 | 0.500 (+0.100 [+0.020, +0.200]) ▲ | 20 | 4 | 5 | 40 |" in text
    assert "| wrong span | 9 | 4 | tune |" in text
    assert text.endswith("Release `r0002-ab`, run `20261121`, 2026-11-21T01:02:03+00:00.\n")


def test_a_bound_on_what_was_not_seen_is_told_as_no_interval() -> None:
    same = {**COMPARED, "difference": 0.0, "low": -0.3, "high": 0.3, "direction": "unclear", "method": "rule of three"}
    few = {**same, "difference": 0.1, "low": None, "high": None, "method": "none"}
    for comparison, told in ((same, "0.500 (the same on every question)"), (few, "0.500 (+0.100, no interval)")):
        arms = [{**ARM, "name": "untouched"}, {**ARM, "name": "generator tuned", "comparisons": [comparison]}]
        assert f"| {told} |" in render_markdown(report(arms=arms))


FOUND = {"before": 5, "after": 3, "difference": -0.1, "low": -0.2, "high": -0.01, "method": "BCa bootstrap"}
SAME = {"before": 9, "after": 9, "difference": 0.0, "low": -0.1, "high": 0.1, "method": "rule of three"}
TRAINED = {"systems": {"before": "both tuned", "after": "both tuned"}, **FOUND, "all errors": SAME}
TARGET = {
    **{"bucket": "wrong span", "run before": "20261120", "questions": 20, "trained": TRAINED},
    **{"systems": {"before": "untouched", "after": "settings only"}, **FOUND, "all errors": SAME},
}


def test_what_a_round_was_aimed_at_is_told() -> None:
    text = render_markdown(report(target=TARGET))
    assert "| of 20 validation questions | system | before | now | difference |" in text
    assert "| wrong span | settings only (chosen on validation) | 5 | 3 | -0.100 [-0.200, -0.010] |" in text
    assert "| all errors | both tuned (trained, chosen or not) | 9 | 9 | the same on every question |" in text
    assert "validation questions" not in render_markdown(report(target={**TARGET, "questions": 0}))


def test_what_would_be_markup_is_text() -> None:
    assert "- Answer score rose \\| by &lt;b>much&lt;/b>." in render_markdown(report())


def test_a_gain_that_may_be_chance_is_not_told_as_one() -> None:
    verdict = {"outcome": "kept", "reasons": [], "chance": ["answer_score"]}
    text = render_markdown(report(verdict=verdict))
    assert "No proven gain" in text
    assert "the change in answers may be chance" in text.lower()
    assert "0.500 (+0.100 [+0.020, +0.200]) |" in text  # no sign of better
    other = render_markdown(report(verdict=verdict, chosen="untouched"))
    assert "0.500 (+0.100 [+0.020, +0.200]) ▲ |" in other  # the verdict is on another arm
    assert "at too high a price" not in text


def test_what_trains_nothing_says_so() -> None:
    arms = [
        {**ARM, "name": "untouched"},
        {**ARM, "name": "prompt only", "prompt_changed": True, "comparisons": [COMPARED]},
    ]
    assert "Nothing is trained in it: another prompt" in render_markdown(report(arms=arms, chosen="prompt only"))
