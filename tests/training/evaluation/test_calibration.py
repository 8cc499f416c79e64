"""Similarity as a forecast of a right answer."""

import numpy as np

from training.evaluation.calibration import BINS, FEWEST, calibration
from training.evaluation.evaluate import Record


def drawn(questions: int, seed: int, chance=lambda similarity: similarity) -> list[Record]:
    rng = np.random.default_rng(seed)
    records = []
    for number, similarity in enumerate(rng.random(questions)):
        right = bool(rng.random() < chance(similarity))
        records.append(
            Record(
                id=str(number),
                question="?",
                group=str(number),
                answers=("a",),
                document_ids=(),
                weak=False,
                ranked=(),
                similarity=float(similarity),
                retrieval=None,
                outcome="correct" if right else "wrong",
                answer_score=float(right),
            )
        )
    return records


def test_what_validation_taught_holds_on_the_test() -> None:
    found = calibration(drawn(600, 1), drawn(600, 2))
    assert (found["fitted_on"], found["n"]) == (600, 600)
    assert [one["n"] for one in found["bins"]] == [600 // BINS] * BINS
    predicted = [one["predicted"] for one in found["bins"]]
    assert predicted == sorted(predicted)
    assert found["ece"] < 0.08
    assert 0 < found["ece_by_chance"] < 0.05


def test_a_forecast_that_does_not_hold_is_seen() -> None:
    found = calibration(drawn(600, 1), drawn(600, 2, chance=lambda similarity: 1 - similarity))
    assert found["ece"] > 5 * found["ece_by_chance"]


def test_few_questions_tell_nothing() -> None:
    found = calibration(drawn(FEWEST - 1, 1), drawn(600, 2))
    assert (found["bins"], found["ece"]) == ([], None)
    assert "too few questions" in found["note"]
    assert f"{FEWEST - 1} answers on validation and 600 on the test" in found["note"]
