import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from retrieval.errors import ConfigurationError, CorruptRelease
from retrieval.reranker import load_reranker
from service.bootstrap import ensure_release, retraining_bases
from service.settings import Settings
from training.releases.runtime import open_reranker


@pytest.fixture
def settings(tiny_embedders: list[Path], tiny_generator: Path):
    def make(embedder: int = 0, **sections) -> Settings:
        models = {
            "embedder": {"model": str(tiny_embedders[embedder])},
            "generator": {"model": str(tiny_generator), "max_new_tokens": 8},
        }
        return Settings(**(models | sections))

    return make


def ensure(site, settings: Settings):
    return ensure_release(site.workspace, site.catalog, site.ledger, settings)


def test_the_first_release_is_what_the_settings_say(site, settings):
    release = ensure(site, settings(search={"top_k": 3}, prompt={"abstention": "No."}))
    manifest = release.manifest
    assert site.ledger.active() == release.id
    assert (manifest.search.top_k, manifest.prompt.abstention, manifest.max_new_tokens) == (3, "No.", 8)
    assert manifest.parent is None
    assert manifest.files == {}


def test_a_second_call_changes_nothing(site, settings):
    first = ensure(site, settings())
    assert ensure(site, settings()).id == first.id
    assert len(site.ledger.entries()) == 1


def test_edited_settings_make_another_first_release_that_can_be_rolled_back(site, settings):
    first = ensure(site, settings())
    second = ensure(site, settings(embedder=1))
    assert second.id != first.id
    assert second.manifest.parent == first.id
    assert second.manifest.collection != first.manifest.collection
    assert site.ledger.active() == second.id
    assert site.ledger.before(second.id) == first.id


def test_a_trained_release_is_not_touched_by_the_settings(site, settings, tiny_embedders, tiny_generator):
    from training.releases.release import create_release

    manifest = ensure(site, settings()).manifest
    fields = {name: getattr(manifest, name) for name in ("embedder", "collection", "generator", "prompt", "search")}
    trained = create_release(
        site.workspace,
        site.ledger,
        lambda directory, release: None,
        parent=None,
        adapter=False,
        max_new_tokens=8,
        documents_fingerprint="",
        run="20260101-000000-abcd",
        **fields,
    )
    site.promote(trained)
    assert ensure(site, settings(search={"top_k": 3})).id == trained.id


def test_a_crash_before_the_activation_is_repaired_by_the_next_call(site, settings, monkeypatch):
    monkeypatch.setattr("service.bootstrap.promote", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        ensure(site, settings())
    assert site.ledger.active() is None
    monkeypatch.undo()
    assert site.ledger.active() is None
    assert ensure(site, settings()).id == site.ledger.active()


def test_a_model_that_is_not_there(site, settings):
    with pytest.raises(ConfigurationError, match="nowhere"):
        ensure(site, settings(generator={"model": "./nowhere"}))
    assert site.ledger.entries() == []


def test_retraining_starts_from_the_untouched_models(site, settings, tiny_embedders, tiny_generator):
    bases = retraining_bases(site.workspace, settings())
    release = ensure(site, settings())
    assert (bases.embedder, bases.generator) == (tiny_embedders[0], tiny_generator)
    assert bases.generator_reference == release.manifest.generator


def test_a_generator_behind_a_server_is_named_and_not_looked_at(site, settings):
    server = {"model": "some-model", "url": "http://127.0.0.1:9/v1"}
    release = ensure(site, settings(generator=server))
    reference = release.manifest.generator
    assert (reference.model, reference.url) == ("some-model", server["url"])
    assert retraining_bases(site.workspace, settings(generator=server)).generator is None
    other = ensure(site, settings(generator=server | {"url": "http://127.0.0.1:10/v1"}))
    assert other.manifest.generator.fingerprint != reference.fingerprint


def test_a_configured_reranker_is_bound_by_its_content(site, settings, tiny_reranker, tmp_path):
    own = tmp_path / "reranker"
    shutil.copytree(tiny_reranker, own)
    release = ensure(site, settings(search={"reranker": str(own), "reranked": 5}))
    reference = release.manifest.reranker
    assert (reference.model, reference.fingerprint) == (str(own), load_reranker(tiny_reranker).fingerprint)
    opened = open_reranker(site.workspace, release)
    assert opened is not None
    assert opened.fingerprint == reference.fingerprint

    (own / "config.json").write_text((own / "config.json").read_text() + " ")
    with pytest.raises(CorruptRelease, match="found reranker"):
        open_reranker(site.workspace, release)
    # A release of before names it alone.
    old = replace(release, manifest=release.manifest.model_copy(update={"reranker": None}))
    assert open_reranker(site.workspace, old).path == own


def test_a_reranker_starts_from_what_is_configured_or_from_the_embedder(site, settings, tiny_reranker):
    enabled = {"reranker_enabled": True}
    named = retraining_bases(site.workspace, settings(training=enabled | {"reranker": {"base": str(tiny_reranker)}}))
    assert named.reranker == tiny_reranker
    assert named.new_reranker(32).max_seq_length == 32
    own = retraining_bases(site.workspace, settings(training=enabled))
    assert own.reranker is None
    assert own.new_reranker(32).num_labels == 1
    with pytest.raises(ConfigurationError, match="found no directory"):
        retraining_bases(site.workspace, settings(training=enabled | {"reranker": {"base": "./nowhere"}}))
