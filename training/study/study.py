"""``study``: tries every cell of a matrix on validation questions, the best on more and more of them.

No test question is looked at, and nothing is trained. Knows nothing about releases; the caller hands it a searcher,
a generator and the examples.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from retrieval.progress import Progress, silent
from retrieval.search import Searcher
from training.answering.answerer import Answerer, Encoded, Generates, Weighs
from training.answering.demonstrations import Demonstrations
from training.data.examples import Example
from training.data.sampling import spread
from training.evaluation.comparison import compare_arms
from training.evaluation.cost import WRITTEN, TokenPrice
from training.evaluation.evaluate import Arm, ArmResult, Record, evaluate
from training.evaluation.verdict import ONE_STANDARD_ERROR
from training.study.cells import Cell
from training.study.halving import halve
from training.tasks.task import Task

METRIC = "answer_score"


@dataclass
class Measured:
    """What a cell has reached so far."""

    cell: Cell
    records: list[Record] = field(default_factory=list)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    """Of generating, in batches."""

    @property
    def score(self) -> float:
        """Mean answer score over the questions so far."""
        scores = [record.answer_score or 0.0 for record in self.records]
        return sum(scores) / len(scores) if scores else 0.0

    def result(self) -> ArmResult:
        """As an arm, to be compared."""
        return ArmResult(self.cell.name, False, False, "", tuple(self.records))

    def figures(self, price: TokenPrice | None) -> dict[str, Any]:
        """One row of the study's table: tokens, seconds and cost are means over the questions."""
        n = len(self.records)
        cost = None
        if price is not None:
            cost = (self.prompt_tokens * price.prompt + self.completion_tokens * price.completion) / 1e6 / n * 1000
        outcomes = self.result().metrics()["outcomes"]
        return {
            "cell": self.cell.name,
            "prompt": self.cell.prompt.model_dump(),
            "questions": n,
            METRIC: self.score,
            "outcomes": outcomes,
            "prompt_tokens": self.prompt_tokens / n,
            "completion_tokens": self.completion_tokens / n,
            "seconds": self.seconds / n,
            "cost_per_thousand": cost,
        }


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

    def encode(self, messages: Sequence[Any], *, thinking: bool = False) -> Encoded:
        return self.generator.encode(messages, thinking=thinking)

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
    price: TokenPrice | None = None,
    seed: int = 17,
    progress: Progress = silent,
) -> tuple[dict[str, Any], list[Row]]:
    """Measure the cells by successive halving, and choose.

    Args:
        cells: the first is what is served now: it is measured on all questions.
        examples: of validation.
        groups: example id to what it hangs together with.
        tasks: by their names.
        length: tokens of a text that was generated.
        minutes: no round of which not all is measured by then counts, but the first.

    Returns:
        Figures: ``chosen``, ``served``, ``comparison`` of the two, ``cells`` (the best first), ``frontier`` (names
        of the cells that nothing cheaper matches, the cheapest first), ``complete`` (whether all rounds were
        finished). And the row of each question of each cell.
    """
    deadline = time.monotonic() + 60 * minutes
    measured = {cell: Measured(cell) for cell in cells}
    late = False

    def measure(cell: Cell, questions: int) -> None:
        done = measured[cell]
        known = {record.id for record in done.records}
        new = [one for one in spread(examples, groups, questions, seed=seed) if one.id not in known]
        meter = _Metered(generator, length)
        at = searcher.at(searcher.settings.model_copy(update={"top_k": cell.prompt.max_passages}))
        answerer = Answerer(
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

    def enough() -> bool:
        nonlocal late
        late = late or time.monotonic() > deadline
        return late

    best = halve(list(cells), len(examples), measure, lambda cell: measured[cell].score, always=cells[0], enough=enough)
    finalists = [measured[cell] for cell in best]
    served = measured[cells[0]]
    chosen = choose(finalists, served)
    comparison = next(one for one in compare_arms(_same(served, chosen), chosen.result()) if one.metric == METRIC)
    tried = sorted((one for one in measured.values() if one.records), key=lambda one: (-len(one.records), -one.score))
    figures = {
        "questions": len(examples),
        "complete": not late,
        "served": served.cell.name,
        "chosen": chosen.figures(price),
        "comparison": comparison.to_json(),
        "frontier": [one.cell.name for one in frontier(finalists)],
        "cells": [one.figures(price) for one in tried],
        "not_tried": [cell.name for cell, one in measured.items() if not one.records],
    }
    return figures, [Row(one.cell.name, record) for one in tried for record in one.records]


def choose(finalists: Sequence[Measured], served: Measured) -> Measured:
    """The cheapest of those that no other is ahead of by more than a standard error; what is served, if it is one.

    Args:
        finalists: measured on the same questions, best first.
    """
    best = finalists[0]

    def level(one: Measured) -> bool:
        if one is best:
            return True
        found = compare_arms(_same(one, best), best.result(), confidence=ONE_STANDARD_ERROR)
        return next(c for c in found if c.metric == METRIC).direction != "better"

    if served in finalists and level(served):
        return served
    return min((one for one in finalists if level(one)), key=_cost)


def frontier(finalists: Sequence[Measured]) -> list[Measured]:
    """Those that nothing cheaper reaches, the cheapest first: the best for each budget."""
    kept: list[Measured] = []
    for one in sorted(finalists, key=lambda one: (_cost(one), -one.score)):
        if not kept or one.score > kept[-1].score:
            kept.append(one)
    return kept


def _same(one: Measured, other: Measured) -> ArmResult:
    """The part of an arm's records that another has, too."""
    ids = {record.id for record in other.records}
    result = one.result()
    return ArmResult(result.name, False, False, "", tuple(record for record in result.records if record.id in ids))


def _cost(one: Measured) -> float:
    """Tokens of a question, read and written, weighed as servers price them."""
    return (one.prompt_tokens + WRITTEN * one.completion_tokens) / len(one.records)
