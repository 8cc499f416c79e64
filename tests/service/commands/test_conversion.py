"""``lockstep examples convert``, and what is done with its examples."""

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")

TASK = """\
kind = "classification"
instruction = "Say one of: wet, dry."
labels = ["wet", "dry"]

[convert]
question = "Is the {machine} wet or dry?"
answers = "state"
document_ids = "{machine}.md"
"""
MACHINES = ("valve", "pump", "hose", "tank", "mast", "rope", "sail", "keel", "oar", "fork", "lamp", "bell")
ROWS = [{"machine": name, "state": ("wet", "dry")[number % 2]} for number, name in enumerate(MACHINES)]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "table.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


@pytest.fixture
def task(place: Path) -> Path:
    path = place / "tasks" / "weather.toml"
    path.parent.mkdir()
    path.write_text(TASK)
    return path


def test_a_preview_writes_nothing(run, run_json, table, task, tmp_path):
    status, value = run_json("examples", "convert", table, "--task", task, "--preview", 2)
    assert (status, value["examples"], value["task"], value["splits"]) == (0, 12, "weather", {})
    assert [row["answers"] for row in value["preview"]] == [["wet"], ["dry"]]
    out = run("examples", "convert", table, "--task", task, "--preview", 1)[1]
    assert '"question": "Is the valve wet or dry?"' in out
    assert "12 examples of the task weather: no split stated" in out
    assert {path.name for path in tmp_path.iterdir()} == {"place", "table.jsonl"}


def test_faults_write_nothing_and_name_their_rows(run_json, table, task, tmp_path):
    table.write_text(table.read_text().replace("dry", "damp"))
    output = tmp_path / "examples.jsonl"
    status, value = run_json("examples", "convert", table, "--task", task, "--output", output)
    assert (status, value["error"]["code"]) == (1, "invalid_input")
    assert 'table.jsonl:2: found the label "damp", expected one of wet, dry' in value["error"]["message"]
    assert not output.exists()
    status, value = run_json("examples", "convert", table, "--task", task)
    assert (status, value["error"]["code"]) == (2, "usage")


def test_a_release_does_the_task_from_the_first_one_on(run, run_json, place, table, task, folder, tmp_path):
    files = {f"{name}.md": f"The {name} of number {number * 7919} stands outside." for number, name in
             enumerate(MACHINES)}  # fmt: skip
    run_json("ingest", folder(files), "-w", place)
    examples, rows = tmp_path / "examples.jsonl", tmp_path / "rows.jsonl"
    status, value = run_json("examples", "convert", table, "--task", task, "--output", examples)
    assert (status, value["output"]) == (0, str(examples))
    arguments = ("evaluate", "--examples", examples, "--split", "all", "-w", place)
    status, metrics = run_json(*arguments, "--output", rows)
    assert status == 0
    found = metrics["tasks"]["weather"]
    assert (found["kind"], found["questions"]) == ("classification", 12)
    assert found["accuracy"] == metrics["generation"]["answer_score"]
    assert metrics["intervals"]["macro_f1:weather"]["n"] == 12
    answered = [json.loads(line) for line in rows.read_text().splitlines()]
    assert {row["answer"] for row in answered} <= {"wet", "dry"}
    assert {row["task"] for row in answered} == {"weather"}
    table_shown = run(*arguments)[1]
    assert "accuracy of weather" in table_shown
    assert "macro-F1 of weather" in table_shown
    status, answer = run_json("ask", "Is the oar wet or dry?", "--task", "weather", "-w", place)
    assert status == 0
    assert answer["answer"] in ("wet", "dry")
    assert not answer["abstained"]
    status, value = run_json("ask", "Is the oar wet?", "--task", "whether", "-w", place)
    assert (status, value["error"]["code"]) == (2, "configuration")
    assert "did you mean 'weather'?" in value["error"]["message"]
