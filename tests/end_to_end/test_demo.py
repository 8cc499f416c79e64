"""``lockstep demo``, on a small workspace in place of the one that ships."""

import json
import shutil
from pathlib import Path

import pytest

from service.commands import demo
from service.commands.main import main

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")


@pytest.fixture
def source(ingested, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A demo's folder: documents, examples and settings."""
    directory = tmp_path / "source"
    shutil.copytree(ingested.documents, directory / "documents")
    (directory / "examples").mkdir()
    shutil.copy(ingested.examples, directory / "examples" / "all.jsonl")
    shutil.copy(ingested.workspace.configuration, directory / "lockstep.toml")
    monkeypatch.setattr(demo, "SOURCE", directory)
    return directory


def test_the_whole_job_is_told_to_people(
    source: Path, tiny_generator: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--workspace", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    for arm in ("untouched", "settings only", "embedder tuned", "generator tuned", "both tuned"):
        assert arm in out
    for words in ("nDCG@10", "paired 95 % interval", "Verdict: ", "Report: ", "The whole job took", "lockstep serve"):
        assert words in out
    assert f"(model: {tiny_generator})" in out
    report = Path(out.split("Report: ")[1].split("\n")[0])
    assert report.read_text().startswith("<!doctype html>")
    assert 1 <= out.count("  Q: ") == out.count("  A: ") <= 3
    assert (tmp_path / demo.PLACE / demo.MARKER).is_file()


def test_an_earlier_demo_is_replaced_and_nothing_else(source: Path, tmp_path: Path) -> None:
    made = demo.make_workspace(tmp_path / "place")
    (made.root / "documents" / "stray.md").write_text("From an earlier demo.")
    assert not (demo.make_workspace(tmp_path / "place").root / "documents" / "stray.md").exists()

    (tmp_path / demo.PLACE).mkdir()
    (tmp_path / demo.PLACE / "mine.txt").write_text("Mine.")
    assert main(["demo", "--workspace", str(tmp_path)]) == 2
    assert (tmp_path / demo.PLACE / "mine.txt").read_text() == "Mine."


def test_without_a_clone_it_says_so(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(source)
    assert main(["demo", "--workspace", str(tmp_path), "--json"]) == 2
    assert "expected a clone of the repository" in json.loads(capsys.readouterr().out)["error"]["message"]
