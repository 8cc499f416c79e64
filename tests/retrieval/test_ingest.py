"""Ingest, sync and search over the real engine and a real catalog."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from retrieval.catalog import Catalog
from retrieval.chunking import Chunker
from retrieval.errors import InputError, MismatchError
from retrieval.index.edge import open_edge
from retrieval.ingest import ingest
from retrieval.search import Searcher
from retrieval.search_settings import SearchSettings
from retrieval.sync import sync
from tests.retrieval.system import DOCUMENTS, Folder, System


def test_documents_are_found_with_their_path_as_id(system: System, folder: Folder) -> None:
    result = system.ingest(folder(DOCUMENTS))
    assert (result.added, result.failed) == (3, [])
    assert system.sync() == result.chunks
    searcher = Searcher(system.catalog, system.index, system.embedder, SearchSettings())
    best = searcher.search("at how many bar does the valve open")[0]
    assert best.document_id == "valve.md"
    assert "7 bar" in best.text
    assert best.rank == 1
    assert -1 <= best.similarity <= 1


def test_unchanged_content_is_neither_parsed_nor_embedded(system: System, folder: Folder) -> None:
    root = folder(DOCUMENTS)
    system.ingest(root)
    before = system.embedder.embedded, system.catalog.head()
    os.utime(root / "pump.md")
    result = system.ingest(root)
    assert (result.unchanged, result.added, result.updated, result.chunks) == (3, 0, 0, 0)
    assert (system.embedder.embedded, system.catalog.head()) == before


def test_only_the_changed_document_is_replaced(system: System, folder: Folder) -> None:
    root = folder(DOCUMENTS)
    system.ingest(root)
    system.sync()
    (root / "pump.md").write_text("# Pump\n\nThe pump runs at 55 bar now.")
    result = system.ingest(root)
    assert (result.updated, result.unchanged) == (1, 2)
    system.sync()
    found = " ".join(system.found("pump bar"))
    assert "55 bar" in found
    assert "42 bar" not in found
    assert system.index.count() == system.catalog.counts()[1]


def test_until_it_has_followed_a_reader_sees_the_old_version_whole(system: System, folder: Folder) -> None:
    root = folder(DOCUMENTS)
    system.ingest(root)
    system.sync()
    (root / "pump.md").write_text("# Pump\n\nThe pump runs at 55 bar now.")
    system.ingest(root)
    assert any("42 bar" in text for text in system.found("pump bar"))
    assert not any("55 bar" in text for text in system.found("pump bar"))


def test_deleted_is_gone_before_the_index_has_followed(system: System, folder: Folder) -> None:
    root = folder(DOCUMENTS)
    system.ingest(root)
    system.sync()
    (root / "valve.md").unlink()
    assert system.ingest(root, prune=True).deleted == 1
    assert not any("valve" in text for text in system.found("valve"))
    system.sync()
    assert system.index.count() == system.catalog.counts()[1]


def test_deleted_text_is_erased_from_the_catalog(system: System, folder: Folder) -> None:
    root = folder(DOCUMENTS)
    system.ingest(root)
    system.sync()
    (root / "valve.md").unlink()
    system.ingest(root, prune=True)
    system.sync()
    system.catalog.purge(system.index.name)
    system.catalog.close()
    path = system.catalog.path
    Catalog(path).engine.connect().exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    for file in path.parent.glob("catalog.db*"):
        assert b"V-118" not in file.read_bytes(), file


def test_without_prune_a_missing_file_stays(system: System, folder: Folder) -> None:
    root = folder(DOCUMENTS)
    system.ingest(root)
    (root / "valve.md").unlink()
    assert system.ingest(root).deleted == 0
    assert system.catalog.counts()[0] == 3


def test_prune_refuses_to_empty_a_folder(system: System, folder: Folder) -> None:
    root = folder(DOCUMENTS)
    system.ingest(root)
    for path in root.rglob("*.*"):
        path.unlink()
    with pytest.raises(InputError, match="found none of the 3 known files"):
        system.ingest(root, prune=True)
    assert system.catalog.counts()[0] == 3


def test_a_file_that_cannot_be_read_is_named_and_the_old_version_stays(system: System, folder: Folder) -> None:
    root = folder(DOCUMENTS)
    system.ingest(root)
    (root / "pump.md").write_bytes(bytes(range(256)) * 20)
    result = system.ingest(root)
    assert [one["path"] for one in result.failed] == ["pump.md"]
    assert result.unchanged == 2
    assert system.catalog.counts()[0] == 3


def test_what_should_be_told_of_a_file_that_was_taken_is_in_the_result(system: System, folder: Folder) -> None:
    root = folder(DOCUMENTS)
    (root / "cafe.txt").write_bytes("The café opens at 7 bar.".encode("cp1252"))
    result = system.ingest(root)
    assert (result.added, result.failed) == (4, [])
    ((path, warning),) = [(one["path"], one["warning"]) for one in result.warned]
    assert path == "cafe.txt"
    assert "read it as cp1252" in warning
    assert result.as_json()["warned"] == result.warned
    assert system.ingest(root).warned == []


def test_one_file_that_breaks_its_parser_costs_nothing_else(system: System, folder: Folder) -> None:
    root = folder(DOCUMENTS | {"deep.md": "---\na: " + "[" * 60_000 + "\n---\n", "b.jsonl": "[" * 200_000})
    result = system.ingest(root)
    assert result.added == 4
    assert [one["path"] for one in result.failed] == ["b.jsonl"]
    assert [one["path"] for one in result.warned] == ["deep.md"]


def test_a_malformed_row_does_not_delete_the_document_it_was(system: System, folder: Folder) -> None:
    rows = [json.dumps({"id": f"row-{i}", "text": f"Fact number {i} is here."}) for i in range(3)]
    root = folder({"rows.jsonl": "\n".join(rows)})
    assert system.ingest(root).added == 3
    folder({"rows.jsonl": "\n".join([rows[0], "{broken", rows[2]])})
    result = system.ingest(root)
    assert len(result.failed) == 1
    assert "line 2" in result.failed[0]["error"]
    assert set(system.catalog.sources()) == {"row-0", "row-1", "row-2"}


def test_an_index_of_another_embedder_is_refused_at_equal_dimension(
    system: System, make_words: Callable[[str], Any]
) -> None:
    other = make_words("other")
    assert other.dimension == system.embedder.dimension
    with pytest.raises(MismatchError, match="holds vectors of embedder"):
        sync(system.catalog, system.index, other)
    with pytest.raises(MismatchError):
        Searcher(system.catalog, system.index, other, SearchSettings())


def test_a_lost_index_is_rebuilt_without_parsing_or_embedding(system: System, folder: Folder, tmp_path: Path) -> None:
    root = folder(DOCUMENTS)
    system.ingest(root)
    chunks = system.sync()
    before = system.embedder.embedded
    system.index.close()
    (tmp_path / "index").rename(tmp_path / "lost")
    for path in root.rglob("*.*"):
        path.unlink()
    words = system.embedder
    system.index = open_edge(tmp_path / "index", embedder=words.fingerprint, dimension=words.dimension, create=True)
    assert system.sync() == chunks
    assert words.embedded == before
    assert "7 bar" in system.found("valve opens bar")[0]


@pytest.mark.parametrize("fusion", ["rrf", "score"])
def test_the_cap_per_document_makes_room_for_others(system: System, folder: Folder, fusion: Any) -> None:
    many = "\n\n".join(f"## Part {i}\n\nThe pump part {i} " + "turns and turns " * 12 for i in range(12))
    system.ingest(folder({"pump.md": many, "valve.md": "The pump feeds the valve."}))
    system.sync()
    settings = SearchSettings(top_k=3, per_document=1, fusion=fusion)
    searcher = Searcher(system.catalog, system.index, system.embedder, settings)
    assert sorted(passage.document_id for passage in searcher.search("pump part")) == ["pump.md", "valve.md"]


def test_a_reranker_orders_the_candidates(system: System, folder: Folder) -> None:
    system.ingest(folder(DOCUMENTS))
    system.sync()

    def winter_first(question: str, texts: Any) -> list[float]:
        return [float("winter" in text) for text in texts]

    searcher = Searcher(system.catalog, system.index, system.embedder, SearchSettings(), winter_first)
    assert searcher.search("valve")[0].document_id == "guides/winter.txt"


KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from conftest import WordEmbedder
from retrieval.catalog import Catalog
from retrieval.chunking import Chunker
import retrieval.ingest as module
from retrieval.embedder import packaged_minilm
module.CHUNKS_PER_COMMIT = 8
embedder = WordEmbedder(packaged_minilm() / "tokenizer.json")
catalog = Catalog(Path({catalog!r}))
commit = catalog.commit
def told(*args, **kwargs):
    seq = commit(*args, **kwargs)
    print(catalog.counts()[0], flush=True)
    return seq
catalog.commit = told
module.ingest(catalog, embedder, Chunker(embedder.tokenizer_path, 64), [Path({root!r})])
"""


