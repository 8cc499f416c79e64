"""Which kind of error a round is aimed at."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from retrieval.errors import InputError
from training.runs.targeting import Round, aim


def round_with(*buckets: str | None) -> Round:
    chosen: Any = SimpleNamespace(buckets=lambda catalog: dict(enumerate(buckets)))
    return Round(cast("Any", SimpleNamespace(id="20261129")), chosen, chosen)


def test_the_largest_is_one_for_which_rows_can_be_made() -> None:
    before = round_with("wrong label", "wrong label", "wrong span", None, "not retrieved")
    assert aim(before, cast("Any", None), "largest") == "not retrieved", "of equals the first cause"
    with pytest.raises(InputError, match=r"found no error to aim at .*wrong label: 1"):
        aim(round_with("wrong label"), cast("Any", None), "largest")
    with pytest.raises(InputError, match="expected largest or one of not retrieved"):
        aim(before, cast("Any", None), "wrong-label")
