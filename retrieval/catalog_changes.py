"""The statements by which one change of the catalog replaces and deletes documents."""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from retrieval.batches import batched
from retrieval.catalog_tables import chunks, documents, files, outcomes
from retrieval.documents import Chunk, Document
from retrieval.outcomes import Outcome

T = TypeVar("T")


@dataclass(frozen=True)
class ParsedFile:
    """A source file, or a part of it, with its documents and their chunks, ready to be committed.

    ``documents`` holds the changed ones; ``kept`` the ids of those that are as they were, None where all that are
    there stay, since more of the file is to come; ``outcomes`` all that is to be told about the file, in place of
    what was told before.
    """

    path: str
    sha256: str
    documents: Sequence[tuple[Document, Sequence[Chunk]]]
    kept: frozenset[str] | None
    outcomes: Sequence[Outcome] = ()


def text_hash(text: str) -> bytes:
    """Key of a text in the vector cache: sha256, 32 bytes."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def mark_removed(connection: sa.Connection, document_ids: Sequence[str], seq: int, *, deleted: bool) -> None:
    """Mark the chunks of documents as removed; erase the text at once where the document is deleted."""
    values: dict[str, Any] = {"removed_seq": seq}
    if deleted:
        values |= {"text": "", "context": "", "text_hash": b""}
    for batch in batched(document_ids, 500):
        live = sa.and_(chunks.c.document_id.in_(batch), chunks.c.removed_seq.is_(None))
        connection.execute(chunks.update().where(live).values(**values))
        if deleted:
            connection.execute(documents.delete().where(documents.c.id.in_(batch)))


def forget_checksums(connection: sa.Connection, document_ids: Sequence[str]) -> set[str]:
    """No file may pass as unchanged whose documents are not all there: these are about to leave theirs."""
    sources: set[str] = set()
    for batch in batched(document_ids, 500):
        held = sa.select(documents.c.source).where(documents.c.id.in_(batch)).distinct()
        sources |= set(connection.scalars(held))
        connection.execute(files.update().where(files.c.path.in_(held)).values(sha256=""))
    return sources


def forget_empty_files(connection: sa.Connection, paths: Collection[str]) -> None:
    """Drop the records of files that hold no document."""
    held = sa.exists().where(documents.c.source == files.c.path)
    for batch in batched(sorted(paths), 500):
        connection.execute(files.delete().where(files.c.path.in_(batch), ~held))


def insert_file(connection: sa.Connection, file: ParsedFile, pipeline: str, seq: int) -> None:
    """Put a file's record, its documents and their chunks in place of what is there."""
    row = {"sha256": file.sha256, "pipeline": pipeline}
    upsert = sqlite.insert(files).values(path=file.path, **row)
    connection.execute(upsert.on_conflict_do_update(index_elements=["path"], set_=row))
    connection.execute(outcomes.delete().where(outcomes.c.path == file.path))
    if file.outcomes:
        connection.execute(outcomes.insert(), [asdict(outcome) for outcome in file.outcomes])
    rows = []
    for document, pieces in file.documents:
        connection.execute(documents.delete().where(documents.c.id == document.id))
        connection.execute(
            documents.insert().values(
                id=document.id,
                source=file.path,
                content_hash=document.content_hash,
                pipeline=pipeline,
                title=document.title,
                text=document.text,
                headings=[[h.level, h.text, h.start] for h in document.headings],
                metadata=json.loads(json.dumps(dict(document.metadata))),
            )
        )
        rows += [
            {
                "document_id": piece.document_id,
                "ordinal": piece.ordinal,
                "start": piece.start,
                "end": piece.end,
                "context": piece.context,
                "text": piece.text,
                "text_hash": text_hash(piece.indexed_text),
                "added_seq": seq,
            }
            for piece in pieces
        ]
    if rows:
        connection.execute(chunks.insert(), rows)
