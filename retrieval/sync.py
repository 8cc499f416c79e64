"""An index follows the catalog: adds what is new, deletes what is gone, embeds what has no vector yet."""

from collections.abc import Sequence

import numpy as np

from retrieval.catalog import Catalog, StoredChunk
from retrieval.embedder import Embedder
from retrieval.errors import MismatchError
from retrieval.index.base import Index, Point
from retrieval.index.sparse import Encoder, encoder_of
from retrieval.languages import spoken
from retrieval.progress import Progress, silent

BATCH = 1024
LANGUAGE_SAMPLE = 400
"""Chunks by which the documents' languages are told."""
MIN_SHARE = 0.02
"""Share of the text from which a language is one of the documents': below it lie quotations and mistakes."""


def sync(catalog: Catalog, index: Index, embedder: Embedder, *, progress: Progress = silent) -> int:
    """Bring an index up to the catalog's last change.

    May be interrupted at any point: what was written too early is not visible, and the next call
    goes on. Vectors come from the catalog's cache where it has them. Where the documents have come to hold
    another language, or the collection is of an earlier version, every chunk is encoded again for the search by words.

    Returns:
        How many chunks were written.

    Raises:
        MismatchError: the index belongs to another embedder.
    """
    check_binding(index, embedder)
    empty = index.is_empty()  # a service asks a few times a second
    if empty and catalog.synced(index.name) > 0:
        catalog.forget_collection(index.name)  # the collection was lost or made anew: follow from the start
    elif not empty and catalog.synced(index.name) == 0:
        _delete_unknown(catalog, index)  # the catalog was lost or made anew, or the first sync was cut off
    head = catalog.head()
    synced = catalog.synced(index.name)
    encoder = encoder_for(catalog, index, changed=synced < head)
    anew = encoder.scheme != index.sparse
    if synced == head and not anew:
        return 0
    added, removed = catalog.pending(index.name, head, anew=anew)
    for start in range(0, len(added), BATCH):
        progress("indexing", start, len(added))
        batch = catalog.chunks_by_id(added[start : start + BATCH])
        payloads = catalog.payloads(sorted({stored.chunk.document_id for stored in batch}))
        found = embed_missing(catalog, embedder, batch)
        index.upsert(
            [
                Point(
                    stored.id,
                    found[stored.text_hash],
                    encoder.encode_document(stored.chunk.indexed_text),
                    payloads.get(stored.chunk.document_id, {}) | {"document_id": stored.chunk.document_id},
                )
                for stored in batch
                if stored.text_hash in found
            ]
        )
    progress("indexing", len(added), len(added))
    # Until the next line a reader sees the old snapshot, from it on the new one: the points that
    # are deleted after it are invisible already.
    index.flush()
    catalog.set_synced(index.name, index.embedder, head)
    if anew:
        index.set_sparse(encoder.scheme)
    if removed:
        index.delete(removed)
        index.flush()
    return len(added)


def _delete_unknown(catalog: Catalog, index: Index) -> None:
    """Delete the points of chunks that the catalog does not hold."""
    unknown = set(index.ids()) - {stored.id for stored in catalog.live_chunks()}
    if unknown:
        index.delete(sorted(unknown))
        index.flush()


def encoder_for(catalog: Catalog, index: Index, *, changed: bool = True) -> Encoder:
    """The encoder that an index should have: for the languages of the settings, or of the documents.

    A language that was detected once stays, so that one document more or less does not rewrite the index.

    Args:
        changed: there are documents that it does not hold yet.
    """
    if index.languages is not None:
        return Encoder(index.languages)
    held = encoder_of(index.sparse)
    current = held.scheme == index.sparse  # otherwise of an earlier version, which knew English only
    if current and not changed:
        return held
    kept = held.languages if current else ()
    found = spoken(catalog.sample(LANGUAGE_SAMPLE))
    fresh = [code for code, share in found.items() if share >= MIN_SHARE and code not in kept]
    return Encoder((*kept, *fresh))


def check_binding(index: Index, embedder: Embedder) -> None:
    """Refuse an index that belongs to another embedder, also where the dimensions are equal."""
    if index.embedder != embedder.fingerprint:
        raise MismatchError(
            f"collection {index.name} holds vectors of embedder {index.embedder[:12]}, found embedder "
            f"{embedder.fingerprint[:12]}: roll back to the release that made the collection, or retrain"
        )


def embed_missing(catalog: Catalog, embedder: Embedder, batch: Sequence[StoredChunk]) -> dict[bytes, np.ndarray]:
    """Vectors of chunks by text hash; those that the cache lacks are computed and kept in it."""
    live = [stored for stored in batch if stored.text_hash]
    found = catalog.cached_vectors([stored.text_hash for stored in live], embedder.fingerprint)
    missing = {s.text_hash: s.chunk.indexed_text for s in live if s.text_hash not in found}
    if missing:
        fresh = dict(zip(missing, embedder.encode_passages(list(missing.values())), strict=True))
        catalog.store_vectors(embedder.fingerprint, fresh)
        found |= fresh
    return found
