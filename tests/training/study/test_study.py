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
from training.study.page import render_study
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
        options.pop("generator", None) or Generator(),
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


def test_of_equal_cells_the_cheaper_goes_on() -> None:
    dear = [Prompt(name=f"dear{number}", system="Else, " * 50) for number in range(3)]
    figures, _ = run(matrix(SERVED, [*dear, Prompt(name="cheap", system="E.")], [0], [4]))
    measured = {one["cell"]: one["questions"] for one in figures["cells"]}
    assert measured["cheap, no example, 4 passages"] == 30
    assert all(measured[f"dear{number}, no example, 4 passages"] < 30 for number in range(3))


class Careful(Generator):
    """Rewrites a question to itself; where it is asked to check, it denies every answer but the right ones."""

    def complete(self, prompts: Sequence[str], max_new_tokens: int) -> list[tuple[str, str]]:
        texts = []
        for prompt in prompts:
            if prompt.startswith("Rewrite"):
                texts.append((f'"{prompt.split(chr(10))[1]}"', "stop"))
            elif prompt.startswith("You check"):
                texts.append(("No." if "Answer: 99 m" in prompt else "Yes", "stop"))
            else:
                texts += super().complete([prompt], max_new_tokens)
        return texts


def test_other_modes_are_measured_with_the_best_prompts_and_never_chosen() -> None:
    cells = matrix(SERVED, [SERVED, GOOD, LONG, SHORT], [0], [2, 4])
    figures, rows = run(cells, modes=["chained"], generator=Careful())
    chained = [one for one in figures["cells"] if one["mode"] == "chained"]
    assert 1 <= len(chained) <= 3
    assert figures["chosen"]["mode"] == "direct"
    assert figures["beyond"]["cell"] == chained[0]["cell"]
    assert figures["beyond"]["n"] == 30
    assert figures["complete"]
    direct = next(one for one in figures["cells"] if one["cell"] == chained[0]["cell"].removesuffix(", chained"))
    assert chained[0]["prompt_tokens"] > direct["prompt_tokens"]  # of all three requests
    assert chained[0]["completion_tokens"] > direct["completion_tokens"]
    served = [row for row in rows if row.cell == figures["served"]]
    assert {row.record.outcome for row in served} == {"correct", "wrong"}


def test_a_denied_answer_becomes_the_abstention() -> None:
    _, rows = run([Cell(SERVED)], modes=["chained"], generator=Careful())
    chained = [row.record for row in rows if row.cell.endswith("chained")]
    assert {record.outcome for record in chained} == {"correct", "skipped"}
    assert {record.answer for record in chained if record.outcome == "skipped"} == {SERVED.abstention}


def test_no_time_is_left_for_other_modes_and_their_cells_are_named() -> None:
    figures, _ = run([Cell(SERVED)], modes=["chained"], generator=Careful(), minutes=0.0)
    assert figures["beyond"] is None
    assert not figures["complete"]
    assert figures["not_tried"] == ["default, no example, 4 passages, chained"]


def test_the_page_shows_every_cell_and_the_winner_of_each_budget_and_nothing_from_elsewhere() -> None:
    figures, _ = run(
        matrix(SERVED, [GOOD, LONG], [0], [2, 4]), modes=["chained"], generator=Careful(), price=TokenPrice(1, 4)
    )
    page = render_study({"release": "<r1>", **figures})
    assert "&lt;r1&gt;" in page
    for cell in figures["cells"]:
        assert cell["cell"] in page
    assert page.count("<polyline") == 1
    assert "measured and not chosen" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "<script" not in page
    assert [one["cell"] for one in figures["budgets"]] == figures["frontier"]
    assert [one["from"] for one in figures["budgets"]] == sorted(one["from"] for one in figures["budgets"])
