"""Older catalogs are brought up to date, damaged ones are told as such, and an index follows a catalog made anew."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from retrieval.catalog import Catalog
from retrieval.catalog_tables import SCHEMA
from retrieval.chunking import Chunker
from retrieval.errors import NotFound, StorageError
from retrieval.files import sha256
from retrieval.index.edge import open_edge
from retrieval.ingest import IngestResult, ingest
from retrieval.search import Searcher
from retrieval.search_settings import SearchSettings
from retrieval.sync import sync

VERSION_1 = """
CREATE TABLE changes (seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL);
CREATE TABLE files (path VARCHAR NOT NULL, sha256 VARCHAR NOT NULL, pipeline VARCHAR NOT NULL, PRIMARY KEY (path));
CREATE TABLE vectors (text_hash BLOB NOT NULL, embedder VARCHAR NOT NULL, vector BLOB NOT NULL,
    PRIMARY KEY (text_hash, embedder)) WITHOUT ROWID;
CREATE TABLE collections (name VARCHAR NOT NULL, embedder VARCHAR NOT NULL, synced_seq INTEGER NOT NULL,
    PRIMARY KEY (name));
CREATE TABLE documents (id VARCHAR NOT NULL, source VARCHAR NOT NULL, content_hash VARCHAR NOT NULL,
    pipeline VARCHAR NOT NULL, title VARCHAR NOT NULL, text VARCHAR NOT NULL, headings JSON NOT NULL,
    metadata JSON NOT NULL, PRIMARY KEY (id), FOREIGN KEY(source) REFERENCES files (path));
CREATE INDEX ix_documents_source ON documents (source);
CREATE TABLE chunks (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, document_id VARCHAR NOT NULL,
    ordinal INTEGER NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL, context VARCHAR NOT NULL,
    text VARCHAR NOT NULL, text_hash BLOB NOT NULL, added_seq INTEGER NOT NULL, removed_seq INTEGER,
    FOREIGN KEY(added_seq) REFERENCES changes (seq));
CREATE INDEX ix_chunks_text_hash ON chunks (text_hash);
CREATE INDEX ix_chunks_removed_seq ON chunks (removed_seq);
CREATE INDEX ix_chunks_added_seq ON chunks (added_seq);
CREATE INDEX ix_chunks_document_id ON chunks (document_id);
PRAGMA user_version = 1;
"""
COPIED = {
    "changes": "seq, at",
    "files": "path, sha256, pipeline",
    "vectors": "text_hash, embedder, vector",
    "documents": "id, source, content_hash, pipeline, title, text, headings, metadata",
    "chunks": 'id, document_id, ordinal, start, "end", context, text, text_hash, added_seq, removed_seq',
}

Run = Callable[..., IngestResult]


@pytest.fixture
def run(words: Any) -> Run:
    """Ingest paths into a catalog."""
    return lambda catalog, *paths: ingest(catalog, words, Chunker(words.tokenizer_path, 64), paths)


def test_a_catalog_of_version_1_takes_what_it_had_refused(
    run: Run, catalog: Catalog, words: Any, folder: Any, tmp_path: Path
) -> None:
    x = folder({"a/README.md": "Readme of a.", "b/README.md": "Readme of b."})
    run(catalog, x / "a")
    ((_, (_, pipeline)),) = catalog.file_hashes().items()
    catalog.close()
    old = tmp_path / "old.db"
    with sqlite3.connect(old) as connection:
        connection.executescript(VERSION_1)
        connection.execute("ATTACH ? AS new", (str(catalog.path),))
        for table, columns in COPIED.items():
            connection.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM new.{table}")
        refused = x / "b" / "README.md"  # version 1 kept its checksum beside the refusal
        connection.execute("INSERT INTO files VALUES (?, ?, ?)", (str(refused), sha256(refused), pipeline))
    connection.close()
    migrated = Catalog(old)
    assert list(migrated.file_hashes()) == [str(x / "a" / "README.md")]
    embedded = words.embedded
    result = run(migrated, x)
    assert (result.added, result.unchanged, result.failed) == (1, 1, [])
    assert {document.id: document.text for document in migrated.documents()} == {
        "README.md": "Readme of a.",
        "b/README.md": "Readme of b.",
    }
    assert words.embedded == embedded + 1, "what was there is not embedded again"
    assert run(migrated, x).unchanged == 2
    migrated.close()


def test_a_newer_catalog_is_refused(catalog: Catalog) -> None:
    with catalog.writing() as connection:
        connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA + 1}")
    with pytest.raises(StorageError, match="use a newer Lockstep"):
        Catalog(catalog.path)


def damage(path: Path) -> None:
    """Overwrite every page but the first, so that the file opens and its tables do not."""
    data = bytearray(path.read_bytes())
    size = int.from_bytes(data[16:18], "big")
    data[size:] = b"\xa5" * (len(data) - size)
    path.write_bytes(data)


def test_a_damaged_page_is_told_as_such_in_reads_and_writes(run: Run, catalog: Catalog, folder: Any) -> None:
    run(catalog, folder({f"{i}.md": f"Text {i}." for i in range(30)}))
    with catalog.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    catalog.close()
    damage(catalog.path)
    damaged = Catalog(catalog.path)
    for use in (damaged.counts, damaged.sources, damaged.head, lambda: list(damaged.documents())):
        with pytest.raises(StorageError, match=r"catalog\.db is damaged \(.*malformed\): restore it from a backup"):
            use()
    with pytest.raises(StorageError, match="is damaged"):
        damaged.commit([], pipeline="p")
    damaged.close()
    catalog.path.write_bytes(b"no database at all" * 400)
    with pytest.raises(StorageError, match=r"is damaged \(file is not a database\)"):
        Catalog(catalog.path)


def test_a_search_without_documents_says_so(
    catalog: Catalog, words: Any, tmp_path: Path, run: Run, folder: Any
) -> None:
    index = open_edge(tmp_path / "index", embedder=words.fingerprint, dimension=words.dimension, create=True)
    searcher = Searcher(catalog, index, words, SearchSettings())
    with pytest.raises(NotFound, match=r"found no documents .*run `lockstep ingest PATH`"):
        searcher.search("anything")
    run(catalog, folder({"a.md": "Text."}))
    assert searcher.search("anything") == [], "the index has not followed yet"
    index.close()


def test_an_index_follows_a_catalog_that_was_made_anew(
    run: Run, catalog: Catalog, words: Any, folder: Any, tmp_path: Path
) -> None:
    x = folder({f"{i}.md": f"Text number {i}." for i in range(5)})
    index = open_edge(tmp_path / "index", embedder=words.fingerprint, dimension=words.dimension, create=True)
    run(catalog, x)
    sync(catalog, index, words)
    anew = Catalog(tmp_path / "anew.db")
    (x / "0.md").unlink()
    run(anew, x)
    sync(anew, index, words)
    assert set(index.ids()) == {stored.id for stored in anew.live_chunks()}
    found = Searcher(anew, index, words, SearchSettings(top_k=1)).search("number 3")
    assert found[0].text == "Text number 3."
    anew.close()
    index.close()
