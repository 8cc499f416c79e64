"""Releases, the ledger, promotion and rollback, with the packaged embedder's files and a fake of nothing."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from retrieval.catalog import Catalog
from retrieval.chunking import Chunker
from retrieval.embedder import Embedder
from retrieval.errors import CorruptRelease, MismatchError, NotFound, Refused
from retrieval.files import sha256
from retrieval.ingest import ingest
from retrieval.prompt import Prompt
from retrieval.search_settings import SearchSettings
from retrieval.settings import IndexSettings
from retrieval.workspace import Workspace
from training.releases import promotion
from training.releases.ledger import Ledger
from training.releases.release import (
    ModelReference,
    Release,
    collection_name,
    create_release,
    read_release,
    release_of_run,
)
from training.releases.runtime import open_runtime

EDGE = IndexSettings()
Make = Callable[..., Release]


@pytest.fixture
def held(workspace: Workspace) -> Iterator[Catalog]:
    catalog = Catalog(workspace.catalog)
    yield catalog
    catalog.close()


@pytest.fixture
def ledger(held: Catalog) -> Ledger:
    return Ledger(held)


@pytest.fixture
def make(workspace: Workspace, ledger: Ledger, embedder: Embedder) -> Make:
    def make(text: str = "a file of the release", **changes: Any) -> Release:
        fields: dict[str, Any] = {
            "parent": None,
            "embedder": ModelReference(model="packaged", fingerprint=embedder.fingerprint),
            "collection": collection_name(embedder.fingerprint),
            "generator": ModelReference(model="smollm2-135m", fingerprint="0" * 64),
            "adapter": False,
            "prompt": Prompt(),
            "search": SearchSettings(),
            "max_new_tokens": 16,
            "documents_fingerprint": "0" * 64,
        }
        return create_release(
            workspace,
            ledger,
            lambda directory, _: (directory / "note.txt").write_text(text) and None,
            **fields | changes,
        )

    return make


def test_a_release_reads_back_as_it_was_made(workspace: Workspace, ledger: Ledger, make: Make) -> None:
    made = make(search=SearchSettings(dense_weight=0.3))
    read = read_release(workspace, ledger, made.id)
    assert read.manifest == made.manifest
    assert read.manifest.search.dense_weight == 0.3
    assert set(read.manifest.files) == {"note.txt"}
    assert made.id.startswith("r0001-")


def test_a_release_from_before_the_fusion_of_scores_goes_on_fusing_ranks(
    workspace: Workspace, ledger: Ledger, make: Make
) -> None:
    path = make().directory / "manifest.json"
    content = json.loads(path.read_text())
    del content["search"]["fusion"]
    old = workspace.releases / "r0002-aaaaaa"
    shutil.copytree(path.parent, old)
    (old / "manifest.json").write_text(json.dumps(content))
    ledger.add(old.name, 2, sha256(old / "manifest.json"))
    assert read_release(workspace, ledger, old.name).manifest.search.fusion == "rrf"


def test_a_changed_byte_is_refused(workspace: Workspace, ledger: Ledger, make: Make) -> None:
    release = make()
    (release.directory / "note.txt").write_text("a file of the releasE")
    with pytest.raises(CorruptRelease, match=r"note.txt was changed") as caught:
        read_release(workspace, ledger, release.id)
    assert caught.value.exit_status == 3


def test_a_missing_and_an_added_file_are_refused(workspace: Workspace, ledger: Ledger, make: Make) -> None:
    release = make()
    (release.directory / "more.txt").write_text("x")
    with pytest.raises(CorruptRelease, match=r"more.txt was added"):
        read_release(workspace, ledger, release.id)
    (release.directory / "more.txt").unlink()
    (release.directory / "note.txt").unlink()
    with pytest.raises(CorruptRelease, match=r"note.txt is missing"):
        read_release(workspace, ledger, release.id)


def test_an_edited_manifest_is_refused(workspace: Workspace, ledger: Ledger, make: Make) -> None:
    release = make()
    path = release.directory / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "max_new_tokens": 99}))
    with pytest.raises(CorruptRelease, match=r"manifest.json was changed"):
        read_release(workspace, ledger, release.id)


def test_an_unknown_release_is_named(workspace: Workspace, ledger: Ledger, make: Make) -> None:
    release = make()
    with pytest.raises(NotFound, match=release.id):
        read_release(workspace, ledger, "r9999")
    assert read_release(workspace, ledger, "r0001").id == release.id


def test_what_a_crash_left_unfinished_is_not_taken_for_a_release(
    workspace: Workspace, ledger: Ledger, make: Make
) -> None:
    (workspace.releases / ".new").mkdir(parents=True)
    (workspace.releases / ".new" / "half").write_text("x")
    (workspace.releases / "r0001-aaaaaa").mkdir()  # published, and then killed before its row
    release = make()
    assert release.manifest.number == 2
    assert set(release.manifest.files) == {"note.txt"}
    assert [entry.id for entry in ledger.entries()] == [release.id]


def test_a_release_is_known_only_after_its_directory_is_there(
    ledger: Ledger, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("training.releases.release.publish_directory", killed)
    with pytest.raises(KeyboardInterrupt):
        make()
    assert ledger.entries() == []


def test_what_a_run_has_published_is_found_again(workspace: Workspace, ledger: Ledger, make: Make) -> None:
    made = make(run="20260101-000000-abcd")
    make(run="20260102-000000-abcd")
    assert release_of_run(workspace, ledger, "20260101-000000-abcd") == made.id
    assert release_of_run(workspace, ledger, "20260103-000000-abcd") is None


def test_promotion_and_rollback_go_back_and_forth(
    workspace: Workspace, held: Catalog, ledger: Ledger, make: Make
) -> None:
    first, second, third = make("1"), make("2"), make("3")
    promotion.promote(workspace, held, ledger, EDGE, first.id, kind="initial")
    promotion.promote(workspace, held, ledger, EDGE, second.id)
    promotion.promote(workspace, held, ledger, EDGE, third.id)
    assert ledger.active() == third.id
    assert promotion.rollback(workspace, held, ledger, EDGE).id == second.id
    assert promotion.rollback(workspace, held, ledger, EDGE).id == first.id  # and not the third again
    with pytest.raises(Refused, match="no release before"):
        promotion.rollback(workspace, held, ledger, EDGE)
    assert ledger.active() == first.id
    assert ledger.unsettled() is None


def test_a_corrupt_release_is_not_promoted(workspace: Workspace, held: Catalog, ledger: Ledger, make: Make) -> None:
    good, bad = make("1"), make("2")
    promotion.promote(workspace, held, ledger, EDGE, good.id)
    (bad.directory / "note.txt").write_text("changed")
    with pytest.raises(CorruptRelease):
        promotion.promote(workspace, held, ledger, EDGE, bad.id)
    assert ledger.active() == good.id


def test_an_embedder_of_equal_dimension_and_other_content_is_refused(
    workspace: Workspace, held: Catalog, ledger: Ledger, make: Make
) -> None:
    wrong = make(embedder=ModelReference(model="packaged", fingerprint="1" * 64))
    with pytest.raises(MismatchError, match="equal dimensions"):
        promotion.promote(workspace, held, ledger, EDGE, wrong.id)
    assert ledger.active() is None


def test_a_promoted_release_searches_what_was_ingested_before_and_after(
    workspace: Workspace, held: Catalog, ledger: Ledger, make: Make, embedder: Embedder, folder: Any
) -> None:
    chunker = Chunker(embedder.tokenizer_path, 64)
    root: Path = folder({"pump.md": "The pump runs at 42 bar.", "valve.md": "The valve opens at 7 bar."})
    ingest(held, embedder, chunker, [root])
    release = make()
    promotion.promote(workspace, held, ledger, EDGE, release.id)
    runtime = open_runtime(workspace, held, release, EDGE, with_generator=False)
    try:
        found = runtime.searcher.search("What pressure has the pump?")
        assert [passage.document_id for passage in found] == ["pump.md", "valve.md"]
        with pytest.raises(ValueError, match="without its generator"):
            _ = runtime.answerer
    finally:
        runtime.close()


def test_a_crash_between_activation_and_what_follows_is_repaired_by_the_next_comer(
    workspace: Workspace, held: Catalog, ledger: Ledger, make: Make
) -> None:
    release = make()
    ledger.activate(release.id, "promote")  # and killed here
    assert ledger.unsettled() == release.id
    promotion.settle(workspace, ledger, EDGE)
    assert ledger.unsettled() is None
    assert ledger.active() == release.id
