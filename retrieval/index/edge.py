"""The embedded index: a Qdrant Edge shard in this process.

A collection is a directory: ``collection.json`` names the embedder and is written last, so that a
directory without it is an unfinished creation and is made anew; ``shard/`` belongs to the engine;
``lock`` is held while the collection is open.

The engine searches exactly below :data:`EXACT_BELOW` points (about 1 ms); above it, ``optimize``
builds an HNSW graph and holds the GIL while it does: build a large collection in a process that
does nothing else, then open it here.
"""

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import qdrant_edge as engine

from retrieval.batches import batched
from retrieval.errors import Busy, NotFound, StorageError
from retrieval.files import exclusive, publish_json, storage_errors
from retrieval.index.base import (
    DENSE,
    KEYWORD_FIELDS,
    SPARSE,
    Hit,
    Point,
    Query,
    branches,
    check_batch,
    check_binding,
    check_query,
    engine_limit,
)
from retrieval.index.filters import engine_payload, to_filter
from retrieval.index.fusion import concluded
from retrieval.index.sparse import Encoder

EXACT_BELOW = 50_000
"""Points up to which a collection is searched exactly, without a graph."""

_FORMAT = 1
_BATCH = 500
_DISK_RESERVE = 64 * 2**20


def open_edge(
    directory: Path, *, embedder: str, dimension: int, create: bool, languages: tuple[str, ...] | None = None
) -> "EdgeIndex":
    """Open the collection in a directory, making it where ``create`` is set and there is none.

    Args:
        embedder: fingerprint of the embedder that the collection is, or will be, bound to.
        languages: of the documents; None: to be detected.

    Raises:
        Busy: another process (or another index of this one) holds it.
        MismatchError: it belongs to another embedder.
        NotFound: there is none, and ``create`` is not set.
        StorageError: the engine cannot read or make it.
    """
    if not create and not (directory / "collection.json").is_file():
        raise NotFound(f"found no collection in {directory}, expected one: ingest documents first")
    binding = {"format": _FORMAT, "embedder": embedder, "dimension": dimension}
    with ExitStack() as lock:
        lock.enter_context(exclusive(directory / "lock", "use the index"))
        if (directory / "collection.json").is_file():
            check_binding(_description(directory), binding, str(directory))
            with _engine_errors(directory):
                shard = engine.EdgeShard.load(str(directory / "shard"))
        else:
            _create(directory / "shard", dimension)
            publish_json(directory / "collection.json", binding | {"sparse": Encoder(languages or ()).scheme})
            with _engine_errors(directory):
                shard = engine.EdgeShard.load(str(directory / "shard"))
        return EdgeIndex(directory, shard, _description(directory), languages, lock.pop_all())


class EdgeIndex:
    """An :class:`~retrieval.index.base.Index` in this process. Made by :func:`open_edge`.

    Safe to use from several threads.
    """

    def __init__(
        self,
        directory: Path,
        shard: engine.EdgeShard,
        binding: Mapping[str, Any],
        languages: tuple[str, ...] | None,
        lock: ExitStack,
    ) -> None:
        self.name = directory.name
        self.embedder: str = binding["embedder"]
        self.dimension: int = binding["dimension"]
        self.sparse: str = binding["sparse"]
        self.languages = languages
        self._binding = binding
        self._directory = directory
        self._lock = lock
        self._open: engine.EdgeShard | None = shard

    def upsert(self, points: Iterable[Point]) -> int:
        """See :meth:`Index.upsert`. A batch is in the write-ahead log when this returns."""
        written = 0
        for batch in batched(points, _BATCH):
            matrix = check_batch(batch, self.dimension)
            # On a full disk the engine's memory maps end the process with SIGBUS: refuse before.
            _check_disk(self._directory, 3 * matrix.nbytes)
            with _engine_errors(self._directory):
                for point, row in zip(batch, matrix.tolist(), strict=True):
                    # One by one: of an operation with several the engine stores the points in an order
                    # that differs from run to run, and equal BM25 scores are ranked by that order.
                    self._shard.update(engine.UpdateOperation.upsert_points([_engine_point(point, row)]))
            written += len(batch)
        return written

    def delete(self, ids: Sequence[int]) -> None:
        """See :meth:`Index.delete`."""
        for batch in batched(ids, _BATCH):
            with _engine_errors(self._directory):
                self._shard.update(engine.UpdateOperation.delete_points(list(batch)))

    def query(self, query: Query) -> list[Hit]:
        """See :meth:`Index.query`."""
        return self.query_batch([query])[0]

    def query_batch(self, queries: Sequence[Query]) -> list[list[Hit]]:
        """See :meth:`Index.query_batch`."""
        requests = [self._requests(query) for query in queries]
        if not any(requests):
            return [[] for _ in queries]
        with _engine_errors(self._directory):
            results = iter(self._shard.query_batch(engine.QueryBatchRequest(list(chain(*requests)))))
        return [concluded(query, [next(results) for _ in own]) for query, own in zip(queries, requests, strict=True)]

    def vectors(self, ids: Sequence[int]) -> dict[int, np.ndarray]:
        """See :meth:`Index.vectors`."""
        found: dict[int, np.ndarray] = {}
        for batch in batched(ids, _BATCH):
            with _engine_errors(self._directory):
                records = self._shard.retrieve(list(batch), with_payload=False, with_vector=[DENSE])
            found |= {record.id: np.asarray(record.vector[DENSE], dtype=np.float32) for record in records}
        return found

    def ids(self) -> Iterator[int]:
        """See :meth:`Index.ids`."""
        offset: Any = None
        while True:
            request = engine.ScrollRequest(offset=offset, limit=10_000, with_payload=False, with_vector=False)
            with _engine_errors(self._directory):
                records, offset = self._shard.scroll(request)
            yield from (record.id for record in records)
            if offset is None:
                return

    def count(self) -> int:
        """See :meth:`Index.count`. Holds the GIL while the engine's own threads look at every point."""
        with _engine_errors(self._directory):
            count: int = self._shard.count(engine.CountRequest(exact=True))
        return count

    def is_empty(self) -> bool:
        """See :meth:`Index.is_empty`."""
        with _engine_errors(self._directory):
            return not self._shard.info().points_count

    def set_sparse(self, scheme: str) -> None:
        """See :meth:`Index.set_sparse`."""
        publish_json(self._directory / "collection.json", {**self._binding, "sparse": scheme})
        self.sparse = scheme

    def optimize(self) -> None:
        """See :meth:`Index.optimize`. Holds the GIL: no other thread of this process runs meanwhile."""
        _check_disk(self._directory, 2 * self.count() * self.dimension * 4)
        with _engine_errors(self._directory):
            self._shard.optimize()

    def flush(self) -> None:
        """See :meth:`Index.flush`."""
        with _engine_errors(self._directory):
            self._shard.flush()

    def close(self) -> None:
        """See :meth:`Index.close`."""
        if self._open is None:
            return
        shard, self._open = self._open, None
        with self._lock, _engine_errors(self._directory):
            shard.close()

    @property
    def _shard(self) -> Any:  # its stubs type what comes back too widely to be of use
        if self._open is None:
            raise ValueError(f"index {self.name} is closed")
        return self._open

    def _requests(self, query: Query) -> list[engine.QueryRequest]:
        """The engine's form of a query, see :func:`concluded`; none where it asks for nothing."""
        check_query(query, self.dimension)
        found = branches(query)
        if not found:
            return []
        condition = to_filter(query.condition, engine) if query.condition is not None else None
        if not query.hybrid:
            return [engine.QueryRequest(limit=query.limit, query=_nearest(found[0].vector), filter=condition)]
        prefetches = [
            engine.Prefetch(limit=query.candidates, query=_nearest(branch.vector), filter=condition) for branch in found
        ]
        if query.by_score:
            depth = query.candidates * len(found)
            near = engine.QueryRequest(limit=depth, query=_nearest(query.dense), prefetches=prefetches)
            return [near] + [
                engine.QueryRequest(limit=query.candidates, query=_nearest(query.sparse), filter=condition)
                for branch in found
                if branch.vector is query.sparse
            ]
        fusion: Any = engine.Fusion.Rrf(k=query.rrf_k, weights=[branch.weight for branch in found])
        # The vectors are for the similarity; cheaper than any second request.
        limit = engine_limit(query)
        return [engine.QueryRequest(limit=limit, query=fusion, prefetches=prefetches, with_vector=[DENSE])]


