"""Dataclass rows as JSON Lines files of a run, published whole."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from retrieval.files import publish_bytes

T = TypeVar("T")


def write_rows(path: Path, rows: Iterable[Any]) -> None:
    """Write dataclass instances, one JSON object a line."""
    lines = [json.dumps(asdict(row), ensure_ascii=False) for row in rows]
    publish_bytes(path, ("\n".join(lines) + "\n").encode("utf-8", "surrogatepass") if lines else b"")


def read_rows(path: Path, make: Callable[[Mapping[str, Any]], T]) -> list[T]:
    """Read what :func:`write_rows` wrote."""
    text = path.read_bytes().decode("utf-8", "surrogatepass")
    return [make(json.loads(line)) for line in text.split("\n") if line]
