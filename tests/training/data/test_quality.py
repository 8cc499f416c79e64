"""Doubtful rows: each kind, and the order in which a person should look at them."""

from training.data.examples import Example
from training.data.quality import SEVERITY, quality
from training.data.supervised import SupervisedRow

PASSAGES = "Question: {q}\n\n[1] Manual\nThe heron opens at 45 bar.\n\nQuestion: {q}"


def example(name: str, question: str, *answers: str) -> Example:
    return Example(name, question, answers, ("d",) if answers else (), "train", None, "test", False)


def row(one: Example, *, retrieved: bool = True, weak: bool = False, mark: int | None = 1) -> SupervisedRow:
    mark = mark if one.answerable else None
    return SupervisedRow(
        example_id=one.id,
        messages=(
            {"role": "system", "content": "Answer."},
            {"role": "user", "content": PASSAGES.format(q=one.question)},
        ),
        completion=f"{one.answers[0]} [1]" if mark else "No.",
        passages=("d#0",),
        answerable=one.answerable,
        oracle_present=mark is not None,
        oracle_position=mark,
        oracle_positions=(mark,) if mark else (),
        oracle_retrieved=retrieved,
        split="train",
        weak=weak,
    )


EXAMPLES = [
    example("good", "At what pressure does the heron open?", "45 bar"),
    example("made up", "Does it open at 60 bar?", "60 bar"),  # the question holds the answer, no passage does
    example("first", "How heavy is it?", "45 bar"),
    example("second", "how heavy is it", "45"),
    example("contrary", "How heavy is it?", "9 kg"),
    example("near", "At what pressure does the heron valve open?", "45 bar"),
    example("long", "What is known?", "45 bar " + "and so on " * 20),
    example("guessed", "Which bar?", "45 bar"),
    example("missed", "How many bar?", "45 bar"),
    example("cut", "Bar, how much?", "45 bar"),
    example("refused", "Who painted it?"),
]
BY_ID = {one.id: one for one in EXAMPLES}


def found() -> dict[str, dict[str, str]]:
    rows = [row(one, retrieved=one.id != "missed", weak=one.id == "guessed") for one in EXAMPLES]
    return quality(rows, BY_ID, lambda one: one.example_id == "cut")


def test_each_kind_of_doubt_is_counted() -> None:
    assert found()["doubts"] == {
        "contradicting answers": 3,
        "answer in no passage": 3,
        "over the limit": 1,
        "nearly the same question": 2,
        "passage not retrieved": 1,
        "document guessed": 1,
        "long answer": 1,
    }
    twice = [example("one", "How heavy is it?", "45 bar"), example("two", "how heavy is it", "45 bar")]
    again = quality([row(one) for one in twice], {one.id: one for one in twice}, lambda one: False)
    assert again["doubts"] == {"question twice": 2}
    assert set(found()["doubts"]) | set(again["doubts"]) == set(SEVERITY)


def test_the_worst_come_first_with_all_that_is_against_them() -> None:
    worst = found()["worst"]
    assert worst[0]["example_id"] == "contrary"
    assert worst[0]["reasons"][0].endswith("asks the same and is answered otherwise")
    assert "no passage shown holds '9 kg'" in worst[0]["reasons"][1]
    assert {"good", "refused"} & {one["example_id"] for one in worst} <= {"good"}, "good is near another only"
    assert worst[0]["answer"] == "9 kg [1]"


def test_nothing_to_doubt() -> None:
    assert quality([row(EXAMPLES[0])], BY_ID, lambda one: False) == {"doubts": {}, "worst": []}
