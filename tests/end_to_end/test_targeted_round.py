"""A second round aimed at one kind of error, and the commands that make and vary examples, from beginning to end."""

import json
from pathlib import Path
from typing import Any

import pytest

from training.data.examples import Example
from training.data.row_files import read_rows
from training.runs import stages
from training.runs.directory import Run
from training.runs.targeting import aim, measured, round_before, shrinkage

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def training_documents(run: Path) -> set[str]:
    (split,) = rows_of(run / "split.jsonl")
    return {name for name, where in split["split_of_document"].items() if where == "train"}


def test_a_round_aimed_at_an_error_makes_rows_of_training_documents_only(retrained, tmp_path, lockstep, monkeypatch):
    world = retrained.copy(tmp_path / "world")
    first = world.run()

    def interrupted(_: Any) -> dict[str, Any]:
        raise KeyboardInterrupt

    monkeypatch.setattr(stages.Stages, "contrastive", interrupted)
    status, _ = lockstep(world, "retrain", "--target", "largest", "--promote", "never")
    assert status == 130
    run = world.run()
    assert run != first
    request = json.loads((run / "run.json").read_text())
    assert request["target"]["run"] == first.name
    assert [Path(one).name for one in request["examples"]] == [world.examples.name]  # those of the round before
    rows = rows_of(run / "targeted.jsonl")
    assert rows
    assert {name for row in rows for name in row.get("document_ids", [])} <= training_documents(first)
    assert {chunk.rpartition("#")[0] for row in rows for chunk in row["metadata"]["source"]} <= training_documents(
        first
    )
    examples = {one.id: one for one in read_rows(run / "examples.jsonl", Example)}
    assert {examples[row["id"]].split for row in rows} == {"train"}
    before = {one.id for one in read_rows(first / "examples.jsonl", Example) if one.split == "test"}
    assert before == {one.id for one in examples.values() if one.split == "test"}
    figures = Run(run).result("target")
    assert figures["rows"] == len(rows) == sum(figures["methods"].values())


def test_whether_an_error_became_rarer_is_told_with_an_interval(retrained, tmp_path):
    world = retrained.copy(tmp_path / "world")
    catalog, ledger = world.open()
    try:
        before = round_before(world.workspace, ledger)
        bucket = aim(before, catalog, "largest")
        assert aim(before, catalog, bucket.replace(" ", "-")) == bucket
        same = shrinkage(before, measured(world.workspace, ledger, before.run), catalog, bucket)
        assert same["before"] == same["after"] > 0
        assert (same["difference"], same["shrank"]) == (0, False)
        assert same["low"] < 0 < same["high"]
        assert same["questions"] == len(before.chosen.records)
        assert same["trained"]["systems"]["after"] == before.trained.arm
    finally:
        catalog.close()


def test_an_unknown_target_and_a_target_before_the_first_round_are_refused(world, retrained, tmp_path, lockstep):
    status, value = lockstep(world, "retrain", "--target", "largest")
    assert (status, value["error"]["code"]) == (1, "not_found")
    again = retrained.copy(tmp_path / "again")
    status, value = lockstep(again, "retrain", "--target", "nonsense")
    assert status != 0
    assert "not-retrieved" in value["error"]["message"]
    status, value = lockstep(again, "retrain", "--target", "largest", "--resume")
    assert status == 2


def test_examples_are_made_and_varied_of_what_may_be_trained_on(retrained, tmp_path, lockstep):
    world, made, varied = retrained.copy(tmp_path / "world"), tmp_path / "made.jsonl", tmp_path / "varied.jsonl"
    asked = ["--examples", world.examples]
    status, value = lockstep(world, "examples", "generate", *asked, "--output", made, "--limit", "30", "--within", "24")
    assert status == 0, value
    rows = rows_of(made)
    assert len(rows) == value["examples"] == sum(value["kinds"].values()) == sum(value["methods"].values()) > 0
    trained = training_documents(world.run())
    assert {chunk.rpartition("#")[0] for row in rows for chunk in row["metadata"]["source"]} <= trained
    status, value = lockstep(world, "examples", "augment", world.examples, "--output", varied, "--within", "24")
    assert status == 0, value
    own = {row["id"]: row for row in rows_of(world.examples)}
    split = json.loads(world.workspace.split.read_text())
    assert rows_of(varied)
    for row in rows_of(varied):
        assert split["assignments"][row["metadata"]["augmented"]] == "train"
        assert own[row["metadata"]["augmented"]]["answers"] == row["answers"]
    status, value = lockstep(world, "dataset", *asked, "--examples", made, "--examples", varied)
    assert status == 0, value


def test_without_questions_some_documents_are_left_alone(world, tmp_path, lockstep):
    status, value = lockstep(world, "examples", "generate", "--output", tmp_path / "made.jsonl", "--limit", "5")
    assert status == 0, value
    assert 0 < value["split"]["documents"] < value["split"]["of"]
    assert "left alone" in value["split"]["origin"]
    assert not world.workspace.split.exists()


@pytest.mark.parametrize("wrong", [["--kinds", "poem"], ["--url", "http://127.0.0.1:9/v1"]])
def test_wrong_usage_is_told(world, tmp_path, lockstep, wrong):
    status, value = lockstep(world, "examples", "generate", "--output", tmp_path / "made.jsonl", *wrong)
    assert (status, value["error"]["code"]) == (2, "usage")
