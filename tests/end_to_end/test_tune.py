"""``lockstep tune``: trials on the frozen split, and what becomes of the best."""

import json
import sys
import tomllib
from pathlib import Path

import pytest

from training.data.frozen_split import FrozenSplit

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")


@pytest.mark.parametrize("component", ["embedder", "generator"])
def test_the_best_settings_are_printed_and_written(lockstep, world, component: str):
    configuration = world.place / "lockstep.toml"
    before = tomllib.loads(configuration.read_text())
    asked = ["--examples", world.examples, "--component", component, "--trials", "1"]
    status, value = lockstep(world, "tune", *asked, "--write")
    assert status == 0, value
    assert (value["finished"], value["best"]["number"]) == (1, 0)
    assert value["first"] == value["best"]  # what is configured is tried first
    held = FrozenSplit.load(world.workspace.split).documents
    asked = [json.loads(line).get("document_ids") or [] for line in world.examples.read_text().splitlines()]
    known = sum(any(held.get(document) == "validation" for document in own) for own in asked)
    if component == "embedder":
        assert value["questions"] == known, "what nDCG rests on"
    else:
        assert value["questions"] > known, "with those that the corpus cannot answer"
    assert "best of 1 on the same" in value["caution"]
    assert "Every trial" in Path(value["page"]).read_text()
    after = tomllib.loads(configuration.read_text())
    pasted = tomllib.loads(value["toml"])["training"]
    assert pasted[component]["epochs"] == 1
    for section, values in pasted.items():
        assert after["training"][section].items() >= values.items()
    assert after["training"][component]["batch_size"] == before["training"][component]["batch_size"]
    assert not list(Path(value["page"]).parent.glob("trial-*"))


def test_without_the_extra_it_is_named(lockstep, world, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    status, value = lockstep(world, "tune", "--examples", world.examples)
    assert status == 2
    assert "lockstep[tune]" in value["error"]["message"]
