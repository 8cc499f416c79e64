"""``study``: tries every cell of a matrix on validation questions, the best on more and more of them.

No test question is looked at, and nothing is trained. Knows nothing about releases; the caller hands it a searcher,
a generator and the examples.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from retrieval.progress import Progress, silent
from retrieval.search import Searcher
from training.answering.answerer import Answerer, Encoded, Generates, Weighs
from training.answering.demonstrations import Demonstrations
from training.data.examples import Example
from training.data.sampling import spread
from training.evaluation.cost import TokenPrice
from training.evaluation.evaluate import Arm, Record, evaluate
from training.study.cells import SERVED, Cell, Mode, further
from training.study.chained import Checking, Rewriting
from training.study.halving import Halved, halve
from training.study.measured import Measured, budgets, choose, compared, frontier
from training.study.tool_use import Searching
from training.tasks.task import Task

DIRECT_SHARE = 3 / 4
"""Of the time, for the direct cells where there are other modes."""
ANSWERERS: Mapping[Mode, type[Answerer]] = {"direct": Answerer, "chained": Checking, "tools": Searching}


@dataclass(frozen=True)
class Row:
    """What one cell did with one question."""

    cell: str
    record: Record


class _Metered:
    """Counts what a generator reads, writes and takes."""

    def __init__(self, generator: Generates, length: Callable[[str], int]) -> None:
        self.generator, self.length = generator, length
        self.prompt_tokens, self.completion_tokens, self.seconds = 0, 0, 0.0

    @property
    def max_context(self) -> int:
        return self.generator.max_context

    def encode(self, messages: Sequence[Any], **options: Any) -> Encoded:
        return self.generator.encode(messages, **options)

    @property
    def can_score(self) -> bool:
        return bool(getattr(self.generator, "can_score", False))

    def weigh(self, prompts: Sequence[Encoded], choices: Sequence[Sequence[str]]) -> list[list[float]]:
        started = time.monotonic()
        found = cast("Weighs", self.generator).weigh(prompts, choices)
        self.seconds += time.monotonic() - started
        self.prompt_tokens += sum(map(len, prompts))
        self.completion_tokens += sum(max(map(self.length, own)) for own in choices)
        return found

    def complete(self, prompts: Sequence[Encoded], max_new_tokens: int) -> list[tuple[str, str]]:
        started = time.monotonic()
        completed = self.generator.complete(prompts, max_new_tokens)
        self.seconds += time.monotonic() - started
        self.prompt_tokens += sum(map(len, prompts))
        self.completion_tokens += sum(self.length(text) for text, _ in completed)
        return completed


def study(
    cells: Sequence[Cell],
    examples: Sequence[Example],
    groups: Mapping[str, str],
    searcher: Searcher,
    generator: Generates,
    *,
    demonstrations: Demonstrations,
    tasks: Mapping[str, Task] | None = None,
    length: Callable[[str], int],
    max_new_tokens: int,
    minutes: float,
    modes: Sequence[Mode] = (),
    price: TokenPrice | None = None,
    seed: int = 17,
    progress: Progress = silent,
) -> tuple[dict[str, Any], list[Row]]:
    """Measure the cells by successive halving, then the best prompts in other modes, and choose.

    Args:
        cells: direct ones; the first is what is served now: it is measured on all questions.
        examples: of validation.
        groups: example id to what it hangs together with.
        tasks: by their names.
        length: tokens of a text that was generated.
        minutes: for it all; a cell that is begun is measured to its end.
        modes: further ones that the generator can do. They are measured, and never chosen: no release answers so.

    Returns:
        Figures: ``chosen``, ``served``, ``comparison`` of the two, ``beyond`` (the best cell in another mode, compared
        with the chosen one; None without), ``cells`` (the best first), ``frontier`` (names of the cells that nothing
        cheaper matches, the cheapest first), ``budgets`` (the same with figures), ``complete`` (whether every round
        had all of its questions). And the row of each question of each cell.
    """
    ends = time.monotonic() + 60 * minutes
    measured = {cell: Measured(cell, price) for cell in cells}

    def measure(cell: Cell, questions: int) -> None:
        done = measured[cell]
        known = {record.id for record in done.records}
        new = [one for one in spread(examples, groups, questions, seed=seed) if one.id not in known]
        meter = _Metered(generator, length)
        at = searcher.at(searcher.settings.model_copy(update={"top_k": cell.prompt.max_passages}))
        if cell.mode == "chained":
            at = cast("Searcher", Rewriting(at, meter))
        answerer = ANSWERERS[cell.mode](
            at,
            meter,
            cell.prompt,
            "",
            max_new_tokens=max_new_tokens,
            demonstrations=demonstrations,
            tasks=tasks,
        )
        arm = Arm(cell.name, at, answerer)
        done.records += evaluate(arm, new, groups, progress=progress).records
        done.prompt_tokens += meter.prompt_tokens
        done.completion_tokens += meter.completion_tokens
        done.seconds += meter.seconds

    def halved(cells: Sequence[Cell], questions: int, share: float, always: Cell | None = None) -> Halved[Cell]:
        seconds = share * (ends - time.monotonic())
        return halve(cells, questions, measure, lambda one: measured[one].rank, always=always, seconds=seconds)

    direct = halved(cells, len(examples), DIRECT_SHARE if modes else 1.0, always=cells[0])
    finalists = [measured[cell] for cell in direct.best]
    more = further(direct.best, modes)
    measured |= {cell: Measured(cell, price) for cell in more}
    in_time = time.monotonic() < ends
    other = halved(more, direct.questions, 1.0) if more and in_time else None  # on questions that the direct ones have
    beyond = [measured[cell] for cell in other.best] if other else []
    served = measured[cells[0]]
    chosen = choose(finalists, served)
    tried = sorted((one for one in measured.values() if one.records), key=lambda one: (-len(one.records), -one.score))
    winners = frontier([*finalists, *beyond])
    figures = {
        "questions": len(examples),
        "complete": direct.complete and (other.complete if other else not more),
        "served": served.cell.name,
        "chosen": chosen.figures(),
        "comparison": compared(served, chosen).to_json(),
        "beyond": {"cell": beyond[0].cell.name, **compared(chosen, beyond[0]).to_json()} if beyond else None,
        "modes": [SERVED, *modes],
        "frontier": [one.cell.name for one in winners],
        "budgets": budgets(winners),
        "cells": [one.figures() for one in tried],
        "not_tried": [cell.name for cell, one in measured.items() if not one.records],
    }
    return figures, [Row(one.cell.name, record) for one in tried for record in one.records]
