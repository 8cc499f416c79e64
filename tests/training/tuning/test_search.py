"""The search: what is tried first, what is ended early, and that it goes on where it was left."""

from pathlib import Path
from typing import Any

import pytest

from retrieval.errors import TrainingError
from training.fine_tuning import Events
from training.tuning.page import render_tuning
from training.tuning.search import search
from training.tuning.space import Choice, Range, Settings, Space

SPACE: Space = {"embedder.a": Range(0.0, 1.0), "embedder.b": Range(1, 3, whole=True), "embedder.c": Choice((None, 8))}
FIRST: Settings = {"embedder.a": 0.1, "embedder.b": 2, "embedder.c": None, "embedder.not searched": None}


class Train:
    """The metric is ``a``, told at three evaluations."""

    def __init__(self, fails: bool = False) -> None:
        self.tried: list[Settings] = []
        self.evaluated: list[int] = []
        self.fails = fails

    def __call__(self, settings: Settings, events: Events, directory: Path) -> float:
        self.tried.append(settings)
        self.evaluated.append(0)
        (directory / "weights").write_text("many")
        if self.fails:
            raise TrainingError("found loss nan")
        events({"stage": "embedder", "step": 0, "steps": 0, "eval_ndcg@10": 0.5})  # untouched: no evaluation
        for step in (1, 2, 3):
            self.evaluated[-1] = step
            events({"stage": "embedder", "step": step, "steps": 3, "eval_ndcg@10": settings["embedder.a"] * step / 3})
        return float(settings["embedder.a"])


def run(directory: Path, train: Train, **options: Any) -> dict[str, Any]:
    return search(SPACE, FIRST, train, directory, name="embedder", **{"minutes": 5.0, "seed": 1, **options})


def test_what_is_configured_is_tried_first_and_what_falls_behind_ends_early(tmp_path: Path) -> None:
    train = Train()
    found = run(tmp_path, train, trials=24)
    assert train.tried[0] == {key: FIRST[key] for key in SPACE}
    assert found["first"]["value"] == pytest.approx(0.1)
    assert found["best"]["value"] == max(one["embedder.a"] for one in train.tried)
    assert found["best"]["value"] > 0.5
    assert found["ended early"] > 0
    assert found["finished"] + found["ended early"] == 24
    assert 1 in train.evaluated  # ended at the first comparison
    assert max(found["importance"], key=found["importance"].__getitem__) == "embedder.a"
    assert [path.name for path in tmp_path.iterdir()] == ["journal.log"]  # nothing of a trial is left

    value = {**found, "component": "embedder", "metric": "nDCG@10", "questions": 9, "caution": "It is <one> of 24."}
    page = render_tuning(value)
    assert "&lt;one&gt;" in page
    assert "ended early" in page
    assert "<script" not in page


def test_a_later_call_goes_on(tmp_path: Path) -> None:
    run(tmp_path, Train(), trials=2)
    train = Train()
    found = run(tmp_path, train, trials=2)
    assert {key: FIRST[key] for key in SPACE} not in train.tried
    assert [one["number"] for one in found["trials"]] == [0, 1, 2, 3]
    assert found["importance"] == {}  # too few to say


def test_no_time_still_finishes_one(tmp_path: Path) -> None:
    found = run(tmp_path, Train(), minutes=0.00001)
    assert (found["finished"], found["best"]["number"]) == (1, 0)


def test_a_training_that_fails_is_counted_and_all_of_them_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no trial that finished"):
        run(tmp_path, Train(fails=True), trials=2)
    assert run(tmp_path, Train(), trials=1)["failed"] == 2
