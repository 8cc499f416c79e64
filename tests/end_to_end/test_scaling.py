"""``lockstep scaling``: real trainings on parts of the examples."""

from pathlib import Path


def test_parts_of_the_examples_are_trained_on_and_measured(world, lockstep):
    active, asked = world.active(), ("--examples", world.examples, "--component", "embedder")
    status, value = lockstep(world, "scaling", *asked, "--share", "0.5", "--share", "1")
    assert status == 0
    (curve,) = value["curves"]
    half, whole = curve["points"]
    assert half["rows"] <= whole["rows"] / 2
    assert all(0 <= point["score"] <= 1 for point in curve["points"])
    assert {len(one) for one in curve["values"].values()} == {curve["questions"]}
    assert curve["forecast"]["advice"] in ("collect more", "stop", "cannot tell")
    assert curve["says"].startswith("embedder: twice the rows would bring ")
    assert "Embedder: " in Path(value["page"]).read_text()
    assert world.active() == active, "nothing is kept of the trainings"
    assert not (world.place / ".lockstep" / "split.json").exists()


def test_the_generator_on_a_part_of_its_rows(world, lockstep):
    answer = lockstep(world, "scaling", "--examples", world.examples, "--component", "generator", "--share", "0.2")
    (curve,) = answer[1]["curves"]
    assert len(curve["points"]) == 1
    assert curve["forecast"] is None
    assert curve["says"].startswith("generator: too few rows for a curve, expected two parts")


def test_nothing_to_train_is_refused(world, lockstep, monkeypatch):
    monkeypatch.setenv("LOCKSTEP_TRAINING__GENERATOR_ENABLED", "false")
    status, value = lockstep(world, "scaling", "--examples", world.examples, "--component", "generator")
    assert (status, value["error"]["code"]) == (2, "configuration")
    assert "found nothing to train (generator switched off" in value["error"]["message"]
