"""Ingest of files of which there is more to say: their encoding, and very many rows."""

import json
from typing import Any

import pytest

from retrieval.ingest import IngestResult, ingest
from tests.retrieval.system import DOCUMENTS, Folder, System


def test_an_encoding_that_the_user_names_stands_in_place_of_the_guess(system: System, folder: Folder) -> None:
    root = folder(DOCUMENTS)
    (root / "note.txt").write_bytes(b"caf\xe9")
    (root / "page.html").write_bytes(b'<meta charset="koi8-r"><p>' + "Насос".encode("koi8-r"))

    def read(encoding: str | None) -> tuple[IngestResult, set[str]]:
        result = ingest(system.catalog, system.embedder, system.chunker, [root], encoding=encoding)
        return result, {stored.chunk.text for stored in system.catalog.live_chunks()}

    assert {"café", "Насос"} < read(None)[1]
    embedded = system.embedder.embedded
    result, texts = read("cp1251")
    assert {"cafй", "Насос"} < texts
    assert result.warned == []
    assert (result.added, result.updated, system.embedder.embedded) == (0, 5, embedded + 1)
    assert read("cp1251")[0].unchanged == 5
    assert "cafι" in read("cp1253")[1]


def test_a_file_with_very_many_rows_is_committed_in_parts(
    system: System, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [json.dumps({"id": f"row-{i}", "text": f"Fact number {i} is here."}) for i in range(30)]
    root = folder({"rows.jsonl": "\n".join(["{broken", *rows])})
    monkeypatch.setattr("retrieval.ingest.CHUNKS_PER_COMMIT", 4)
    commit, parts = system.catalog.commit, []

    def killed(parsed: Any, *arguments: Any, **options: Any) -> int:
        if len(parts) == 2:
            raise KeyboardInterrupt
        parts.append([len(file.documents) for file in parsed])
        return commit(parsed, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(system.catalog, "commit", killed)
        with pytest.raises(KeyboardInterrupt):
            system.ingest(root)
    assert parts == [[8], [8]]
    assert len(system.catalog.sources()) == 16
    result = system.ingest(root)
    assert (result.added, result.unchanged, len(result.failed)) == (14, 16, 1)
    folder({"rows.jsonl": "\n".join(row.replace("Fact", "Point") for row in rows[10:])})
    result = system.ingest(root)
    assert (result.added, result.updated, result.unchanged, result.deleted) == (0, 20, 0, 10)
    assert set(system.catalog.sources()) == {f"row-{i}" for i in range(10, 30)}
    assert system.ingest(root).unchanged == 20
