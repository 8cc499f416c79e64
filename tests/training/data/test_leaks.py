"""What runs across two splits is found, and told with what ties it together."""

import pytest

from retrieval.errors import LeakError
from training.data.examples import Example
from training.data.leaks import check_no_leak
from training.data.splits import make_split


def example(
    key: str, *documents: str, split: str | None = None, answers: tuple[str, ...] = ("x",), **more: object
) -> Example:
    fields = {"question": f"Question {key}?", "provenance": f"e.jsonl:{key}", **more}
    return Example(id=key, answers=answers, document_ids=documents, split=split, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("examples", "says"),
    [
        ([example("a", "x", split="train"), example("b", "x", split="test")], ["'x'"]),
        ([example("a", "x", split="train"), example("b", "y", split="test")], ["'x'", "near-duplicate of", "'y'"]),
        ([example("a", "x", split="validation"), example("b", "y", split="train")], ["near-duplicate of"]),
        (
            [example("a", "x", split="train"), example("m", "x", "z"), example("b", "z", split="test")],
            ["'x'", "'m' (e.jsonl:m)", "'z'"],
        ),
        (
            [
                example("a", "x", split="train", question="How far is it?"),
                example("b", "z", split="test", question="how far is IT"),
            ],
            ["the same question as"],
        ),
        (
            [
                example("a", answers=(), split="train", question="How far is it?"),
                example("b", answers=(), split="validation", question="how far is IT"),
                example("c", "x", split="test"),
            ],
            ["the same question as"],
        ),
    ],
)
def test_overlap_of_stated_splits_is_refused_with_the_pair(examples: list[Example], says: list[str]) -> None:
    with pytest.raises(LeakError) as error:
        make_split(examples, {"x": "x", "y": "x", "z": "z"}, seed=0)
    assert error.value.exit_status == 3
    assert "'a' (e.jsonl:a) in " in str(error.value)
    assert "'b' (e.jsonl:b) in " in str(error.value)
    for part in says:
        assert part in str(error.value)


def test_at_most_five_pairs_are_named() -> None:
    groups = {f"d{i}": f"d{i}" for i in range(9)}
    examples = [example(f"{s}{i}", f"d{i}", split=s) for i in range(9) for s in ("train", "test")]
    with pytest.raises(LeakError) as error:
        make_split(examples, groups, seed=0)
    assert str(error.value).count(" - document ") == 5
    assert str(error.value).endswith("and more")


def test_any_assignment_can_be_checked() -> None:
    examples = [example("a", "x"), example("b", "y"), example("c", "z", question="Question a"), example("d", "w")]
    groups = {"x": "x", "y": "x", "z": "z", "w": "w"}
    check_no_leak(dict.fromkeys("abcd", "train"), examples, groups)
    check_no_leak({"a": "train", "d": "test"}, examples, groups)
    for pair, why in ((("a", "b"), "near-duplicates of document 'x'"), (("a", "c"), "the same question")):
        with pytest.raises(LeakError, match=why):
            check_no_leak({pair[0]: "train", pair[1]: "test"}, examples, groups)
