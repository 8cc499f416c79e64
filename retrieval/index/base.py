"""What an index is: the protocol that both backends fulfil, and what goes in and comes out.

Knows nothing about documents, texts or embedders beyond a fingerprint: a point has an id,
two vectors and a payload. The catalog is the truth; an index can be rebuilt from it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

import numpy as np

from retrieval.conditions import Condition
from retrieval.errors import MismatchError

T = TypeVar("T")

DENSE = "dense"
"""Name of the dense vector in a collection."""
SPARSE = "sparse"
"""Name of the BM25 vector in a collection."""
SPARE = 8
"""How many results more than wanted a fusion is asked for, see :func:`engine_limit`."""
KEYWORD_FIELDS = ("document_id", "store")
"""Payload fields that are indexed for exact match: conditions on them cost no scan."""


@dataclass(frozen=True)
class SparseVector:
    """Term ids and their weights, of equal length."""

    indices: list[int]
    values: list[float]


@dataclass(frozen=True)
class Point:
    """A chunk as the index keeps it."""

    id: int
    dense: np.ndarray  # (dimension,) float32
    sparse: SparseVector
    payload: Mapping[str, Any]


@dataclass(frozen=True)
class Hit:
    """A point that a query found."""

    id: int
    score: float
    """What it was ranked by: cosine, BM25, or the fused score. Comparable within one result only."""
    similarity: float | None
    """Cosine with the dense query, where one was given."""


@dataclass(frozen=True)
class Query:
    """A search: dense, sparse, or both, which is hybrid."""

    dense: np.ndarray | None  # (dimension,) float32
    sparse: SparseVector | None
    limit: int = 10
    candidates: int = 50
    """How many each branch of a hybrid query puts forward for fusion."""
    dense_weight: float = 1.0
    sparse_weight: float = 1.0
    fusion: Literal["rrf", "score"] = "rrf"
    """Reciprocal ranks, by the engine; or normalised scores, see :mod:`retrieval.index.fusion`."""
    rrf_k: int = 60
    condition: Condition | None = None

    def __post_init__(self) -> None:
        if self.dense is None and self.sparse is None:
            raise ValueError("a query needs a dense or a sparse vector, found neither")
        if self.limit < 1 or self.candidates < 1:
            raise ValueError(f"found limit {self.limit} and candidates {self.candidates}, expected at least 1")
        if self.rrf_k < 1 or min(self.dense_weight, self.sparse_weight) < 0:
            raise ValueError(
                f"found rrf_k {self.rrf_k} and weights {self.dense_weight}, {self.sparse_weight}, "
                "expected rrf_k of at least 1 and weights of at least 0"
            )

    @property
    def hybrid(self) -> bool:
        """Whether the engine has two rankings to fuse."""
        return self.dense is not None and self.sparse is not None

    @property
    def by_score(self) -> bool:
        """Whether their scores are fused, rather than their ranks."""
        return self.hybrid and self.fusion == "score"


class Index(Protocol):
    """A collection bound to one embedder.

    What ``upsert`` and ``delete`` acknowledged survives the end of the process, however it ends.
    """

    name: str
    """The collection: a directory's path, or a name on the server."""
    embedder: str
    """Fingerprint of the embedder whose vectors it holds."""
    dimension: int
    languages: tuple[str, ...] | None
    """What the settings say of the documents' languages; None where they are to be detected."""

    @property
    def sparse(self) -> str:
        """Scheme of the BM25 vectors that it holds, see :class:`retrieval.index.sparse.Encoder`."""
        ...

    def upsert(self, points: Iterable[Point]) -> int:
        """Insert or replace points by id; the number written.

        Raises:
            ValueError: a dense vector has another shape, or is zero or not finite. The batches of
                points before the faulty batch are written, the faulty one and those after it are not.
            StorageError: the engine refused.
        """
        ...

    def delete(self, ids: Sequence[int]) -> None:
        """Remove points; ids that are not there are ignored."""
        ...

    def query(self, query: Query) -> list[Hit]:
        """The best points, best first."""
        ...

    def query_batch(self, queries: Sequence[Query]) -> list[list[Hit]]:
        """:meth:`query` for several, in order."""
        ...

    def vectors(self, ids: Sequence[int]) -> dict[int, np.ndarray]:
        """Dense vectors by id, (dimension,) float32; ids that are not there are left out."""
        ...

    def ids(self) -> Iterator[int]:
        """Every id, ascending."""
        ...

    def count(self) -> int:
        """How many points it holds, exactly. May take long and hold up other threads."""
        ...

    def is_empty(self) -> bool:
        """Whether it holds no point at all; cheap, however many there are."""
        ...

    def set_sparse(self, scheme: str) -> None:
        """Record the scheme of the BM25 vectors, once all of them are of it."""
        ...

    def optimize(self) -> None:
        """Build what makes a large collection fast. May take long and hold up other threads."""
        ...

    def flush(self) -> None:
        """Write what is in memory to the data files, so that the next opening is quick."""
        ...

    def close(self) -> None:
        """Release it; another process can open it afterwards. Safe to call twice."""
        ...


