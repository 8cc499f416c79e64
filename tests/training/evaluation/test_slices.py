"""The answer score on parts of the questions."""

import pytest

from training.data.examples import Example
from training.data.splits import Split
from training.evaluation.evaluate import ArmResult, Record
from training.evaluation.slices import kinds, slices, standard_axes


def result(name: str, scores: list[float]) -> ArmResult:
    records = [
        Record(str(i), "?", f"g{i}", ("a",), (), False, (), None, None, outcome="correct", answer_score=score)
        for i, score in enumerate(scores)
    ]
    return ArmResult(name, False, False, "", tuple(records))


def test_parts_are_compared_apart_and_small_ones_are_left_out() -> None:
    before, after = result("a", [0.0] * 20), result("b", [1.0] * 10 + [0.0] * 10)
    part_of = {str(i): "first" if i < 10 else "second" if i < 18 else "rest" for i in range(20)}
    (axis,) = slices(before, after, {"half": part_of, "task": {}})
    assert (axis["axis"], axis["questions"], axis["small"]) == ("half", 20, 1)
    assert [(one["name"], one["n"], one["difference"]) for one in axis["parts"]] == [
        ("first", 10, 1.0),
        ("second", 8, 0),
    ]
    assert axis["parts"][0]["low"] > 0
    assert axis["parts"][1]["method"] == "rule of three"


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How many hours does it last?", "how many, how much"),
        ("how deep is it", "how long, how far, …"),
        ("How do I switch it on?", "how"),
        ("Who signs?", "who"),
        ("In which year was it?", "when"),
        ("And what is its weight?", "what"),
        ("Can it float?", "yes or no"),
        ("cable loss per meter", "other"),
    ],
)
def test_kinds_of_questions(question: str, kind: str) -> None:
    assert kinds({"q": question, "1": "What?", "2": "Who?"})["q"] == kind


def test_questions_in_another_language_have_no_kinds() -> None:
    assert kinds({"1": "Wie tief ist es?", "2": "Wer zeichnet?", "3": "What is it?"}) == {}


def test_the_axes_that_are_always_told() -> None:
    examples = [
        Example("1", "What is it?", ("a",), ("x/seen.md",), weak=True),
        Example("2", "Who is it?", ("a",), ("x/new.md",), task="names"),
        Example("3", "Why?", ()),
    ]
    split = Split({}, {}, {}, {}, {"x/seen.md": "train", "x/new.md": "test"}, "")
    axes = standard_axes(examples, split)
    assert axes["documents"] == {"1": "seen in training", "2": "not seen in training"}
    assert axes["how the documents were found"] == {"1": "found by search (weak)", "2": "named by the examples"}
    assert axes["answer"]["3"] == "not in the documents"
    assert axes["task"] == {"2": "names"}
    assert axes["folder"] == {"1": "x", "2": "x"}
