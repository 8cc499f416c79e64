"""The report's first paragraph, in words that need no metric."""

from typing import Any

import pytest

from training.evaluation.verdict import CHEAPER
from training.report.summary import summary


def compared(metric: str, direction: str, method: str = "BCa bootstrap", n: int = 40) -> dict[str, Any]:
    return {"metric": metric, "direction": direction, "method": method, "n": n, "baseline": 0.5, "candidate": 0.75}


def outcomes(correct: int, made_up: int) -> dict[str, int]:
    refused = 8 - made_up
    wrong = 32 - correct - 2
    return {
        "correct": correct,
        "skipped": 2,
        "wrong": wrong,
        "hallucinated": made_up,
        "correctly_abstained": refused,
    }


def report(outcome: str, *comparisons: dict[str, Any], **changes: Any) -> dict[str, Any]:
    def arm(name: str, counted: dict[str, int], tuned: bool) -> dict[str, Any]:
        return {
            "name": name,
            "embedder_tuned": tuned,
            "generator_tuned": tuned and changes.get("generator", True),
            "metrics": {"questions": 40, "outcomes": counted},
            "comparisons": list(comparisons) if tuned else [],
        }

    return {
        "release": "r0002-ab",
        "baseline": "untouched",
        "chosen": "both tuned",
        "arms": [
            arm("untouched", changes.get("before", outcomes(17, 2)), False),
            arm("both tuned", changes.get("after", outcomes(26, 1)), True),
        ],
        "verdict": {"outcome": outcome, "reasons": changes.get("reasons", [])},
        "checks": changes.get("checks", []),
    }


def test_a_promotion_says_what_was_tried_what_it_brings_and_what_to_do() -> None:
    found = summary(report("promoted", compared("ndcg@10", "better"), compared("answer_score", "unclear")))
    assert found.headline == "The new release is better: use it"
    assert found.tried == (
        "The model that searches (embedder) and the model that answers (generator) were trained on your documents, and "
        "compared with what answers today on 40 test questions about documents kept out of the training."
    )
    assert found.brings == (
        "Of 32 questions that the documents answer, it answers 26 rightly (before: 17). Of the 8 that they do not "
        "answer, it makes something up for 1 (before: 2). Search improved by more than chance explains; the change in "
        "answers may be chance."
    )
    assert "Use release `r0002-ab`." in found.to_do
    assert "`lockstep releases rollback` goes back" in found.to_do
    assert "Without training" not in found.to_do


def test_what_would_do_without_training_is_named() -> None:
    reasons = ["nDCG@10 rose.", f"The untouched embedder: BM25{CHEAPER}nDCG@10 0.83."]
    found = summary(report("promoted", compared("ndcg@10", "better"), reasons=reasons))
    assert found.to_do.endswith("Without training, this may do as well: the untouched embedder: BM25.")


@pytest.mark.parametrize(
    ("comparisons", "headline", "to_do"),
    [
        ([compared("ndcg@10", "unclear")], "No proven gain: stay with the present release", "can show a smaller gain"),
        (
            [compared("ndcg@10", "better"), compared("hallucinated", "worse")],
            "A gain at too high a price: stay with the present release",
            "not taken because it makes up more answers",
        ),
        (
            [compared("answer_score", "better")],
            "A gain at too high a price: stay with the present release",
            "not taken because it refuses more questions",
        ),
    ],
)
def test_what_is_kept_says_why(comparisons: list[dict[str, Any]], headline: str, to_do: str) -> None:
    found = summary(report("kept", *comparisons))
    assert found.headline == headline
    assert found.to_do.startswith("Nothing. The release that answers today goes on answering")
    assert to_do in found.to_do


def test_a_rejection_names_the_failed_check() -> None:
    found = summary(report("rejected", checks=[{"name": "no leak", "passed": False}, {"name": "x", "passed": True}]))
    assert "do not use it" in found.headline
    assert "Mend what the failed check names (no leak)" in found.to_do
    worse = summary(report("rejected", compared("ndcg@10", "worse")))
    assert "Search got worse by more than chance explains." in worse.brings
    assert "where it went wrong" in worse.to_do


def test_the_same_on_every_question_and_few_questions_are_said() -> None:
    same = compared("answer_score", "unclear", "rule of three", n=12)
    found = summary(report("kept", same, generator=False))
    assert found.brings.endswith(
        "Answers did not change on any question. With so few questions only a large change can be told from chance."
    )
    assert found.tried.startswith("The model that searches (embedder) was trained")


def test_without_answers_the_search_is_told() -> None:
    none = dict.fromkeys(outcomes(0, 0), 0)
    found = summary(report("promoted", compared("ndcg@10", "better"), before=none, after=none))
    assert found.brings.startswith("Its search results are worth 0.75 of 1 (before: 0.50).")
    assert summary(report("kept", before=none, after=none)).brings == "The two could not be compared."
