"""Which kind of error a round is aimed at."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from retrieval.errors import InputError
from training.runs.targeting import Answered, OnTop, Round, aim


def round_with(*buckets: str | None) -> Round:
    chosen: Any = SimpleNamespace(buckets=lambda catalog: dict(enumerate(buckets)))
    return Round(cast("Any", SimpleNamespace(id="20261129")), chosen, chosen)


def test_the_largest_is_the_first_cause_of_equals() -> None:
    before = round_with("wrong label", "wrong span", None, "not retrieved")
    assert aim(before, cast("Any", None), "largest") == "not retrieved"
    assert aim(before, cast("Any", None), "wrong-label") == "wrong label"
    with pytest.raises(InputError, match=r"found no error to aim at .*wrong label: 1"):
        aim(round_with("wrong label"), cast("Any", None), "wrong-span")
    with pytest.raises(InputError, match="found no error to aim at"):
        aim(round_with(None), cast("Any", None), "largest")
    with pytest.raises(InputError, match="expected largest or one of not retrieved"):
        aim(before, cast("Any", None), "wrong-colour")


def test_rows_of_a_targeted_round_come_on_top() -> None:
    rows: Any = [SimpleNamespace(example_id=one) for one in ("a", "made-1", "b")]
    base, more = OnTop({"made-1"}, {"b": 2}).divide(rows)
    assert [one.example_id for one in base] == ["a", "b"]
    assert [one.example_id for one in more] == ["made-1", "b", "b"]


def test_what_the_threshold_refuses_is_counted_apart() -> None:
    asked = [
        ("low", 0.3, True),
        ("high", 0.7, True),
        ("unknown", None, True),
        ("of a task that never abstains", 0.3, False),
    ]
    records: Any = [SimpleNamespace(id=name, similarity=value, abstains=may) for name, value, may in asked]
    assert Answered("generator tuned", records, 4, threshold=0.5).unasked(records) == 1
    assert Answered("generator tuned", records, 4).unasked(records) == 0
