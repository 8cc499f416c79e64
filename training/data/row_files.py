"""Dataclass rows as JSON Lines files of a run, published whole."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter

from retrieval.files import publish_rows, published_rows

T = TypeVar("T")


def counted(stats: Any) -> dict[str, Any]:
    """The statistics of building rows as JSON values, with lists of ids as their lengths."""
    return {
        name: {key: len(one) if isinstance(one, list) else one for key, one in value.items()}
        if isinstance(value, dict)
        else value
        for name, value in asdict(stats).items()
    }


def write_rows(path: Path, rows: Iterable[Any]) -> None:
    """Write dataclass instances, one JSON object a line."""
    publish_rows(path, (asdict(row) for row in rows))


def read_rows(path: Path, kind: type[T]) -> list[T]:
    """Read what :func:`write_rows` wrote; pydantic turns lists into the tuples that the class declares."""
    adapter = TypeAdapter(kind)
    return [adapter.validate_python(row) for row in published_rows(path)]
