"""Selective prediction: how much fewer mistakes there are where only the questions with the most similar passages
are answered.

A threshold on similarity trades coverage for risk (El-Yaniv and Wiener, JMLR 2010; Geifman and El-Yaniv, NeurIPS
2017). Coverage is the share of all questions that get an answer, so one that the generator refuses is never covered.
Risk is 1 minus the mean answer score of the answers given; an answer to a question that the documents cannot answer
scores 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from training.evaluation.evaluate import Record

REFUSED = frozenset({"skipped", "correctly_abstained"})
MOST_POINTS = 120
"""Of a curve; more cannot be seen."""


@dataclass(frozen=True)
class RiskCoverage:
    """The curve of one arm, from the most similar question to the last that it answers."""

    questions: int
    similarities: np.ndarray
    """Of the answers given, falling, ``(answers,)``."""
    losses: np.ndarray
    """1 minus answer score, in the same order; equal similarities share their mean, since nothing orders them."""

    @property
    def coverage(self) -> float:
        """The share of the questions that are answered at all."""
        return len(self.losses) / self.questions

    @property
    def risk(self) -> float:
        """Of all answers given."""
        return float(self.losses.mean())

    def at(self, threshold: float) -> tuple[float, float | None]:
        """Coverage, and the risk, where only what is at least as similar is answered."""
        answered = int((self.similarities >= threshold).sum())
        return answered / self.questions, float(self.losses[:answered].mean()) if answered else None

    def area(self, coverage: float | None = None) -> float:
        """Area under the curve (AURC) up to a coverage, divided by it: the mean of the risks after each answer."""
        answers = len(self.losses) if coverage is None else max(1, round(coverage * self.questions))
        return float(self._risks()[:answers].mean())

    def points(self) -> list[tuple[float, float]]:
        """(coverage, risk) after each group of equally similar questions, thinned where there are many."""
        ends = [i for i, one in enumerate(self.similarities, 1) if not (self.similarities[i : i + 1] == one).any()]
        kept = sorted({ends[round(i)] for i in np.linspace(0, len(ends) - 1, min(len(ends), MOST_POINTS))})
        risks = self._risks()
        return [(round(end / self.questions, 4), round(float(risks[end - 1]), 4)) for end in kept]

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        figures = {"questions": self.questions, "answers": len(self.losses), "coverage": self.coverage}
        return {**figures, "risk": self.risk, "aurc": self.area(), "points": self.points()}

    def _risks(self) -> np.ndarray:
        return np.asarray(np.cumsum(self.losses) / np.arange(1, len(self.losses) + 1))


def answers_given(records: Sequence[Record]) -> list[Record]:
    """The records in which a question got an answer, and a similarity is known."""
    return [r for r in records if r.outcome is not None and r.outcome not in REFUSED and r.similarity is not None]


def risk_coverage(records: Sequence[Record]) -> RiskCoverage | None:
    """The curve of an arm; None where its answers have not two different similarities to be ordered by."""
    given = sorted(answers_given(records), key=lambda record: -(record.similarity or 0.0))
    if len({record.similarity for record in given}) < 2:
        return None
    losses: list[float] = []
    for _, group in groupby(given, key=lambda record: record.similarity):
        own = [1 - (record.answer_score or 0.0) for record in group]
        losses += [sum(own) / len(own)] * len(own)
    similarities = np.array([record.similarity for record in given], dtype=float)
    return RiskCoverage(sum(record.outcome is not None for record in records), similarities, np.array(losses))
