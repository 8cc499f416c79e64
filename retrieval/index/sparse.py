"""BM25 vectors, made by the engine's own encoder, the same for every backend.

The weights of a document are made here; the engine adds the inverse document frequency at query time.
"""

import threading

import qdrant_edge

from retrieval.index.base import SparseVector

SPARSE_SCHEME = "bm25 english k=1.2 b=0.75 avg_len=256"
"""Written into every collection: vectors of another scheme would not match."""

_local = threading.local()


def encode_document(text: str) -> SparseVector:
    """Term weights of a chunk; none where it has no words (a chunk of punctuation, say)."""
    vector = _bm25().embed_document(text)
    return SparseVector(vector.indices, vector.values)


def encode_question(text: str) -> SparseVector:
    """The terms of a question, each with weight 1."""
    vector = _bm25().embed_query(text)
    return SparseVector(vector.indices, vector.values)


def _bm25() -> qdrant_edge.Bm25:
    """One encoder for each thread."""
    encoder: qdrant_edge.Bm25 | None = getattr(_local, "encoder", None)
    if encoder is None:
        config = qdrant_edge.Bm25Config(k=1.2, b=0.75, avg_len=256.0, language="english")
        encoder = _local.encoder = qdrant_edge.Bm25(config)
    return encoder