def _create(path: Path, dimension: int) -> None:
    """A new shard on disk, in place of one whose creation was interrupted."""
    with storage_errors(path):
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
    _check_disk(path, 0)
    config = engine.EdgeConfig(
        vectors={DENSE: engine.EdgeVectorParams(size=dimension, distance=engine.Distance.Cosine)},
        sparse_vectors={SPARSE: engine.EdgeSparseVectorParams(modifier=engine.Modifier.Idf)},
        optimizers=engine.EdgeOptimizersConfig(
            indexing_threshold=EXACT_BELOW * dimension * 4 // 1024,  # in KiB of vectors
            default_segment_number=1,
        ),
    )
    with _engine_errors(path):
        shard = engine.EdgeShard.create(str(path), config)
        for field in KEYWORD_FIELDS:
            shard.update(engine.UpdateOperation.create_field_index(field, engine.PayloadSchemaType.Keyword))
        shard.flush()
        shard.close()


def _engine_point(point: Point, row: list[float]) -> engine.Point:
    vectors: dict[str, Any] = {DENSE: row}
    if point.sparse.indices:
        vectors[SPARSE] = engine.SparseVector(point.sparse.indices, point.sparse.values)
    return engine.Point(point.id, vectors, engine_payload(point.payload))


def _nearest(vector: Any) -> engine.Query:
    if isinstance(vector, np.ndarray):
        return engine.Query.Nearest(vector.tolist(), using=DENSE)
    return engine.Query.Nearest(engine.SparseVector(vector.indices, vector.values), using=SPARSE)


def _description(directory: Path) -> Any:
    path = directory / "collection.json"
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise StorageError(f"found {path} damaged, expected JSON: delete {directory} and ingest again") from error


def _check_disk(directory: Path, needed: int) -> None:
    free = shutil.disk_usage(directory).free
    if free < needed + _DISK_RESERVE:
        raise StorageError(
            f"found {free / 2**20:.0f} MiB free at {directory}, expected {(needed + _DISK_RESERVE) / 2**20:.0f} MiB "
            "for the index: make room and run the command again; nothing that was acknowledged is lost"
        )


@contextmanager
def _engine_errors(directory: Path) -> Iterator[None]:
    """The binding raises a bare ``Exception`` for whatever goes wrong in the engine."""
    try:
        yield
    except Exception as error:
        if type(error) is not Exception:  # misuse of the binding, an error of ours
            raise
        if "WouldBlock" in str(error):
            raise Busy(
                f"found the index in {directory} held by another process, expected it free: "
                "wait for that process, stop it, or ask its service"
            ) from error
        raise StorageError(
            f"the index in {directory} failed ({str(error).splitlines()[0]}): check the disk; if it stays so, "
            "delete that directory and ingest again, the catalog holds everything"
        ) from error
