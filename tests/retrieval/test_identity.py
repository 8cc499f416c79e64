"""Files of several folders under ids that do not collide, stay once they are given, and are never silently lost."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from retrieval.catalog import Catalog
from retrieval.chunking import Chunker
from retrieval.corpus_files import find_files
from retrieval.identity import Identities
from retrieval.ingest import IngestResult, ingest

Run = Callable[..., IngestResult]


@pytest.fixture
def run(catalog: Catalog, words: Any) -> Run:
    """Ingest paths."""
    return lambda *paths, **options: ingest(catalog, words, Chunker(words.tokenizer_path, 64), paths, **options)


def texts(catalog: Catalog) -> dict[str, str]:
    return {document.id: document.text for document in catalog.documents()}


def rows(**texts: str) -> str:
    return "\n".join(json.dumps({"id": name, "text": text}) for name, text in texts.items())


FILES = {"a/README.md": "Readme of a.", "b/README.md": "Readme of b.", "c/b/README.md": "Readme of c/b."}


def test_equal_names_under_two_roots_are_two_documents(run: Run, catalog: Catalog, folder: Any) -> None:
    x = folder(FILES)
    assert run(x / "a").added == 1
    second = run(x / "b")
    assert (second.added, second.failed) == (1, [])
    assert second.renamed == [{"path": "README.md", "id": "b/README.md"}]
    assert run(x / "c" / "b").renamed == [{"path": "README.md", "id": "c/b/README.md"}]
    expected = {
        "README.md": "Readme of a.",
        "b/README.md": "Readme of b.",
        "c/b/README.md": "Readme of c/b.",
    }
    assert texts(catalog) == expected
    parent = run(x)
    assert (parent.unchanged, parent.added, parent.failed, parent.renamed) == (3, 0, [], [])
    assert texts(catalog) == expected


def test_files_that_are_read_ahead_do_not_get_one_id(folder: Any) -> None:
    x = folder(FILES)
    first, second = find_files([x / "a", x / "b"])
    identities = Identities({})
    assert (identities.choose(first), identities.choose(second)) == ("README.md", "b/README.md")
    identities.refuse(first.key, "README.md")
    assert identities.choose(second) == "README.md", "the first was refused, and has no document"
    identities.give(second.key, {"README.md"})
    assert identities.choose(first) == "a/README.md"


def test_two_roots_at_once(run: Run, catalog: Catalog, folder: Any) -> None:
    x = folder(FILES)
    assert run(x / "a", x / "b").added == 2
    assert texts(catalog) == {"README.md": "Readme of a.", "b/README.md": "Readme of b."}


def test_an_id_stays_when_the_file_changes_and_is_found_under_another_root(
    run: Run, catalog: Catalog, folder: Any
) -> None:
    x = folder(FILES)
    run(x / "a", x / "b")
    folder({"a/README.md": "Readme of a, new.", "b/README.md": "Readme of b, new."})
    result = run(x)
    assert (result.updated, result.added, result.deleted) == (2, 1, 0)
    assert texts(catalog) == {
        "README.md": "Readme of a, new.",
        "b/README.md": "Readme of b, new.",
        "c/b/README.md": "Readme of c/b.",
    }


def test_a_moved_folder_takes_its_ids_along(run: Run, catalog: Catalog, folder: Any) -> None:
    x = folder(FILES)
    run(x / "a")
    (x / "a").rename(x / "moved")
    result = run(x / "moved")
    assert (result.updated, result.added, result.renamed) == (1, 0, [])
    assert [Path(path).parent.name for path in catalog.file_hashes()] == ["moved"], "no checksum without a document"
    # The old place comes back with the same content: it is not taken for known.
    folder({"a/README.md": "Readme of a."})
    assert run(x / "a").renamed == [{"path": "README.md", "id": "a/README.md"}]
    assert set(texts(catalog)) == {"README.md", "a/README.md"}


def test_a_row_id_that_another_file_has_is_refused_until_the_cause_is_gone(
    run: Run, catalog: Catalog, folder: Any
) -> None:
    x = folder({"one.jsonl": rows(a="First.", b="Second."), "two.jsonl": rows(a="Other.", c="Third.")})
    for result in (run(x), run(x), run(x / "two.jsonl")):
        (failure,) = result.failed
        assert failure["path"] == "two.jsonl"
        assert "found the id 'a' in" in failure["error"]
        assert "one.jsonl too" in failure["error"]
    assert texts(catalog) == {"a": "First.", "b": "Second.", "c": "Third."}
    folder({"one.jsonl": rows(b="Second.")})
    run(x)
    assert run(x).failed == []
    assert texts(catalog) == {"a": "Other.", "b": "Second.", "c": "Third."}


def test_a_file_none_of_whose_rows_were_taken_leaves_no_checksum(run: Run, catalog: Catalog, folder: Any) -> None:
    x = folder({"one.jsonl": rows(a="First."), "two.jsonl": rows(a="Other.")})
    run(x)
    assert [Path(path).name for path in catalog.file_hashes()] == ["one.jsonl"]
    assert len(run(x).failed) == 1


def test_many_equal_rows_are_one_line(run: Run, folder: Any) -> None:
    many = {f"r{i}": f"Row {i}." for i in range(50)}
    (failure,) = run(folder({"one.jsonl": rows(**many), "two.jsonl": rows(**many)})).failed
    assert "'r0' and 49 more of its ids" in failure["error"]


def test_names_that_are_not_utf8_are_taken_and_found_again(run: Run, catalog: Catalog, tmp_path: Path) -> None:
    root = tmp_path / "x"
    root.mkdir()
    for name in (b"caf\xe9.txt", b"caf\xe8.txt"):
        with open(os.path.join(os.fsencode(root), name), "wb") as file:
            file.write(b"text of " + name[:3] + str(name[3]).encode())
    result = run(root)
    assert (result.added, result.failed) == (2, [])
    assert set(texts(catalog)) == {"caf\ufffd.txt", "x/caf\ufffd.txt"}
    again = run(root)
    assert (again.unchanged, again.gone) == (2, [])
