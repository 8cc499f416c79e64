"""Whether the similarity of the best passage tells how likely an answer is right.

Similarity is no probability. On validation an isotonic regression makes one of it (Zadrozny and Elkan 2002), and the
test questions show whether it holds: a reliability diagram with bins of equal counts, and the expected calibration
error (Naeini, Cooper and Hauskrecht, AAAI 2015).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from training.evaluation.evaluate import Record
from training.evaluation.selective import answers_given

BINS = 5
FEWEST = 50
"""Answers on either side below which nothing is said: with ten to a bin, chance alone moves a bin by 0.15."""
DRAWS = 2000


def calibration(validation: Sequence[Record], test: Sequence[Record]) -> dict[str, Any]:
    """How well similarity predicts that an answer given is right.

    Args:
        validation: of the same arm without a threshold; what similarity means is learnt from them.
        test: of the arm as it is judged.

    Returns:
        ``fitted_on`` and ``n`` (answers given on validation and test), ``bins`` (``low`` and ``high`` similarity,
        ``n``, ``predicted`` and ``right`` shares), ``ece``, and ``ece_by_chance``: what a prediction without fault
        would show in the mean, since few answers scatter (Bröcker and Smith 2007). Where there are too few answers,
        ``bins`` is empty, both errors are None and ``note`` says so.
    """
    known, asked = answers_given(validation), answers_given(test)
    found = {"fitted_on": len(known), "n": len(asked), "bins": [], "ece": None, "ece_by_chance": None, "note": ""}
    if min(len(known), len(asked)) < FEWEST:
        note = (
            f"too few questions to tell: {len(known)} answers on validation and {len(asked)} on the test, "
            f"expected at least {FEWEST} of each"
        )
        return {**found, "note": note}
    asked.sort(key=lambda record: record.similarity or 0.0)
    similarities = np.array([record.similarity for record in asked], dtype=float)
    predicted = _fitted(known, similarities)
    right = np.array([record.outcome == "correct" for record in asked], dtype=float)
    bins = np.array_split(np.arange(len(asked)), BINS)
    rng = np.random.default_rng(0)
    chance = [_error(predicted, rng.random(len(predicted)) < predicted, bins) for _ in range(DRAWS)]
    return {
        **found,
        "bins": [
            {
                "low": float(similarities[own[0]]),
                "high": float(similarities[own[-1]]),
                "n": len(own),
                "predicted": float(predicted[own].mean()),
                "right": float(right[own].mean()),
            }
            for own in bins
        ],
        "ece": _error(predicted, right, bins),
        "ece_by_chance": float(np.mean(chance)),
    }


def _fitted(known: Sequence[Record], similarities: np.ndarray) -> np.ndarray:
    """The share of right answers at similarities, rising with them; beyond what was seen it stays level."""
    from scipy.optimize import isotonic_regression

    x = np.array([record.similarity for record in known], dtype=float)
    y = np.array([record.outcome == "correct" for record in known], dtype=float)
    at, member, counts = np.unique(x, return_inverse=True, return_counts=True)
    shares = np.bincount(member, weights=y) / counts
    return np.asarray(np.interp(similarities, at, isotonic_regression(shares, weights=counts).x))


def _error(predicted: np.ndarray, right: np.ndarray, bins: Sequence[np.ndarray]) -> float:
    gaps = [len(own) * abs(float(predicted[own].mean()) - float(right[own].mean())) for own in bins]
    return sum(gaps) / len(predicted)
