"""``lockstep retrain`` with a reranker: it is trained, measured, released, served, and kept by the next run."""

import json

import pytest

from training.data.examples import passage_evidence
from training.releases.release import RERANKER, read_release
from training.releases.runtime import open_runtime

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")

QUESTION = "At what pressure does the heron open?"
ONLY_RERANKER = {
    "EMBEDDER_ENABLED": "false",
    "GENERATOR_ENABLED": "false",
    "RERANKER_ENABLED": "true",
    "RERANKER__EPOCHS": "1",
    "RERANKER__CANDIDATES": "4",
    "RERANKER__MAX_LENGTH": "48",
}


def test_a_reranker_goes_with_its_release(lockstep, world, monkeypatch):
    for name, value in ONLY_RERANKER.items():
        monkeypatch.setenv(f"LOCKSTEP_TRAINING__{name}", value)
    before = world.active()
    status, made = lockstep(world, "retrain", "--examples", world.examples, "--promote", "never")
    assert status == 0, made
    run = world.run()
    assert [json.loads(line)["name"] for line in (run / "test.jsonl").read_text().splitlines()] == [
        "untouched",
        "settings only",
        "reranker tuned",
    ]
    assert json.loads((run / "stages" / "reranker.json").read_text())["steps"] > 0
    assert not list(run.glob("*-checkpoints"))
    report = json.loads((world.workspace.releases / made["release"] / "report.json").read_text())
    assert report["efficiency"]["latency"]["reranking"].keys() == {"n", "candidates", "without", "with"}
    assert "reordered by the reranker" in (world.workspace.releases / made["release"] / "report.html").read_text()

    catalog, ledger = world.open()
    release = read_release(world.workspace, ledger, made["release"])
    catalog.close()
    manifest = release.manifest
    assert (manifest.reranker.model, manifest.search.reranked) == ("release", 4)
    assert f"{RERANKER}/model.safetensors" in manifest.files

    def found() -> list[str]:
        status, value = lockstep(world, "search", QUESTION)
        assert status == 0, value
        return [one["chunk_id"] for one in value["passages"]]

    plain = found()
    assert lockstep(world, "releases", "promote", made["release"], "--yes")[0] == 0
    reordered = found()
    catalog, ledger = world.open()
    runtime = open_runtime(world.workspace, catalog, release, world.index, with_generator=False)
    searched = runtime.searcher.reranking(None).search(QUESTION)
    scores = dict(
        zip(searched[:4], runtime.reranker(QUESTION, [passage_evidence(one) for one in searched[:4]]), strict=True)
    )
    scored = sorted(scores, key=lambda one: -scores[one])
    runtime.close()
    catalog.close()
    assert reordered == [one.chunk_id for one in (*scored, *searched[4:])]

    # The next run keeps it, and measures against it.
    monkeypatch.setenv("LOCKSTEP_TRAINING__RERANKER_ENABLED", "false")
    status, later = lockstep(world, "retrain", "--examples", world.examples, "--promote", "never")
    assert status == 0, later
    catalog, ledger = world.open()
    assert read_release(world.workspace, ledger, later["release"]).manifest.reranker == manifest.reranker
    catalog.close()

    # Its files are checked as all others are.
    config = release.directory / RERANKER / "config.json"
    config.write_text(config.read_text() + " ")
    status, value = lockstep(world, "search", QUESTION)
    assert status == 3
    assert f"{RERANKER}/config.json was changed" in value["error"]["message"]
    assert lockstep(world, "releases", "rollback")[0] == 0
    assert world.active() == before
    assert found() == plain
