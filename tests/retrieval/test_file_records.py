"""What was refused, passed over, cut or is gone can be told afterwards."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

import retrieval.ingest as module
from retrieval.catalog import Catalog
from retrieval.chunking import Chunker
from retrieval.errors import InputError
from retrieval.file_records import FileRecords, is_under
from retrieval.ingest import IngestResult, ingest
from retrieval.outcomes import Outcome, headline
from retrieval.parsing.parse import ParseWarning
from retrieval.patterns import Selection

Run = Callable[..., IngestResult]


@pytest.fixture
def run(catalog: Catalog, words: Any) -> Run:
    """Ingest paths."""
    return lambda *paths, **options: ingest(catalog, words, Chunker(words.tokenizer_path, 64), paths, **options)


@pytest.fixture
def records(catalog: Catalog) -> FileRecords:
    return FileRecords(catalog)


def told(records: FileRecords) -> dict[str, tuple[str, str]]:
    """File name to kind and reason."""
    return {Path(one.path).name: (one.kind, one.reason) for one in records.outcomes()}


FILES = {"a.md": "Text.", "broken.pdf": "no pdf", "odd.xyz": "x", "empty.md": " \n", "one.png": "x", ".git/x.md": "x"}
TOLD = {
    "broken.pdf": ("refused", "found no PDF header"),
    "odd.xyz": ("refused", "found the suffix '.xyz'"),
    "empty.md": ("skipped", "found only white space"),
    "one.png": ("skipped", ".png: image"),
    ".git": ("skipped", "its name begins with a dot"),
}


def test_everything_is_told_and_counted(run: Run, records: FileRecords, folder: Any) -> None:
    x = folder({**FILES, "two.PNG": "x", "b.html": "<script>x</script>"})
    result = run(x)
    assert result.added == 1
    assert sorted(one["path"] for one in result.failed) == ["broken.pdf", "odd.xyz"]
    assert result.skipped[".png: image"] == 2
    assert told(records) == {
        **TOLD,
        "two.PNG": ("skipped", ".png: image"),
        "b.html": ("skipped", "found no text in it"),
    }
    offered = sum(1 for path in x.rglob("*") if path.is_file() and ".git" not in path.parts)
    kinds = Counter(one.kind for one in records.outcomes())
    assert offered == result.added + kinds["refused"] + kinds["skipped"] - 1, "each file is told once (and .git)"


def test_an_ingest_tells_anew_of_its_folders_only(
    run: Run, records: FileRecords, catalog: Catalog, folder: Any
) -> None:
    x = folder(FILES)
    (x / "sub").mkdir()
    (x / "sub" / "odd.abc").write_text("x")
    run(x)
    assert run(x).skipped == run(x).skipped
    (x / "broken.pdf").unlink()
    (x / "odd.xyz").unlink()
    run(x / "sub")
    assert told(records) == {**TOLD, "odd.abc": ("refused", "found the suffix '.abc'")}
    (x / "empty.md").write_text("Filled.")
    (x / "sub" / "odd.abc").unlink()
    run(x)
    assert told(records) == {name: TOLD[name] for name in ("one.png", ".git")}


def test_nothing_is_written_where_nothing_changed(run: Run, catalog: Catalog, folder: Any) -> None:
    x = folder(FILES)
    run(x)
    with catalog.engine.connect() as connection:
        before = connection.exec_driver_sql("PRAGMA data_version").scalar_one()
        run(x)
        assert connection.exec_driver_sql("PRAGMA data_version").scalar_one() == before


def test_a_file_that_was_emptied_is_refused_and_its_document_stays(run: Run, catalog: Catalog, folder: Any) -> None:
    x = folder({"a.md": "Text."})
    run(x)
    (x / "a.md").write_text("")
    for result in (run(x), run(x)):
        assert "what it held before stays" in result.failed[0]["error"]
    assert catalog.counts()[0] == 1


def test_the_warnings_of_a_document_live_as_long_as_it(
    run: Run, records: FileRecords, catalog: Catalog, folder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    parse = module.parse_files

    def warning(*arguments: Any, **options: Any) -> Iterator[Any]:
        for source, items in parse(*arguments, **options):
            yield source, chain(items, [ParseWarning(source.id, "page 3 of 5 holds no text: run OCR")])

    x = folder({"a.md": "Text.", "b.md": "More."})
    monkeypatch.setattr(module, "parse_files", warning)
    result = run(x)
    assert result.warned[0] == {"path": "a.md", "warning": "page 3 of 5 holds no text: run OCR"}
    assert run(x).unchanged == 2
    assert [one.document_id for one in records.outcomes("warned")] == ["a.md", "b.md"]
    assert records.outcomes(document_id="b.md")[0].reason == "page N of N holds no text"
    monkeypatch.setattr(module, "parse_files", parse)
    (x / "a.md").write_text("Changed.")
    run(x)
    assert [one.document_id for one in records.outcomes("warned")] == ["b.md"]
    (x / "b.md").unlink()
    run(x, prune=True)
    assert records.outcomes() == []


def test_a_file_that_is_gone_is_named_until_it_is_removed(run: Run, catalog: Catalog, folder: Any) -> None:
    x = folder({"a.md": "Text.", "b.md": "More.", "c.md": "Else."})
    run(x)
    (x / "b.md").unlink()
    (x / ".lockstepignore").write_text("c.md")
    for result in (run(x), run(x)):
        assert [(Path(one["path"]).name, one["documents"], one["reason"]) for one in result.gone] == [
            ("b.md", 1, "no longer there"),
            ("c.md", 1, "ignored by .lockstepignore"),
        ]
        assert result.deleted == 0
    assert run(x / "a.md").gone == [], "of its own folder only"
    result = run(x, prune=True)
    assert (result.deleted, result.gone) == (2, [])
    assert run(x).gone == []


def test_a_folder_that_is_gone_is_refused_with_what_the_catalog_holds_of_it(run: Run, folder: Any) -> None:
    x = folder({"sub/a.md": "Text.", "sub/b.md": "More.", "c.md": "Else."})
    run(x)
    (x / "sub").rename(x / "moved")
    with pytest.raises(InputError, match=r"expected the 2 files of it .*documents rm --under"):
        run(x / "sub")
    with pytest.raises(InputError, match=r"found no .*never"):
        run(x / "never")


def test_what_the_selection_leaves_out_is_not_gone(run: Run, catalog: Catalog, folder: Any) -> None:
    x = folder({"a.md": "Text.", "b.txt": "More.", "old/c.md": "Else."})
    run(x)
    for selection in (Selection(include=("*.md",)), Selection(exclude=("*.txt", "old/"))):
        result = run(x, prune=True, selection=selection)
        assert (result.deleted, result.gone) == (0, [])
    assert catalog.counts()[0] == 3


def test_removed_documents_are_taken_again_by_the_next_ingest(run: Run, catalog: Catalog, folder: Any) -> None:
    x = folder({"a.md": "Text.", "r.jsonl": '{"id": "1", "text": "One."}\n{"id": "2", "text": "Two."}'})
    run(x)
    catalog.remove(["a.md", "2"])
    assert set(catalog.sources()) == {"1"}
    assert [stored.chunk.document_id for stored in catalog.live_chunks()] == ["1"]
    assert [Path(path).name for path in catalog.file_hashes()] == ["r.jsonl"]
    result = run(x)
    assert (result.added, result.unchanged) == (2, 1)


def test_folders_are_remembered_with_their_last_patterns(run: Run, records: FileRecords, folder: Any) -> None:
    x = folder({"a.md": "Text.", "sub/b.md": "x"})
    run(x, selection=Selection(exclude=("*.txt",)))
    run(x / "sub", x / "a.md")
    assert records.folders() == {x: Selection(exclude=("*.txt",)), x / "sub": Selection()}
    run(x)
    assert records.folders()[x] == Selection()
    records.forget(str(x / "sub"))
    assert records.folders() == {x: Selection()}


def test_equal_faults_have_one_headline() -> None:
    assert headline("line 12: found malformed JSON (x at column 3), expected y") == "found malformed JSON"
    assert headline("found 65.2 MiB, expected at most 64.0 MiB: split") == "found N MiB"
    assert headline("found the suffix '.rst', expected one of .md") == "found the suffix '.rst'"


def test_a_path_is_not_under_its_namesake() -> None:
    assert is_under("/a/b", ["/a"])
    assert is_under("/a", ["/a"])
    assert is_under("/a", ["/"])
    assert not is_under("/ab", ["/a"])


def test_an_outcome_is_told_once(records: FileRecords) -> None:
    one = Outcome("/x/a", "refused", "r", "d")
    records.settle(["/x"], [one, one])
    assert records.outcomes() == [one]
