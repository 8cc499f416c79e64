"""``lockstep releases``: a verdict and figures in each line, and no promotion of what is not better by accident."""

import io
import json
import sys

import pytest

from retrieval.catalog import Catalog
from retrieval.workspace import Workspace
from service.commands.console import Console
from training.releases.ledger import Ledger
from training.releases.release import create_release, read_release


def figure(metric: str, before: float, after: float, direction: str) -> dict:
    interval = {"low": after - before - 0.1, "high": after - before + 0.1, "n": 8, "groups": 7}
    return (
        {"metric": metric, "baseline": before, "candidate": after, "difference": after - before}
        | interval
        | {"direction": direction}
    )


@pytest.fixture
def candidate(place, folder, run_json):
    """The place after an ingest, with a second release of the verdict that is asked for; its id."""
    run_json("ingest", folder({"a.md": "The hose is 12 m long."}), "-w", place)
    workspace = Workspace(place)
    catalog = Catalog(workspace.catalog)
    ledger = Ledger(catalog)

    def make(verdict: str) -> str:
        comparisons = [
            figure("ndcg@10", 0.79, 0.988, "better"),
            figure("answer_score", 0.574, 0.5, "worse"),
            figure("hallucinated", 0.25, 0.125, "unclear"),
            figure("mrr@10", 0.5, 0.6, "better"),
        ]
        chosen = {"name": "embedder tuned", "embedder_tuned": True, "generator_tuned": False}
        chosen |= {"metrics": {"questions": 40}, "comparisons": comparisons}
        report = {"chosen": "embedder tuned", "arms": [{"name": "untouched"}, chosen]}
        report["verdict"] = {"outcome": verdict, "reasons": ["nDCG@10 rose by chance.", "More."]}
        kept = read_release(workspace, ledger, str(ledger.active())).manifest.model_dump()
        fields = {name: kept[name] for name in kept.keys() - {"format", "number", "created_at", "files", "verdict"}}

        def fill(directory, release):
            (directory / "report.json").write_text(json.dumps(report))

        return create_release(workspace, ledger, fill, verdict=verdict, **fields).id

    yield make
    catalog.close()


def active(run_json, place) -> str:
    return run_json("releases", "list", "-w", place)[1]["active"]


def test_the_list_shows_verdict_and_key_figures(run, run_json, place, candidate):
    made = candidate("kept")
    status, value = run_json("releases", "list", "-w", place)
    first, second = value["releases"]
    assert (status, first["verdict"], first["figures"], first["questions"]) == (0, None, {}, None)
    assert (second["id"], second["verdict"], second["tuned"]) == (made, "kept", ["embedder"])
    assert second["questions"] == 40
    assert set(second["figures"]) == {"ndcg@10", "answer_score", "hallucinated"}
    assert second["figures"]["ndcg@10"]["direction"] == "better"
    assert second["reasons"] == ["nDCG@10 rose by chance.", "More."]
    status, out, err = run("releases", "list", "-w", place)
    lines = out.splitlines()
    assert lines[0].split() == ["release", "made", "verdict", "nDCG@10", "answer", "score", "made", "up"]
    assert lines[-2].startswith(f" → {first['id']} ")
    assert lines[-1].split()[2:] == ["kept", "0.79→0.99", "▲", "0.57→0.50", "▼", "1", "of", "8"]
    assert max(map(len, lines)) <= 80, "it fits a terminal of 80 columns"
    assert "▲ better" in err


def test_a_damaged_release_does_not_spoil_the_list(run, run_json, place, candidate):
    made = candidate("promoted")
    path = Workspace(place).releases / made / "report.json"
    path.write_text("{}")
    listed = run_json("releases", "list", "-w", place)[1]["releases"]
    assert [one["problem"] for one in listed] == [None, "report.json was changed"]
    path.with_name("manifest.json").unlink()
    status, out, _ = run("releases", "list", "-w", place)
    assert status == 0
    assert "damaged" in out.splitlines()[-1]


@pytest.mark.parametrize("verdict", ["kept", "rejected"])
def test_a_release_that_is_not_better_is_promoted_only_on_purpose(run, run_json, place, candidate, verdict):
    made, before = candidate(verdict), active(run_json, place)
    status, out, err = run("releases", "promote", made, "-w", place)
    assert (status, out) == (3, "")
    assert f"found the verdict {verdict!r} on release {made} (nDCG@10 rose by chance)" in err
    assert "give --yes to make it answer all the same" in err
    status, value = run_json("releases", "promote", made, "-w", place)
    assert (status, value["error"]["code"]) == (3, "not_better")
    assert active(run_json, place) == before
    assert run_json("releases", "promote", made, "--yes", "-w", place) == (0, {"release": made, "previous": before})
    assert run("releases", "promote", made, "-w", place)[0] == 0, "it answers already: nothing to ask"


def test_a_better_release_is_promoted_without_a_question(run_json, place, candidate):
    made, before = candidate("promoted"), active(run_json, place)
    assert run_json("releases", "promote", made, "-w", place) == (0, {"release": made, "previous": before})


@pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("n\n", 3), ("\n", 3)])
def test_on_a_terminal_it_asks(run, run_json, place, candidate, monkeypatch, tmp_path, answer, status):
    made, before = candidate("kept"), active(run_json, place)
    monkeypatch.setattr("service.commands.releases._somebody_there", lambda console: True)
    (tmp_path / "typed").write_text(answer)
    with (tmp_path / "typed").open() as typed:
        monkeypatch.setattr(sys, "stdin", typed)
        found, _, err = run("releases", "promote", made, "-w", place)
    assert found == status
    assert "Make it answer all the same? [y/N]" in err
    assert active(run_json, place) == (made if status == 0 else before)
    if status:
        assert f"{before} goes on answering" in err


def test_nobody_is_there_without_two_terminals(monkeypatch):
    from service.commands.releases import _somebody_there

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdin", Terminal())
    assert _somebody_there(Console(err=Terminal()))
    assert not _somebody_there(Console(as_json=True, err=Terminal())), "a script reads what is printed"
    assert not _somebody_there(Console(err=io.StringIO()))
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert not _somebody_there(Console(err=Terminal()))
