"""The index on a Qdrant server or cluster, through qdrant-client.

The binding to the embedder is kept in the collection's metadata. ``":memory:"`` gives the client's
own imitation of a server, for tests only: it is slow and keeps nothing.
"""

import time
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

import numpy as np
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import ApiException, UnexpectedResponse

from retrieval.batches import batched
from retrieval.errors import NotFound, StorageError
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

_FORMAT = 1
_BATCH = 500
_TIMEOUT_S = 60
_SCHEME_SECONDS = 5.0
"""How long what the server says of a collection's BM25 scheme is believed."""


def connect(url: str, api_key: str | None = None) -> QdrantClient:
    """A client of the server at an address, or of ``":memory:"``. Nothing is sent yet."""
    if url == ":memory:":
        return QdrantClient(":memory:")
    return QdrantClient(url=url, api_key=api_key, timeout=_TIMEOUT_S, check_compatibility=False)


def open_server(
    client: QdrantClient,
    collection: str,
    *,
    embedder: str,
    dimension: int,
    create: bool,
    languages: tuple[str, ...] | None = None,
) -> "ServerIndex":
    """Open a collection, making it where ``create`` is set and there is none.

    Args:
        languages: of the documents; None: to be detected.

    Raises:
        MismatchError: it belongs to another embedder.
        NotFound: there is none, and ``create`` is not set.
        StorageError: the server does not answer or refuses.
    """
    binding = {"format": _FORMAT, "embedder": embedder, "dimension": dimension}
    with _server_errors(collection):
        if not client.collection_exists(collection):
            if not create:
                raise NotFound(f"found no collection {collection} on the server, expected one: ingest documents first")
            _create(client, collection, dimension, binding | {"sparse": Encoder(languages or ()).scheme})
        found = client.get_collection(collection).config.metadata or {}
        check_binding(found, binding, collection)
        # Also where it exists: a creation may have been interrupted before these.
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Payload indexes have no effect in the local Qdrant")
            for field in KEYWORD_FIELDS:
                client.create_payload_index(collection, field, models.PayloadSchemaType.KEYWORD, wait=True)
    return ServerIndex(client, collection, embedder, dimension, languages)


def set_alias(client: QdrantClient, alias: str, collection: str) -> None:
    """Point an alias at a collection, in one step for whoever reads through it.

    Raises:
        NotFound: there is no such collection.
        StorageError: the server does not answer or refuses.
    """
    with _server_errors(collection):
        if not client.collection_exists(collection):
            raise NotFound(f"found no collection {collection} on the server, expected one to point {alias} at")
        operations: list[Any] = []
        if any(existing.alias_name == alias for existing in client.get_aliases().aliases):
            operations.append(models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias)))
        create = models.CreateAlias(collection_name=collection, alias_name=alias)
        operations.append(models.CreateAliasOperation(create_alias=create))
        client.update_collection_aliases(change_aliases_operations=operations)


