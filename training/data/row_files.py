"""Dataclass rows as JSON Lines files of a run, published whole."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter

from retrieval.files import publish_bytes

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
    lines = [json.dumps(asdict(row), ensure_ascii=False) for row in rows]
    publish_bytes(path, ("\n".join(lines) + "\n").encode("utf-8", "surrogatepass") if lines else b"")


def read_rows(path: Path, kind: type[T]) -> list[T]:
    """Read what :func:`write_rows` wrote; pydantic turns lists into the tuples that the class declares."""
    adapter = TypeAdapter(kind)
    text = path.read_bytes().decode("utf-8", "surrogatepass")
    return [adapter.validate_python(json.loads(line)) for line in text.split("\n") if line]
