"""What ``lockstep retrain`` refuses, and the smallest workspaces that it takes."""

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def error_of(answer: tuple[int, dict[str, Any]]) -> tuple[int, str, str]:
    status, value = answer
    assert set(value) == {"error"}, value
    return status, value["error"]["code"], value["error"]["message"]


def test_examples_that_overlap_are_refused_with_the_pairs(lockstep, world):
    rows = rows_of(world.examples)
    one, other = [row for row in rows if row.get("document_ids") == ["ibis.md"]][:2]
    rest = [row for row in rows if row not in (one, other)]
    second = world.root / "more.jsonl"
    world.write_examples([*rest, {**one, "split": "train"}])
    world.write_examples([{**other, "split": "test"}], second)
    answer = lockstep(world, "retrain", "--examples", world.examples, "--examples", second)
    status, code, message = error_of(answer)
    assert (status, code) == (3, "leak")
    assert one["id"] in message
    assert other["id"] in message
    assert not world.workspace.split.exists(), "nothing is frozen"


def test_unknown_documents_are_named_with_their_line(lockstep, world):
    rows = rows_of(world.examples)
    rows[2] = {"question": "What of the dodo?", "answers": ["gone"], "document_ids": ["dodo.md"]}
    world.write_examples(rows)
    status, code, message = error_of(lockstep(world, "retrain", "--examples", world.examples))
    assert (status, code) == (1, "invalid_input")
    assert "dodo.md" in message
    assert "examples.jsonl:3" in message


def test_all_examples_unanswerable(lockstep, world):
    world.write_examples([row for row in rows_of(world.examples) if not row["answers"]])
    status, code, message = error_of(lockstep(world, "retrain", "--examples", world.examples))
    assert (status, code) == (1, "invalid_input")
    assert "none with an answer" in message


def small(ingested, root: Path, lockstep, names: list[str]):
    """A workspace of a few documents only."""
    world = type(ingested)(root, ingested.models, names).make()
    world.write_examples(
        [row for row in rows_of(world.examples) if row["id"].rpartition("-")[0] in (*names, "unanswerable")]
    )
    assert lockstep(world, "ingest", world.documents)[0] == 0
    return world


def test_a_corpus_of_one_document(lockstep, ingested, tmp_path):
    world = small(ingested, tmp_path / "world", lockstep, ["heron"])
    status, code, message = error_of(lockstep(world, "retrain", "--examples", world.examples))
    assert (status, code) == (1, "invalid_input")
    assert "2 independent groups" in message


def test_fewer_chunks_than_distractors(lockstep, ingested, tmp_path, monkeypatch, build_generator):
    monkeypatch.setenv("LOCKSTEP_TRAINING__DATA__PASSAGES", "100")
    monkeypatch.setenv("LOCKSTEP_TRAINING__DATA__NEGATIVES", "16")
    monkeypatch.setenv("LOCKSTEP_PROMPT__MAX_PASSAGES", "100")
    monkeypatch.setenv("LOCKSTEP_SEARCH__TOP_K", "100")
    monkeypatch.setenv("LOCKSTEP_CHUNKING__MAX_TOKENS", "128")
    monkeypatch.setenv("LOCKSTEP_TRAINING__EMBEDDER_ENABLED", "false")
    monkeypatch.setenv("LOCKSTEP_GENERATOR__MODEL", str(build_generator(4096)))
    world = small(ingested, tmp_path / "world", lockstep, ["heron", "ibis", "skua"])
    status, value = lockstep(world, "retrain", "--examples", world.examples)
    assert status == 0, value
    supervised = rows_of(world.run() / "supervised.jsonl")
    assert supervised
    assert max(len(row["passages"]) for row in supervised) < 100
