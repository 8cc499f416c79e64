"""The catalog: the truth about documents and chunks, in SQL; every index is derived from it.

Knows nothing about embedding models or vector databases. Each committed change carries a
sequence number. A chunk records the number that added it and the number that removed it, so an
index that has followed the catalog up to number S is a consistent snapshot at S, and a reader
never sees a half-replaced document.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from retrieval.batches import batched
from retrieval.catalog_changes import (
    ParsedFile,
    forget_checksums,
    forget_empty_files,
    insert_file,
    mark_removed,
)
from retrieval.catalog_tables import (
    SCHEMA,
    bring_up,
    changes,
    chunks,
    collections,
    documents,
    files,
    outcomes,
    vectors,
)
from retrieval.documents import Chunk, Document, Heading
from retrieval.errors import NotFound, StorageError
from retrieval.files import storage_errors
from retrieval.transactions import WriteTransaction, tell_refusals


@dataclass(frozen=True)
class StoredChunk:
    """A chunk with its row id, which is its point id in every index."""

    id: int
    chunk: Chunk
    text_hash: bytes


class Catalog:
    """A catalog in an SQLite file; safe to use from several threads and processes.

    Raises:
        StorageError: the file is not a catalog, is damaged, or was made by a newer version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        # An error's text shows no parameters: they are people's texts.
        self.engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": 60}, hide_parameters=True)
        sa.event.listen(self.engine, "connect", _set_pragmas)
        tell_refusals(self.engine, path)
        with self.writing() as connection:
            version = connection.execute(sa.text("PRAGMA user_version")).scalar_one()
            if version < SCHEMA:
                bring_up(connection, version)
        if version > SCHEMA:
            raise StorageError(
                f"found catalog version {version} in {path}, expected at most {SCHEMA}: use a newer Lockstep"
            )

    def close(self) -> None:
        """Close the connections."""
        self.engine.dispose()

    # Reading

    def head(self) -> int:
        """Number of the last committed change; 0 for an empty catalog."""
        with self.engine.connect() as connection:
            return int(connection.execute(sa.select(sa.func.coalesce(sa.func.max(changes.c.seq), 0))).scalar_one())

    def file_hashes(self) -> dict[str, tuple[str, str]]:
        """Path of every known file to its sha256 and the pipeline that parsed it."""
        with self.engine.connect() as connection:
            return {row.path: (row.sha256, row.pipeline) for row in connection.execute(sa.select(files))}

    def sources(self) -> dict[str, tuple[str, str, str]]:
        """Id of every document to its source file, content hash and pipeline."""
        columns = (documents.c.id, documents.c.source, documents.c.content_hash, documents.c.pipeline)
        with self.engine.connect() as connection:
            return {row[0]: (row[1], row[2], row[3]) for row in connection.execute(sa.select(*columns))}

    def documents(self) -> Iterator[Document]:
        """Every document, by id."""
        with self.engine.connect() as connection:
            for row in connection.execute(sa.select(documents).order_by(documents.c.id)):
                yield _document(row)

    def document(self, document_id: str) -> Document | None:
        """One document; None where there is none of this id."""
        with self.engine.connect() as connection:
            row = connection.execute(sa.select(documents).where(documents.c.id == document_id)).one_or_none()
        return None if row is None else _document(row)

    def counts(self) -> tuple[int, int]:
        """Number of documents and of live chunks."""
        with self.engine.connect() as connection:
            live = sa.select(sa.func.count()).select_from(chunks).where(chunks.c.removed_seq.is_(None))
            total = sa.select(sa.func.count()).select_from(documents)
            return connection.execute(total).scalar_one(), connection.execute(live).scalar_one()

    def expect_documents(self) -> None:
        """Refuse to search where there is nothing to find.

        Raises:
            NotFound: the catalog holds no document.
        """
        with self.engine.connect() as connection:
            if connection.execute(sa.select(documents.c.id).limit(1)).first() is None:
                raise NotFound(
                    "found no documents in the workspace, expected some to search: run `lockstep ingest PATH`"
                )

    def fingerprint(self) -> str:
        """sha256 over the ids and content hashes of all documents."""
        digest = hashlib.sha256()
        for document_id, (_, content_hash, _) in sorted(self.sources().items()):
            digest.update(f"{document_id}\0{content_hash}\n".encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    def live_chunks(self, document_ids: Iterable[str] | None = None) -> Iterator[StoredChunk]:
        """The chunks of the given documents (default: of all), by row id."""
        query = sa.select(chunks).where(chunks.c.removed_seq.is_(None)).order_by(chunks.c.id)
        with self.engine.connect() as connection:
            for batch in [None] if document_ids is None else batched(list(document_ids), 500):
                restricted = query if batch is None else query.where(chunks.c.document_id.in_(batch))
                yield from map(_stored, connection.execute(restricted))

    def visible(self, collection: str, ids: Sequence[int]) -> dict[int, StoredChunk]:
        """Those of the chunks that a reader of the collection may see now.

        A chunk is visible if it was live at the change up to which the collection has followed,
        and its document has not been deleted since.
        """
        synced = sa.select(collections.c.synced_seq).where(collections.c.name == collection).scalar_subquery()
        query = (
            sa.select(chunks)
            .join(documents, documents.c.id == chunks.c.document_id)
            .where(chunks.c.id.in_(ids), chunks.c.added_seq <= synced)
            .where(sa.or_(chunks.c.removed_seq.is_(None), chunks.c.removed_seq > synced))
        )
        with self.engine.connect() as connection:
            return {row.id: _stored(row) for row in connection.execute(query)}

    def payloads(self, document_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Metadata of documents, as it is put into an index for filters."""
        result = {}
        with self.engine.connect() as connection:
            for batch in batched(document_ids, 500):
                columns = sa.select(documents.c.id, documents.c.metadata)
                for row in connection.execute(columns.where(documents.c.id.in_(batch))):
                    result[row.id] = dict(row.metadata)
        return result

    def sample(self, limit: int) -> list[str]:
        """What is indexed of at most so many live chunks, evenly spread; always the same of the same chunks."""
        live = sa.select(chunks.c.id).where(chunks.c.removed_seq.is_(None)).order_by(chunks.c.id)
        with self.engine.connect() as connection:
            ids = list(connection.scalars(live))
        spread = ids[:: max(1, -(-len(ids) // limit))]
        return [stored.chunk.indexed_text for stored in self.chunks_by_id(spread)]

    # Vectors

    def cached_vectors(self, hashes: Sequence[bytes], embedder: str) -> dict[bytes, np.ndarray]:
        """Vectors of texts by an embedder, as far as they are known; each (D,) float32."""
        found = {}
        with self.engine.connect() as connection:
            for batch in batched(hashes, 500):
                columns = sa.select(vectors.c.text_hash, vectors.c.vector)
                for row in connection.execute(
                    columns.where(vectors.c.embedder == embedder, vectors.c.text_hash.in_(batch))
                ):
                    found[row.text_hash] = np.frombuffer(row.vector, dtype=np.float32)
        return found

    def store_vectors(self, embedder: str, found: Mapping[bytes, np.ndarray]) -> None:
        """Keep vectors for later use; those already known stay as they are."""
        with self.writing() as connection:
            rows = [
                {"text_hash": key, "embedder": embedder, "vector": np.asarray(vector, dtype=np.float32).tobytes()}
                for key, vector in found.items()
            ]
            if rows:
                connection.execute(vectors.insert().prefix_with("OR IGNORE"), rows)

    # Writing

    def commit(
        self,
        parsed: Sequence[ParsedFile],
        removed_files: Sequence[str] = (),
        *,
        pipeline: str,
    ) -> int:
        """Replace the documents of files, delete those of others, all at once.

        Args:
            parsed: files whose documents replace what the catalog holds of them.
            removed_files: files that are gone, with all their documents.
            pipeline: identifies the parser and the chunker.

        Returns:
            The number of the change; when this returns, it is durable.
        """
        with self.writing() as connection:
            seq = int(connection.execute(changes.insert().returning(changes.c.seq)).scalar_one())
            gone: list[str] = []
            for path in removed_files:
                gone += connection.scalars(sa.select(documents.c.id).where(documents.c.source == path))
            replaced: list[str] = []
            for file in parsed:
                fresh = {document.id for document, _ in file.documents}
                replaced += fresh
                if file.kept is not None:
                    held = set(connection.scalars(sa.select(documents.c.id).where(documents.c.source == file.path)))
                    gone += held - fresh - file.kept
            mark_removed(connection, gone, seq, deleted=True)
            touched = {file.path for file in parsed} | forget_checksums(connection, replaced)
            mark_removed(connection, replaced, seq, deleted=False)
            for batch in batched(removed_files, 500):
                connection.execute(files.delete().where(files.c.path.in_(batch)))
                connection.execute(outcomes.delete().where(outcomes.c.path.in_(batch)))
            for file in parsed:
                insert_file(connection, file, pipeline, seq)
            forget_empty_files(connection, touched)
            return seq

    def remove(self, document_ids: Sequence[str]) -> None:
        """Delete documents. Their files are read again by the next ingest that finds them.

        Raises:
            NotFound: one of them is not there; nothing is deleted then.
        """
        with self.writing() as connection:
            known: set[str] = set()
            for batch in batched(document_ids, 500):
                known |= set(connection.scalars(sa.select(documents.c.id).where(documents.c.id.in_(batch))))
            missing = [one for one in document_ids if one not in known]
            if missing:
                raise NotFound(f"found no document {missing[0]!r}, expected an id that `lockstep documents list` shows")
            seq = int(connection.execute(changes.insert().returning(changes.c.seq)).scalar_one())
            touched = forget_checksums(connection, document_ids)
            mark_removed(connection, document_ids, seq, deleted=True)
            for batch in batched(document_ids, 500):
                connection.execute(outcomes.delete().where(outcomes.c.document_id.in_(batch)))
            forget_empty_files(connection, touched)

    # Collections

    def synced(self, collection: str) -> int:
        """The change up to which a collection has followed; 0 for one that is not known."""
        query = sa.select(collections.c.synced_seq).where(collections.c.name == collection)
        with self.engine.connect() as connection:
            return connection.execute(query).scalar_one_or_none() or 0

    def pending(self, collection: str, head: int, *, anew: bool = False) -> tuple[list[int], list[int]]:
        """Row ids that a collection must add, and those that it must delete, to follow up to ``head``.

        Args:
            anew: what it holds must be written again, too.
        """
        synced = self.synced(collection)
        added = (
            sa.select(chunks.c.id)
            .where(chunks.c.added_seq > (0 if anew else synced), chunks.c.added_seq <= head)
            .where(sa.or_(chunks.c.removed_seq.is_(None), chunks.c.removed_seq > head))
            .order_by(chunks.c.id)
        )
        removed = sa.select(chunks.c.id).where(chunks.c.removed_seq > synced, chunks.c.removed_seq <= head)
        with self.engine.connect() as connection:
            return list(connection.scalars(added)), list(connection.scalars(removed))

    def chunks_by_id(self, ids: Sequence[int]) -> list[StoredChunk]:
        """Chunks by row id, in the order of the ids; those that are gone are left out."""
        found = {}
        with self.engine.connect() as connection:
            for batch in batched(ids, 500):
                for row in connection.execute(sa.select(chunks).where(chunks.c.id.in_(batch))):
                    found[row.id] = _stored(row)
        return [found[id_] for id_ in ids if id_ in found]

    def set_synced(self, collection: str, embedder: str, seq: int) -> None:
        """Record that a collection has followed up to a change."""
        with self.writing() as connection:
            connection.execute(collections.delete().where(collections.c.name == collection))
            connection.execute(collections.insert().values(name=collection, embedder=embedder, synced_seq=seq))

    def forget_vectors(self, embedder: str) -> None:
        """Drop the vectors of an embedder that no longer exists."""
        with self.writing() as connection:
            connection.execute(vectors.delete().where(vectors.c.embedder == embedder))

    def forget_collection(self, collection: str) -> None:
        """Drop the record of a collection that no longer exists."""
        with self.writing() as connection:
            connection.execute(collections.delete().where(collections.c.name == collection))

    def purge(self, active: str) -> None:
        """Erase what no reader can see any more: texts of removed chunks, vectors of unknown texts.

        Args:
            active: the collection that is read now; the others keep only the ids to delete.
        """
        with self.writing() as connection:
            seen = sa.select(collections.c.synced_seq).where(collections.c.name == active).scalar_subquery()
            dead = chunks.c.removed_seq <= seen
            connection.execute(chunks.update().where(dead).values(text="", context="", text_hash=b""))
            slowest = sa.select(sa.func.min(collections.c.synced_seq)).scalar_subquery()
            connection.execute(chunks.delete().where(chunks.c.removed_seq <= slowest))
            known = sa.select(chunks.c.text_hash)
            connection.execute(vectors.delete().where(vectors.c.text_hash.not_in(known)))

    def writing(self) -> "WriteTransaction":
        """A transaction that holds the write lock from its start."""
        return WriteTransaction(self.engine)


def _set_pragmas(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin where the code says so
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _document(row: Any) -> Document:
    return Document(row.id, row.text, row.title, tuple(Heading(*heading) for heading in row.headings), row.metadata)


def _stored(row: Any) -> StoredChunk:
    chunk = Chunk(row.document_id, row.ordinal, row.text, row.start, row.end, row.context)
    return StoredChunk(row.id, chunk, row.text_hash)
