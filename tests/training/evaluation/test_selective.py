"""Risk by coverage, by hand."""

import pytest

from training.evaluation.evaluate import Record
from training.evaluation.selective import MOST_POINTS, risk_coverage
from training.scoring.answer_metrics import Outcome


def record(similarity: float | None, score: float, outcome: Outcome = "correct") -> Record:
    return Record(
        id=f"{similarity}{score}{outcome}",
        question="?",
        group="g",
        answers=("a",),
        document_ids=(),
        weak=False,
        ranked=(),
        similarity=similarity,
        retrieval=None,
        outcome=outcome,
        answer_score=score,
    )


def test_the_curve_of_four_answers_and_a_refusal() -> None:
    records = [
        record(0.9, 1.0),
        record(0.2, 0.0, "hallucinated"),
        record(0.5, 0.5, "wrong"),
        record(0.4, 1.0),
        record(0.8, 0.0, "skipped"),  # the generator refused: no answer, at no threshold
    ]
    curve = risk_coverage(records)
    assert curve is not None
    assert curve.points() == [(0.2, 0.0), (0.4, 0.25), (0.6, 0.1667), (0.8, 0.375)]
    assert (curve.coverage, curve.risk) == (0.8, 0.375)
    assert curve.area() == pytest.approx((0 + 0.25 + 0.5 / 3 + 0.375) / 4)
    assert curve.area(0.4) == pytest.approx(0.125)
    assert curve.at(0.45) == (0.4, 0.25)
    assert curve.at(0.95) == (0.0, None)


def test_a_perfect_order_has_a_smaller_area_than_the_reverse() -> None:
    good = risk_coverage([record(0.9 - i / 10, 1.0 if i < 3 else 0.0) for i in range(6)])
    bad = risk_coverage([record(0.9 - i / 10, 0.0 if i < 3 else 1.0) for i in range(6)])
    assert good is not None
    assert bad is not None
    assert good.risk == bad.risk
    assert good.area() < bad.area()


def test_equal_similarities_have_no_order() -> None:
    one = risk_coverage([record(0.5, 1.0), record(0.5, 0.0), record(0.4, 1.0)])
    other = risk_coverage([record(0.5, 0.0), record(0.5, 1.0), record(0.4, 1.0)])
    assert one is not None
    assert other is not None
    assert one.area() == other.area()
    assert len(one.points()) == 2


@pytest.mark.parametrize("similarities", [[], [0.5], [0.5, 0.5], [None, None]])
def test_nothing_to_order_is_no_curve(similarities: list[float | None]) -> None:
    assert risk_coverage([record(one, 1.0) for one in similarities]) is None


def test_many_questions_are_drawn_with_few_points() -> None:
    curve = risk_coverage([record(i / 2000, i % 2) for i in range(2000)])
    assert curve is not None
    points = curve.points()
    assert len(points) == MOST_POINTS
    assert points[-1] == (1.0, 0.5)
