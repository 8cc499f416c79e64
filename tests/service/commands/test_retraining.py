"""``lockstep retrain`` as a user meets it: what it takes, hands on and shows. The retraining itself is not run."""

import pytest

from retrieval.workspace import Workspace
from training.runs.directory import start_run

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")


def test_retrain_wants_examples_or_a_run_to_resume(error_of, place, tmp_path):
    assert error_of("retrain", "-w", place)[0] == 2
    assert error_of("retrain", "--resume", "--examples", tmp_path / "x", "-w", place)[0] == 2


def test_a_resumed_run_refuses_options_that_it_was_not_begun_with(run_json, error_of, place, monkeypatch):
    start_run(
        Workspace(place), {"promote": "never", "require_better": False, "seeds": 2, "columns": {"Frage": "question"}}
    )
    monkeypatch.setattr("training.runs.retrain.retrain", lambda *_, **__: {"verdict": "kept"})
    same = ("--promote", "never", "--seeds", "2", "--column", "question=Frage")
    assert run_json("retrain", "--resume", *same, "-w", place) == (0, {"verdict": "kept"})
    for option in (("--promote", "always"), ("--seeds", "3"), ("--require-better",), ("--column", "answers=Antwort")):
        status, error = error_of("retrain", "--resume", *option, "-w", place)
        assert (status, error["code"]) == (2, "usage")
        assert f"leave {option[0]} away" in error["message"]


def test_a_target_that_is_no_kind_of_error_is_refused_before_anything_is_read(error_of, place):
    status, error = error_of("retrain", "--target", "not-found", "-w", place)
    assert status == 2
    assert "expected largest or one of not-retrieved" in error["message"]


def test_retrain_hands_on_what_was_asked_and_shows_the_verdict(run, run_json, place, folder, monkeypatch, tmp_path):
    metrics = {
        "questions": 9,
        "retrieval": {"ndcg@10": 0.5},
        "generation": {"f1": None},
        "outcomes": {"correct": 4},
    }
    comparison = {"metric": "ndcg@10", "difference": 0.1, "low": 0.02, "high": 0.2, "n": 9}
    result = {
        "run": "1",
        "release": "r0002-x",
        "verdict": "promoted",
        "reasons": ["It is better."],
        "report": "/x/report.html",
        "metrics": {"baseline": metrics, "candidate": metrics},
        "comparisons": [
            comparison,
            comparison | {"low": None, "high": None},
            comparison | {"difference": 0.0, "low": -0.1, "high": 0.1, "method": "rule of three"},
        ],
    }
    asked = []

    def retrain(workspace, catalog, index, training, bases, request, *, progress, warn, listen, tell):
        asked.append(request)
        return result

    monkeypatch.setattr("training.runs.retrain.retrain", retrain)
    run_json("ingest", folder({"valve.md": "The valve opens at 12 bar."}), "-w", place)
    file = tmp_path / "examples.jsonl"
    options = ["--examples", file, "--promote", "always", "--require-better"]
    assert run_json("retrain", *options, "-w", place) == (0, result)
    status, out, _ = run("retrain", "--resume", "-w", place)
    assert status == 0
    assert "Verdict: promoted" in out
    assert "[+0.020, +0.200]" in out
    assert "same on every question" in out
    assert "-0.100" not in out, "a bound on what was not asked is no interval that was measured"
    assert asked[0].examples == (file,)
    assert (asked[0].promote, asked[0].require_better) == ("always", True)
    assert asked[1] is None