def test_what_was_acknowledged_survives_a_kill(catalog: Catalog, folder: Folder, words: Any, tmp_path: Path) -> None:
    root = folder({f"{i:03}.txt": f"Document {i} says that value {i} is {i * i}." for i in range(400)})
    script = KILLED.format(tests=str(Path(__file__).parents[1]), catalog=str(catalog.path), root=str(root))
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    assert child.stdout is not None
    acknowledged = [int(child.stdout.readline()) for _ in range(3)][-1]
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    documents, chunks = catalog.counts()
    assert documents >= acknowledged > 0
    assert chunks == documents  # each has one chunk: none is there without its document or without its chunk
    result = ingest(catalog, words, Chunker(words.tokenizer_path, 64), [root])
    assert result.unchanged == documents
    assert result.added == 400 - documents


def test_what_is_acknowledged_is_on_the_disk(system: System) -> None:
    """A kill alone does not tell: the kernel keeps what was written. A power cut would."""
    with system.catalog.engine.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("synchronous", "journal_mode")
        }
    assert found == {"synchronous": 2, "journal_mode": "wal"}  # 2 is FULL


def test_a_vector_is_cached_for_its_own_embedder_only(system: System, folder: Folder, make_words: Any) -> None:
    system.ingest(folder(DOCUMENTS))
    hashes = [stored.text_hash for stored in system.catalog.live_chunks()]
    assert len(system.catalog.cached_vectors(hashes, system.embedder.fingerprint)) == len(hashes)
    assert system.catalog.cached_vectors(hashes, make_words("another").fingerprint) == {}