class ServerIndex:
    """An :class:`~retrieval.index.base.Index` on a server. Made by :func:`open_server`.

    Safe to use from several threads. Closing it leaves the client open: others may use it.
    """

    def __init__(
        self,
        client: QdrantClient,
        collection: str,
        embedder: str,
        dimension: int,
        languages: tuple[str, ...] | None,
    ) -> None:
        self.name = collection
        self.embedder = embedder
        self.dimension = dimension
        self.languages = languages
        self._client = client
        self._sparse, self._read_at = "", -_SCHEME_SECONDS

    @property
    def sparse(self) -> str:
        """See :attr:`Index.sparse`; another process may have changed it."""
        if time.monotonic() - self._read_at >= _SCHEME_SECONDS:
            self._sparse, self._read_at = str(self._metadata().get("sparse")), time.monotonic()
        return self._sparse

    def set_sparse(self, scheme: str) -> None:
        """See :meth:`Index.set_sparse`."""
        metadata = {**self._metadata(), "sparse": scheme}
        with _server_errors(self.name):
            self._client.update_collection(self.name, metadata=metadata)
        self._sparse, self._read_at = scheme, time.monotonic()

    def _metadata(self) -> dict[str, Any]:
        with _server_errors(self.name):
            return dict(self._client.get_collection(self.name).config.metadata or {})

    def upsert(self, points: Iterable[Point]) -> int:
        """See :meth:`Index.upsert`."""
        written = 0
        for batch in batched(points, _BATCH):
            matrix = check_batch(batch, self.dimension)
            rows = [_engine_point(point, row) for point, row in zip(batch, matrix.tolist(), strict=True)]
            with _server_errors(self.name):
                self._client.upsert(self.name, rows, wait=True)
            written += len(rows)
        return written

    def delete(self, ids: Sequence[int]) -> None:
        """See :meth:`Index.delete`."""
        for batch in batched(ids, _BATCH):
            with _server_errors(self.name):
                self._client.delete(self.name, models.PointIdsList(points=list(batch)), wait=True)

    def query(self, query: Query) -> list[Hit]:
        """See :meth:`Index.query`."""
        return self.query_batch([query])[0]

    def query_batch(self, queries: Sequence[Query]) -> list[list[Hit]]:
        """See :meth:`Index.query_batch`."""
        requests = [self._requests(query) for query in queries]
        if not any(requests):
            return [[] for _ in queries]
        with _server_errors(self.name):
            results = iter(self._client.query_batch_points(self.name, list(chain(*requests))))
        return [
            concluded(query, [next(results).points for _ in own]) for query, own in zip(queries, requests, strict=True)
        ]

    def vectors(self, ids: Sequence[int]) -> dict[int, np.ndarray]:
        """See :meth:`Index.vectors`."""
        found: dict[int, np.ndarray] = {}
        for batch in batched(ids, _BATCH):
            with _server_errors(self.name):
                records: list[Any] = self._client.retrieve(
                    self.name, list(batch), with_payload=False, with_vectors=[DENSE]
                )
            found |= {record.id: np.asarray(record.vector[DENSE], dtype=np.float32) for record in records}
        return found

    def ids(self) -> Iterator[int]:
        """See :meth:`Index.ids`."""
        offset: Any = None
        while True:
            with _server_errors(self.name):
                records, offset = self._client.scroll(
                    self.name, limit=10_000, offset=offset, with_payload=False, with_vectors=False
                )
            yield from (int(record.id) for record in records)
            if offset is None:
                return

    def count(self) -> int:
        """See :meth:`Index.count`."""
        with _server_errors(self.name):
            return self._client.count(self.name, exact=True).count

    def is_empty(self) -> bool:
        """See :meth:`Index.is_empty`."""
        with _server_errors(self.name):
            found, _ = self._client.scroll(self.name, limit=1, with_payload=False, with_vectors=False)
        return not found

    def optimize(self) -> None:
        """See :meth:`Index.optimize`. The server does it by itself, in the background."""

    def flush(self) -> None:
        """See :meth:`Index.flush`. The server does it by itself; what it acknowledged is in its log."""

    def close(self) -> None:
        """See :meth:`Index.close`. A server is shared: nothing is held."""

    def _requests(self, query: Query) -> list[models.QueryRequest]:
        """The server's form of a query, see :func:`concluded`; none where it asks for nothing."""
        check_query(query, self.dimension)
        found = branches(query)
        if not found:
            return []
        condition = to_filter(query.condition, models) if query.condition is not None else None
        if not query.hybrid:
            return [models.QueryRequest(**_nearest(found[0].vector), limit=query.limit, filter=condition)]
        prefetches = [
            models.Prefetch(**_nearest(branch.vector), limit=query.candidates, filter=condition) for branch in found
        ]
        if query.by_score:
            depth = query.candidates * len(found)
            near = models.QueryRequest(**_nearest(query.dense), limit=depth, prefetch=prefetches)
            return [near] + [
                models.QueryRequest(**_nearest(query.sparse), limit=query.candidates, filter=condition)
                for branch in found
                if branch.vector is query.sparse
            ]
        fusion = models.RrfQuery(rrf=models.Rrf(k=query.rrf_k, weights=[branch.weight for branch in found]))
        # The vectors are for the similarity; cheaper than any second request.
        return [models.QueryRequest(prefetch=prefetches, query=fusion, limit=engine_limit(query), with_vector=[DENSE])]


def _create(client: QdrantClient, collection: str, dimension: int, description: dict[str, Any]) -> None:
    try:
        client.create_collection(
            collection,
            vectors_config={DENSE: models.VectorParams(size=dimension, distance=models.Distance.COSINE)},
            sparse_vectors_config={SPARSE: models.SparseVectorParams(modifier=models.Modifier.IDF)},
            metadata=description,
        )
    except UnexpectedResponse as error:
        if error.status_code != 409:  # another process was quicker; the binding is checked next
            raise


def _engine_point(point: Point, row: list[float]) -> models.PointStruct:
    vectors: dict[str, Any] = {DENSE: row}
    if point.sparse.indices:
        vectors[SPARSE] = models.SparseVector(indices=point.sparse.indices, values=point.sparse.values)
    return models.PointStruct(id=point.id, vector=vectors, payload=engine_payload(point.payload))


def _nearest(vector: Any) -> dict[str, Any]:
    if isinstance(vector, np.ndarray):
        return {"query": vector.tolist(), "using": DENSE}
    return {"query": models.SparseVector(indices=vector.indices, values=vector.values), "using": SPARSE}


@contextmanager
def _server_errors(collection: str) -> Iterator[None]:
    try:
        yield
    except UnexpectedResponse as error:
        raise StorageError(
            f"collection {collection}: the vector database refused ({error.status_code} {error.reason_phrase}): "
            "see its log"
        ) from error
    except ApiException as error:
        raise StorageError(
            f"collection {collection}: the vector database does not answer ({error}): check QDRANT_URL and that it runs"
        ) from error
