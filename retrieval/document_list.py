"""Documents as a person looks at them: which there are, since when, and what one of them holds."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from retrieval.catalog import Catalog, StoredChunk
from retrieval.catalog_tables import changes, chunks, documents
from retrieval.documents import Document, Heading
from retrieval.errors import NotFound
from retrieval.file_records import is_under


@dataclass(frozen=True)
class Listed:
    """A document without its text."""

    id: str
    title: str
    source: str
    """Key of its file."""
    chunks: int
    at: datetime
    """When this version was taken, in UTC."""


def list_documents(catalog: Catalog, document_id: str | None = None) -> Iterator[Listed]:
    """Every document (or the one with this id), by id."""
    query = (
        sa.select(
            documents.c.id, documents.c.title, documents.c.source, sa.func.count(chunks.c.id), sa.func.max(changes.c.at)
        )
        .join(chunks, sa.and_(chunks.c.document_id == documents.c.id, chunks.c.removed_seq.is_(None)), isouter=True)
        .join(changes, changes.c.seq == chunks.c.added_seq, isouter=True)
        .group_by(documents.c.id)
        .order_by(documents.c.id)
    )
    if document_id is not None:
        query = query.where(documents.c.id == document_id)
    with catalog.engine.connect() as connection:
        for row in connection.execute(query):
            yield Listed(*row)


def read_document(catalog: Catalog, document_id: str) -> tuple[Listed, Document, list[StoredChunk]]:
    """One document with its chunks, in order.

    Raises:
        NotFound: there is none with this id.
    """
    listed = next(list_documents(catalog, document_id), None)
    with catalog.engine.connect() as connection:
        row = connection.execute(sa.select(documents).where(documents.c.id == document_id)).one_or_none()
    if listed is None or row is None:
        raise NotFound(f"found no document {document_id!r}, expected an id that `lockstep documents list` shows")
    document = Document(row.id, row.text, row.title, tuple(Heading(*one) for one in row.headings), row.metadata)
    pieces = sorted(catalog.live_chunks([document_id]), key=lambda stored: stored.chunk.ordinal)
    return listed, document, pieces


def documents_under(catalog: Catalog, root: str) -> list[str]:
    """Ids of the documents of a file, or of the files in a folder; ``root`` is a key."""
    return sorted(one for one, (source, _, _) in catalog.sources().items() if is_under(source, [root]))