def check_batch(points: Sequence[Point], dimension: int) -> np.ndarray:
    """The dense vectors of points as one matrix (n, dimension) float32, refused where unfit for cosine.

    Raises:
        ValueError: a vector has another shape, or is zero or not finite.
    """
    for point in points:
        if np.shape(point.dense) != (dimension,):
            raise ValueError(
                f"point {point.id}: found a vector of shape {np.shape(point.dense)}, expected ({dimension},)"
            )
    matrix = np.stack([point.dense for point in points]).astype(np.float32, copy=False)  # (n, dimension)
    # One pass: a NaN or an infinity anywhere in a row makes its squared norm non-finite.
    norms = np.einsum("nd,nd->n", matrix, matrix)
    bad = ~np.isfinite(norms) | (norms == 0)
    if bad.any():
        point = points[int(bad.argmax())]
        raise ValueError(
            f"point {point.id}: found a dense vector that is zero or not finite, expected a unit vector; "
            "its embedder is damaged or was trained to a loss that is not finite"
        )
    return matrix


@dataclass(frozen=True)
class Branch:
    """One ranking that a query asks for, and its weight in the fusion."""

    vector: np.ndarray | SparseVector
    weight: float


def branches(query: Query) -> list[Branch]:
    """What of a query the engine can rank by: without a BM25 vector that has no terms, or a weight of 0."""
    found: list[Branch] = []
    if query.dense is not None and (query.dense_weight > 0 or not query.hybrid):
        found.append(Branch(query.dense, query.dense_weight))
    if query.sparse is not None and query.sparse.indices and (query.sparse_weight > 0 or not query.hybrid):
        found.append(Branch(query.sparse, query.sparse_weight))
    return found


def engine_limit(query: Query) -> int:
    """How many results to ask the engine for.

    Reciprocal ranks tie in pairs (a rank in one branch, the same in the other), and of a pair at the
    end the engine keeps either: with some more, :func:`hits` decides, always alike.
    """
    return query.limit + SPARE if query.hybrid else query.limit


def hits(query: Query, found: Iterable[Any]) -> list[Hit]:
    """What the engine found, as hits in their order.

    Args:
        found: the binding's points, with ``id``, ``score`` and, for a hybrid query, ``vector``.
    """
    points = list(found)
    similarities: list[float | None] = [None] * len(points)
    if query.hybrid and points:
        assert query.dense is not None
        stored = np.asarray([point.vector[DENSE] for point in points], dtype=np.float32)  # (k, dimension), unit
        similarities = (stored @ (query.dense / np.linalg.norm(query.dense))).tolist()
    elif query.dense is not None:
        similarities = [point.score for point in points]
    result = [Hit(int(point.id), point.score, cosine) for point, cosine in zip(points, similarities, strict=True)]
    return ordered(result)[: query.limit]


def ordered(found: Iterable[Hit]) -> list[Hit]:
    """Hits, best first; equal scores are ordered by similarity, then id, so that a result repeats."""
    return sorted(found, key=lambda hit: (-hit.score, -(hit.similarity or 0.0), hit.id))


def check_binding(found: Mapping[str, Any], expected: Mapping[str, Any], name: str) -> None:
    """Refuse a collection that was made for another embedder, also where the dimension is equal.

    Args:
        found: what the collection says of itself.
        expected: ``embedder``, ``dimension`` and ``format`` as the opener wants them. The scheme of the BM25
            vectors may differ: following the catalog, they are made anew.

    Raises:
        MismatchError: they differ.
    """
    for key, value in expected.items():
        if found.get(key) != value:
            shown = [str(x)[:12] if key == "embedder" else str(x) for x in (found.get(key), value)]
            raise MismatchError(
                f"collection {name}: found {key} {shown[0]}, expected {shown[1]}: "
                "its vectors cannot be searched with this embedder; use the release that made it, or ingest again"
            )


def check_query(query: Query, dimension: int) -> None:
    """Refuse a query whose dense vector does not fit.

    Raises:
        ValueError: another shape, zero or not finite.
    """
    if query.dense is None:
        return
    if np.shape(query.dense) != (dimension,):
        raise ValueError(f"found a query vector of shape {np.shape(query.dense)}, expected ({dimension},)")
    norm = float(np.dot(query.dense, query.dense))
    if not np.isfinite(norm) or norm == 0:
        raise ValueError("found a query vector that is zero or not finite, expected a unit vector")
