"""``lockstep study``, and a retraining that starts from what it found."""

import json
from pathlib import Path

from training.answering.demonstrations import FILE
from training.releases.release import read_release
from training.releases.runtime import open_runtime


def test_a_retraining_starts_from_the_prompt_that_a_study_found(lockstep, world, monkeypatch):
    prompts = world.place / "prompts"
    prompts.mkdir()
    (prompts / "mine.toml").write_text('system = "Find it."\nuser = "{examples}\\n{passages}\\n{question}"\n')
    asked = ["--examples", world.examples]
    status, value = lockstep(world, "study", *asked, "--prompt", "mine", "--shots", "2", "--passages", "1")
    assert status == 0, value
    assert value["served"] == "default, no example, 2 passages"
    tried = {value["served"], "mine, 2 examples, 1 passage"}
    assert {one["cell"] for one in value["cells"]} == tried | {f"{one}, chained" for one in tried}
    assert value["modes"] == ["direct", "chained"]  # SmolLM2's template has no place for tools
    assert value["chosen"]["mode"] == "direct"
    assert "Score over cost" in Path(value["page"]).read_text()
    rows = [
        json.loads(line)
        for line in (world.workspace.studies / value["saved"] / "rows.jsonl").read_text().split("\n")[:-1]
    ]
    assert len(rows) == sum(one["questions"] for one in value["cells"])

    # Two random models answer nothing: what the study would choose is put in by hand.
    path = world.workspace.studies / value["saved"] / "study.json"
    figures = json.loads(path.read_text())
    figures["chosen"] = next(one for one in value["cells"] if one["cell"] == "mine, 2 examples, 1 passage")
    path.write_text(json.dumps(figures))
    configuration = world.place / "lockstep.toml"
    off = "[training]\nembedder_enabled = false\ngenerator_enabled = false\nloss = false"
    configuration.write_text(configuration.read_text().replace("[training]\n", f"{off}\n"))
    monkeypatch.setattr("training.runs.stages.choose_arm", lambda results: "prompt only")
    status, value = lockstep(world, "retrain", *asked, "--promote", "always")
    assert status == 0, value
    assert value["chosen"] == "prompt only"
    assert value["verdict"] in ("kept", "promoted")

    catalog, ledger = world.open()
    release = read_release(world.workspace, ledger, value["release"])
    assert (release.manifest.prompt.name, release.manifest.prompt.examples) == ("mine", 2)
    assert not release.manifest.adapter
    assert (release.directory / FILE).is_file()
    runtime = open_runtime(world.workspace, catalog, release, world.index)
    shown = runtime.answerer.prepare("At what pressure does the heron open?").messages
    assert shown[1]["content"].count("Answer: ") == 2
    runtime.close()
    catalog.close()


def test_tools_are_refused_for_a_model_that_cannot_be_shown_them(lockstep, world):
    status, value = lockstep(world, "study", "--examples", world.examples, "--mode", "tools", "--prompt", "short")
    assert status == 2
    assert "leave --mode tools away" in value["error"]["message"]
