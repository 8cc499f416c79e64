"""Conditions on the payload of chunks, in the shape of OpenAI's ``file_search`` filters.

Knows nothing about a vector database; each backend of :mod:`retrieval.index` translates these.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from retrieval.errors import InputError

Scalar = str | int | float | bool
ComparisonType = Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin"]
CombinationType = Literal["and", "or"]

_DEPTH = 16
"""Deeper nesting than any person writes; a bound for what comes in over HTTP."""
_COMPARISONS, _VALUES = 200, 10_000
"""Of one condition altogether; the vector database takes long with more."""


@dataclass(frozen=True)
class Comparison:
    """A payload field compared with a value, or with a tuple of values for ``in`` and ``nin``."""

    type: ComparisonType
    key: str
    value: Scalar | tuple[Scalar, ...]


@dataclass(frozen=True)
class Combination:
    """All (``and``) or at least one (``or``) of its conditions."""

    type: CombinationType
    filters: tuple["Condition", ...]


Condition = Comparison | Combination


def equals(key: str, value: Scalar) -> Comparison:
    """The condition that a payload field equals a value."""
    return Comparison("eq", key, value)


def all_of(*conditions: Condition | None) -> Condition | None:
    """The conditions that are not None, joined by ``and``; None where there are none."""
    given = tuple(condition for condition in conditions if condition is not None)
    return given[0] if len(given) == 1 else Combination("and", given) if given else None


def parse_condition(value: Any) -> Condition:
    """A condition from its JSON form.

    ``{"type": "eq|ne|gt|gte|lt|lte|in|nin", "key": ..., "value": ...}`` or
    ``{"type": "and|or", "filters": [...]}``.

    Raises:
        InputError: anything else.
    """
    condition = _parse(value, "filter", 1)
    sizes = [len(one.value) if isinstance(one.value, tuple) else 1 for one in _comparisons(condition)]
    if len(sizes) > _COMPARISONS or sum(sizes) > _VALUES:
        raise InputError(
            f"found a filter of {len(sizes)} comparisons with {sum(sizes)} values, expected at most {_COMPARISONS} "
            f"with {_VALUES}: search several times"
        )
    return condition


def _comparisons(condition: Condition) -> Iterator[Comparison]:
    if isinstance(condition, Comparison):
        yield condition
    else:
        for part in condition.filters:
            yield from _comparisons(part)


def _parse(value: Any, place: str, depth: int) -> Condition:
    if depth > _DEPTH:
        raise InputError(f"found a filter nested more than {_DEPTH} deep, expected less: flatten it")
    if not isinstance(value, Mapping):
        raise InputError(f"{place}: found {_shown(value)}, expected an object with a 'type'")
    kind = value.get("type")
    if isinstance(kind, str) and kind in get_args(CombinationType):
        _check_keys(value, {"type", "filters"}, place)
        filters = value["filters"]
        if not isinstance(filters, Sequence) or isinstance(filters, str) or not filters:
            raise InputError(f"{place}.filters: found {_shown(filters)}, expected a list of at least one filter")
        parts = tuple(_parse(part, f"{place}.filters[{i}]", depth + 1) for i, part in enumerate(filters))
        return Combination(cast(CombinationType, kind), parts)
    if isinstance(kind, str) and kind in get_args(ComparisonType):
        _check_keys(value, {"type", "key", "value"}, place)
        return _comparison(cast(ComparisonType, kind), value["key"], value["value"], place)
    expected = ", ".join([*get_args(ComparisonType), *get_args(CombinationType)])
    raise InputError(f"{place}.type: found {_shown(kind)}, expected one of {expected}")


def _comparison(kind: ComparisonType, key: Any, value: Any, place: str) -> Comparison:
    if not isinstance(key, str) or not key or not _is_unicode(key):
        raise InputError(f"{place}.key: found {_shown(key)}, expected the name of a field")
    if kind in ("in", "nin"):
        if not isinstance(value, Sequence) or isinstance(value, str) or not value:
            raise InputError(f"{place}.value: found {_shown(value)}, expected a list of at least one value for {kind}")
        for item in value:
            _check_scalar(item, f"{place}.value")
        return Comparison(kind, key, tuple(value))
    _check_scalar(value, f"{place}.value")
    if kind in ("gt", "gte", "lt", "lte") and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise InputError(f"{place}.value: found {_shown(value)}, expected a number for {kind}")
    return Comparison(kind, key, value)


def _check_keys(value: Mapping[str, Any], expected: set[str], place: str) -> None:
    if value.keys() != expected:
        raise InputError(f"{place}: found the fields {sorted(value)}, expected {sorted(expected)}")


def _check_scalar(value: Any, place: str) -> None:
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise InputError(f"{place}: found a whole number beyond 64 bits, expected a smaller one")
    if isinstance(value, str) and not _is_unicode(value):
        raise InputError(f"{place}: found half a character, expected whole ones")
    if not isinstance(value, str | int | float | bool) or (isinstance(value, float) and not math.isfinite(value)):
        raise InputError(f"{place}: found {_shown(value)}, expected a string, a finite number, true or false")


def _is_unicode(text: str) -> bool:
    """Whether it can be written down: half of a surrogate pair cannot."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
