"""A study: what is measured, what it costs, and what is chosen."""

from collections.abc import Sequence
from typing import Any

import pytest

from retrieval.documents import Passage
from retrieval.prompt import Message, Prompt
from retrieval.search_settings import SearchSettings
from training.answering.demonstrations import Demonstrations
from training.data.examples import Example
from training.evaluation.cost import TokenPrice
from training.study.cells import Cell, matrix
from training.study.study import study

SERVED = Prompt()
GOOD = Prompt(name="good", system="Well. {abstention}")
LONG = Prompt(name="long", system="Well, " * 50)
SHORT = Prompt(name="short", user="{passages} {question}")


def example(number: int) -> Example:
    return Example(f"q{number}", f"q{number}?", (f"{number} kg",), (f"d{number}",), "validation", None, "test", False)


class Searcher:
    """Every question finds its document first."""

    def __init__(self, settings: SearchSettings | None = None) -> None:
        self.settings = settings or SearchSettings()

    def at(self, settings: SearchSettings) -> "Searcher":
        return Searcher(settings)

    def search_batch(self, questions: Sequence[str], *, top_k: int | None = None) -> list[list[Passage]]:
        return [
            [
                Passage(f"d{q[1:-1]}", f"d{q[1:-1]}#{rank}", f"{q[1:-1]} kg", "", 1.0, rank + 1, 0.9)
                for rank in range(top_k or self.settings.top_k)
            ]
            for q in questions
        ]


class Generator:
    """Right where the instructions begin with Well; a token is a character."""

    max_context = 10_000

    def encode(self, messages: Sequence[Message], *, thinking: bool = False) -> str:
        return messages[0]["content"] + "\n" + messages[1]["content"]

    def complete(self, prompts: Sequence[str], max_new_tokens: int) -> list[tuple[str, str]]:
        texts = []
        for prompt in prompts:
            number = prompt.rsplit("q", 1)[1].split("?")[0]
            right = prompt.startswith("Well") or int(number) % 4 == 0
            texts.append((f"{number} kg [1]" if right else "99 m [1]", "stop"))
        return texts


def run(cells: Sequence[Cell], count: int = 30, **options: Any) -> tuple[dict[str, Any], list[Any]]:
    examples = [example(number) for number in range(count)]
    return study(
        cells,
        examples,
        {one.id: one.id for one in examples},
        Searcher(),  # type: ignore[arg-type]
        Generator(),
        demonstrations=Demonstrations([], lambda questions: pytest.fail("there are none")),
        length=len,
        max_new_tokens=16,
        **{"minutes": 10.0, **options},
    )


def test_the_matrix_begins_with_what_is_served_and_repeats_nothing() -> None:
    cells = matrix(SERVED, [SERVED, SHORT], [0, 2], [2, 4])
    assert [cell.name for cell in cells] == [
        "default, no example, 4 passages",
        "default, no example, 2 passages",
        "default, 2 examples, 2 passages",
        "default, 2 examples, 4 passages",
        "short, no example, 2 passages",  # it has no place for examples
        "short, no example, 4 passages",
    ]


def test_the_cheapest_of_the_best_is_chosen_and_compared_with_what_is_served() -> None:
    figures, rows = run(matrix(SERVED, [SERVED, GOOD, LONG], [0], [2, 4]))
    assert figures["chosen"]["cell"] == "good, no example, 2 passages"
    assert figures["chosen"]["prompt"]["system"] == GOOD.system
    assert figures["chosen"]["answer_score"] == 1.0
    assert figures["comparison"]["direction"] == "better"
    assert figures["comparison"]["n"] == 30
    assert figures["complete"]
    best = [row.record for row in rows if row.cell == figures["chosen"]["cell"]]
    assert len(best) == 30
    assert {record.outcome for record in best} == {"correct"}


def test_the_frontier_has_what_nothing_cheaper_reaches() -> None:
    figures, _ = run(matrix(SERVED, [SERVED, GOOD, LONG], [0], [2, 4]))
    assert figures["frontier"][-1] == "good, no example, 2 passages"
    assert not any(name.startswith("long") for name in figures["frontier"])


def test_what_is_served_stays_where_nothing_is_clearly_better() -> None:
    figures, _ = run(matrix(SERVED, [Prompt(name="other", system="Else.")], [0], [4]))
    assert figures["chosen"]["cell"] == figures["served"]


def test_cost_is_counted_from_tokens() -> None:
    figures, _ = run([Cell(GOOD)], count=9, price=TokenPrice(prompt=2.0, completion=10.0))
    chosen = figures["chosen"]
    assert chosen["completion_tokens"] == len("1 kg [1]")
    assert chosen["cost_per_thousand"] == pytest.approx(
        (2 * chosen["prompt_tokens"] + 10 * chosen["completion_tokens"]) / 1000
    )


def test_no_time_still_measures_something_and_says_so() -> None:
    figures, _ = run(matrix(SERVED, [GOOD, LONG], [0], [4]), minutes=0.0)
    assert not figures["complete"]
    assert figures["not_tried"] == ["good, no example, 4 passages", "long, no example, 4 passages"]
