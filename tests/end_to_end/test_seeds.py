"""``lockstep retrain --seeds``: what is chosen is trained again, and what hangs on the seed is told."""

import json

import pytest

from training.report.build import render_report

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")


def test_a_resumed_run_trains_again_and_tells_the_spread(lockstep, retrained, tmp_path):
    world = retrained.copy(tmp_path / "world")
    run = world.run()
    for stage in ("test", "release", "promote"):
        (run / "stages" / f"{stage}.json").unlink()
    request = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**request, "seeds": 2}))
    catalog, ledger = world.open()
    ledger_before = ledger.active()
    catalog.close()
    collections = {path.name for path in world.workspace.collection("x").parent.glob("*")}

    status, value = lockstep(world, "retrain", "--resume")
    assert status == 0, value
    assert [one["seed"] for one in value["seeds"]] == [3, 4]
    assert all(set(one["test"]) == {"ndcg@10", "answer_score"} == set(one["validation"]) for one in value["seeds"])
    first = value["metrics"]["candidate"]
    assert value["seeds"][0]["test"]["ndcg@10"] == pytest.approx(first["retrieval"]["ndcg@10"])
    assert any("Trained again with another seed" in reason for reason in value["reasons"])
    report = json.loads((run / "report.json").read_text())
    assert report["verdict"]["reasons"] == value["reasons"]
    assert "Seeds, on the test questions" in render_report(report)
    # Nothing of the second training is left but its figures.
    assert {path.name for path in world.workspace.collection("x").parent.glob("*")} == collections
    (again,) = (run / "seeds").iterdir()
    assert not (again / "embedder").exists()
    assert not (again / "adapter").exists()
    assert world.active() == ledger_before