def test_points_that_were_written_too_early_are_not_visible(
    system: System, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = folder(DOCUMENTS)
    system.ingest(root)
    system.sync()
    (root / "pump.md").write_text("# Pump\n\nThe pump runs at 55 bar now.")
    (root / "tank.md").write_text("# Tank\n\nThe tank holds 55 litres.")
    system.ingest(root)

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(system.catalog, "set_synced", killed)
        with pytest.raises(KeyboardInterrupt):
            system.sync()
    assert system.index.count() == 5, "the new points are in the index already"
    found = system.found("pump tank bar litres")
    assert any("42 bar" in text for text in found)
    assert not any("55" in text for text in found)
    system.sync()
    found = system.found("pump tank bar litres")
    assert not any("42 bar" in text for text in found)
    assert sum("55" in text for text in found) == 2


def test_the_text_of_a_deleted_document_is_erased_at_once(system: System, folder: Folder) -> None:
    root = folder(DOCUMENTS)
    system.ingest(root)
    system.sync()
    (root / "valve.md").unlink()
    system.ingest(root, prune=True)
    system.catalog.close()
    path = system.catalog.path
    Catalog(path).engine.connect().exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    for file in path.parent.glob("catalog.db*"):
        assert b"V-118" not in file.read_bytes(), file


def test_a_retry_embeds_nothing_again(system: System, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    root = folder(DOCUMENTS)

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(system.catalog, "commit", killed)
        with pytest.raises(KeyboardInterrupt):
            system.ingest(root)
    embedded = system.embedder.embedded
    assert embedded > 0
    assert system.ingest(root).added == 3
    assert system.embedder.embedded == embedded


def test_an_index_that_has_followed_is_not_counted(
    system: System, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service looks several times a second, and while the engine counts no other thread runs."""
    system.ingest(folder(DOCUMENTS))
    assert system.index.is_empty()
    assert system.sync() > 0
    monkeypatch.setattr(type(system.index), "count", lambda index: 1 / 0)
    assert system.sync() == 0
    assert not system.index.is_empty()
