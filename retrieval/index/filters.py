"""Conditions as the engine's filters. Both bindings name the parts alike, so one translation serves both.

Knows neither binding: it is given the module that has the classes.
"""

import re
from collections.abc import Mapping
from typing import Any

from retrieval.conditions import Combination, Comparison, Condition, Scalar
from retrieval.errors import InputError


def engine_payload(payload: Mapping[str, Any]) -> dict[str, Any]:
    """A payload as it is stored: true and false as words, since Edge's binding matches booleans as integers."""
    return {key: _word(value) if isinstance(value, bool) else value for key, value in payload.items()}


def to_filter(condition: Condition, engine: Any) -> Any:
    """A ``Filter`` of the engine.

    ``ne`` and ``nin`` also hold where the field is missing.

    Args:
        engine: ``qdrant_edge`` or ``qdrant_client.models``.

    Raises:
        InputError: a key that the engine cannot address.
    """
    if isinstance(condition, Combination):
        parts = [to_filter(part, engine) for part in condition.filters]
        return engine.Filter(must=parts) if condition.type == "and" else engine.Filter(should=parts)
    key = _path(condition.key)
    match condition.type:
        case "eq" | "in":
            return engine.Filter(should=_equals(key, condition, engine))
        case "ne" | "nin":
            return engine.Filter(must_not=_equals(key, condition, engine))
        case bound:
            limit = _range(engine, **{bound: condition.value})
            return engine.Filter(must=[engine.FieldCondition(key=key, range=limit)])


def _equals(key: str, condition: Comparison, engine: Any) -> list[Any]:
    """Conditions of which one holds where the field has one of the values."""
    values: tuple[Scalar, ...] = condition.value if isinstance(condition.value, tuple) else (condition.value,)
    words = [_word(value) if isinstance(value, bool) else value for value in values]
    texts = [word for word in words if isinstance(word, str)]
    found = [engine.FieldCondition(key=key, match=engine.MatchAny(any=texts))] if texts else []
    # A range for a number, so that 1 also finds 1.0; a match compares integers with integers only.
    found += [
        engine.FieldCondition(key=key, range=_range(engine, gte=word, lte=word))
        for word in words
        if not isinstance(word, str)
    ]
    return found


def _word(value: bool) -> str:
    return "true" if value else "false"


def _range(engine: Any, **bounds: Any) -> Any:
    kind = getattr(engine, "RangeFloat", None) or engine.Range
    return kind(**{name: float(value) for name, value in bounds.items()})


def _path(key: str) -> str:
    """The field itself, whatever it is called: a dot in it is not a path into nested objects."""
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key):
        return key
    if '"' in key or "\\" in key:
        raise InputError(f"found the field name {key!r} in a filter, expected one without quotes and backslashes")
    return f'"{key}"'
