"""Commands as a user calls them, and a workspace of tiny models."""

import json
from pathlib import Path

import pytest

from service.commands.main import main


@pytest.fixture
def run(capfd):
    """Run a command: exit status, stdout, stderr."""

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        status = main([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return status, captured.out, captured.err

    return call


@pytest.fixture
def run_json(run):
    def call(*arguments: str | Path) -> tuple[int, dict]:
        status, out, _ = run(*arguments, "--json")
        value = json.loads(out)
        assert out.count("\n") == 1
        assert isinstance(value, dict)
        return status, value

    return call


@pytest.fixture
def error_of(run_json):
    """Run a command that fails: exit status and what its object says of the error."""

    def call(*arguments: str | Path) -> tuple[int, dict]:
        status, value = run_json(*arguments)
        assert set(value) == {"error"}
        assert set(value["error"]) == {"message", "code"}
        assert "\n" not in value["error"]["message"]
        return status, value["error"]

    return call


@pytest.fixture
def place(tmp_path, tiny_embedders, tiny_generator) -> Path:
    """A workspace of tiny models."""
    root = tmp_path / "place"
    root.mkdir()
    (root / "lockstep.toml").write_text(
        f'[embedder]\nmodel = "{tiny_embedders[0]}"\n[generator]\nmodel = "{tiny_generator}"\nmax_new_tokens = 4\n'
        '[prompt]\nsystem = "Answer. Else: {abstention}"\nmax_passages = 1\n[chunking]\nmax_tokens = 64\n'
    )
    return root
