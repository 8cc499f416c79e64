"""What the cells of a study have reached, what they cost, and which of them is chosen."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from training.evaluation.comparison import Comparison, compare_arms
from training.evaluation.cost import WRITTEN, TokenPrice
from training.evaluation.evaluate import ArmResult, Record
from training.evaluation.verdict import ONE_STANDARD_ERROR
from training.study.cells import SERVED, Cell

METRIC = "answer_score"


@dataclass
class Measured:
    """What a cell has reached so far."""

    cell: Cell
    price: TokenPrice | None = None
    records: list[Record] = field(default_factory=list)
    prompt_tokens: int = 0
    """Of all requests, as are the tokens written and the seconds."""
    completion_tokens: int = 0
    seconds: float = 0.0
    """Of generating, in batches."""

    @property
    def score(self) -> float:
        """Mean answer score over the questions so far."""
        scores = [record.answer_score or 0.0 for record in self.records]
        return sum(scores) / len(scores) if scores else 0.0

    @property
    def money(self) -> float | None:
        """What a thousand questions cost."""
        if self.price is None:
            return None
        spent = self.prompt_tokens * self.price.prompt + self.completion_tokens * self.price.completion
        return spent / 1e6 / len(self.records) * 1000

    @property
    def cost(self) -> float:
        """By which cells are compared: money where it is known, else tokens of a question, read and written."""
        return self.money or (self.prompt_tokens + WRITTEN * self.completion_tokens) / len(self.records)

    @property
    def rank(self) -> tuple[float, float]:
        """What cells are ranked by: the score, and of equals what is cheaper."""
        return self.score, -self.cost

    def result(self) -> ArmResult:
        """As an arm, to be compared."""
        return ArmResult(self.cell.name, False, False, "", tuple(self.records))

    def figures(self) -> dict[str, Any]:
        """One row of the study's table: tokens, seconds and cost are means over the questions."""
        n = len(self.records)
        return {
            "cell": self.cell.name,
            "mode": self.cell.mode,
            "prompt": self.cell.prompt.model_dump(),
            "questions": n,
            METRIC: self.score,
            "outcomes": self.result().metrics()["outcomes"],
            "prompt_tokens": self.prompt_tokens / n,
            "completion_tokens": self.completion_tokens / n,
            "seconds": self.seconds / n,
            "cost_per_thousand": self.money,
            "cost": self.cost,
        }


def choose(finalists: Sequence[Measured], served: Measured) -> Measured:
    """The cheapest of those that no other is ahead of by more than a standard error; what is served, if it is one.

    Args:
        finalists: measured on the same questions, best first.
    """
    best = finalists[0]

    def level(one: Measured) -> bool:
        return one is best or compared(one, best, confidence=ONE_STANDARD_ERROR).direction != "better"

    if served in finalists and level(served):
        return served
    return min((one for one in finalists if level(one)), key=lambda one: one.cost)


def compared(baseline: Measured, candidate: Measured, *, confidence: float = 0.95) -> Comparison:
    """Their answer scores, over the questions that both have answered."""
    ids = {record.id for record in baseline.records} & {record.id for record in candidate.records}
    sides = [
        ArmResult(one.cell.name, False, False, "", tuple(record for record in one.records if record.id in ids))
        for one in (baseline, candidate)
    ]
    return next(one for one in compare_arms(*sides, confidence=confidence) if one.metric == METRIC)


def frontier(measured: Sequence[Measured]) -> list[Measured]:
    """Those that nothing cheaper reaches, the cheapest first: the best for each budget.

    Only cells with the most questions are compared, which are the same ones.
    """
    most = max(len(one.records) for one in measured)
    kept: list[Measured] = []
    for one in sorted(measured, key=lambda one: (one.cost, -one.score)):
        if len(one.records) == most and (not kept or one.score > kept[-1].score):
            kept.append(one)
    return kept


def budgets(winners: Sequence[Measured]) -> list[dict[str, Any]]:
    """The winner for each budget: from what a question must be allowed to cost on, which cell does best.

    Args:
        winners: the frontier.
    """
    return [
        {
            "from": one.cost,
            "cost_per_thousand": one.money,
            "cell": one.cell.name,
            METRIC: one.score,
            "served_by_a_release": one.cell.mode == SERVED,
        }
        for one in winners
    ]
