"""Conditions as they come in over HTTP, and what is refused."""

from typing import Any

import pytest

from retrieval.conditions import Combination, Comparison, all_of, equals, parse_condition
from retrieval.errors import InputError


@pytest.mark.parametrize("kind", ["eq", "ne", "gt", "gte", "lt", "lte"])
def test_comparisons(kind: Any) -> None:
    assert parse_condition({"type": kind, "key": "year", "value": 2024}) == Comparison(kind, "year", 2024)


@pytest.mark.parametrize("value", ["petrel", 3, 2.5, True])
def test_scalars(value: Any) -> None:
    found = parse_condition({"type": "eq", "key": "model", "value": value})
    assert found == equals("model", value)
    assert isinstance(found, Comparison)
    assert type(found.value) is type(value)


def test_lists() -> None:
    value = {"type": "in", "key": "model", "value": ["petrel", 3, False]}
    assert parse_condition(value) == Comparison("in", "model", ("petrel", 3, False))
    assert parse_condition({**value, "type": "nin"}) == Comparison("nin", "model", ("petrel", 3, False))


def test_combinations() -> None:
    one, two = ({"type": "eq", "key": key, "value": 1} for key in "ab")
    value = {"type": "and", "filters": [one, {"type": "or", "filters": [two, one]}]}
    a, b = equals("a", 1), equals("b", 1)
    assert parse_condition(value) == Combination("and", (a, Combination("or", (b, a))))


def nested(depth: int) -> dict[str, Any]:
    condition: dict[str, Any] = {"type": "eq", "key": "a", "value": 1}
    for _ in range(depth):
        condition = {"type": "and", "filters": [condition]}
    return condition


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "filter: found None, expected an object"),
        ([], r"filter: found \[\]"),
        ({}, "filter.type: found None, expected one of eq, ne"),
        ({"type": "like", "key": "a", "value": "b"}, "filter.type: found 'like'"),
        ({"type": ["eq"], "key": "a", "value": "b"}, "filter.type: found"),
        ({"type": "eq", "key": "a"}, r"found the fields \['key', 'type'\]"),
        ({"type": "eq", "key": "a", "value": 1, "values": 2}, "found the fields"),
        ({"type": "eq", "key": "", "value": 1}, "filter.key: found ''"),
        ({"type": "eq", "key": 3, "value": 1}, "filter.key: found 3"),
        ({"type": "eq", "key": "a", "value": None}, "filter.value: found None"),
        ({"type": "eq", "key": "a", "value": [1]}, "expected a string, a finite number"),
        ({"type": "eq", "key": "a", "value": float("nan")}, "found nan"),
        ({"type": "gt", "key": "a", "value": "2024"}, "filter.value: found '2024', expected a number for gt"),
        ({"type": "lt", "key": "a", "value": True}, "expected a number for lt"),
        ({"type": "in", "key": "a", "value": "abc"}, "found 'abc', expected a list"),
        ({"type": "in", "key": "a", "value": []}, "expected a list of at least one"),
        ({"type": "nin", "key": "a", "value": [{}]}, "found {}"),
        ({"type": "and", "filters": []}, "filter.filters: found"),
        ({"type": "or", "filters": "ab"}, "expected a list of at least one filter"),
        ({"type": "or", "filters": [{"type": "eq", "key": "a", "value": 1}, 5]}, r"filter.filters\[1\]: found 5"),
        ({"type": "and", "filters": [{"type": "eq"}], "key": "a"}, "found the fields"),
        (nested(16), "nested more than 16 deep"),
        ({"type": "x" * 1000}, r"found 'x+\.\.\., expected"),
        ({"type": "eq", "key": "a", "value": 2**63}, "beyond 64 bits"),
        ({"type": "eq", "key": "a", "value": "\ud83d"}, "half a character"),
        ({"type": "eq", "key": "\ud83d", "value": 1}, "filter.key: found"),
        ({"type": "in", "key": "a", "value": [1] * 10_001}, "1 comparisons with 10001 values"),
        ({"type": "or", "filters": [nested(1)] * 201}, "201 comparisons"),
    ],
)
def test_refused(value: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_condition(value)


def test_nesting_that_is_allowed() -> None:
    assert isinstance(parse_condition(nested(15)), Combination)


def test_all_of() -> None:
    a, b = equals("a", 1), equals("b", 2)
    assert all_of() is None
    assert all_of(None, None) is None
    assert all_of(None, a) == a
    assert all_of(a, None, b) == Combination("and", (a, b))
