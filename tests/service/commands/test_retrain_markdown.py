"""``lockstep retrain --markdown``: where the verdict goes, and when."""

from pathlib import Path

import pytest

from retrieval.errors import VerdictRefused

TEXT = "## Lockstep: kept\n\nIt is not better."
RESULT = {"verdict": "kept", "release": "r0002-x", "report": "/x/report.html"}


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A retraining whose verdict is not the one that was required."""

    def retrain(*_, tell, **__):
        if tell is not None:
            tell(RESULT)
        raise VerdictRefused("found the verdict 'kept', expected 'promoted'")

    monkeypatch.setattr("training.runs.retrain.retrain", retrain)
    monkeypatch.setattr("service.bootstrap.ensure_release", lambda *_, **__: None)
    monkeypatch.setattr("service.bootstrap.retraining_bases", lambda *_: None)

    def markdown(directory: Path, release: str) -> str:
        assert (directory, release) == (Path("/x"), "r0002-x")
        return TEXT

    monkeypatch.setattr("service.commands.retraining.markdown_of", markdown)


def test_the_file_is_there_before_the_exit_status_says_no(run, run_json, refused, place, tmp_path):
    file = tmp_path / "verdict.md"
    file.write_text("of an earlier run")
    asked = ("retrain", "--examples", tmp_path / "x.jsonl", "--markdown", file, "-w", place)
    status, out, _ = run(*asked)
    assert (status, out) == (3, "")
    assert file.read_text() == f"{TEXT}\n"
    file.unlink()
    assert run_json(*asked)[0] == 3
    assert file.read_text() == f"{TEXT}\n"


def test_a_dash_prints_it_and_nothing_else(run, refused, place, tmp_path):
    status, out, _ = run("retrain", "--examples", tmp_path / "x.jsonl", "--markdown", "-", "-w", place)
    assert (status, out) == (3, f"{TEXT}\n")


def test_without_the_option_nothing_is_written(run, refused, place, tmp_path):
    assert run("retrain", "--examples", tmp_path / "x.jsonl", "-w", place)[:2] == (3, "")


@pytest.mark.parametrize(
    ("where", "more", "message"),
    [
        (".", (), "which is no file, expected the path of one; - prints it"),
        ("nowhere/verdict.md", (), "found no directory"),
        ("-", ("--json",), "found --markdown - with --json, expected a file"),
    ],
)
def test_a_place_that_cannot_be_is_refused_before_anything_is_trained(run, place, tmp_path, where, more, message):
    target = where if where == "-" else tmp_path / where
    status, out, err = run("retrain", "--examples", tmp_path / "x", "--markdown", target, *more, "-w", place)
    assert status == 2
    assert message in " ".join(f"{out} {err}".split())
