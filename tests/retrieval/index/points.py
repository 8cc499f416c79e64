"""Points, and what is asked of them, for the tests of the indexes."""

from typing import Any

import numpy as np

from retrieval.index.base import Point, Query
from retrieval.index.sparse import Encoder

ONE, OTHER = "1" * 64, "2" * 64
DIMENSION = 4
ENGLISH = Encoder(("en",))


def unit(*values: float) -> np.ndarray:
    vector = np.array(values, dtype=np.float32)
    return vector / np.linalg.norm(vector)


def point(id: int, dense: np.ndarray, text: str = "", **payload: Any) -> Point:
    return Point(id, dense, ENGLISH.encode_document(text), payload)


PETREL = [
    point(1, unit(1, 0, 0, 0), "battery of the petrel lasts nine hours", document_id="petrel.md", year=2023, beta=True),
    point(2, unit(1, 1, 0, 0), "the petrel shows error E42", document_id="errors.md", year=2024, beta=False),
    point(3, unit(0, 1, 0, 0), "charge the battery overnight", document_id="petrel.md", year=2025.0, store="old"),
    point(4, unit(0, 0, 1, 0), "...", document_id="empty.md"),
]


def ids(hits: list[Any]) -> list[int]:
    return [hit.id for hit in hits]


def dense(vector: np.ndarray, **settings: Any) -> Query:
    return Query(vector, None, **settings)
