"""The commands over examples: ``evaluate`` and ``dataset``."""

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")

EXAMPLES = [
    {
        "question": f"What does the {name} do at {number}?",
        "answers": [f"{number} bar"],
        "document_ids": [f"{name}{number}.md"],
    }
    for name in ("valve", "pump", "hose", "tank")
    for number in range(3)
] + [{"question": f"Who painted picture {number}?", "answers": []} for number in range(4)]


@pytest.fixture
def examined(place, folder, run_json, tmp_path) -> tuple[Path, Path]:
    """A workspace with documents, and examples about them."""
    words = {
        "valve": "opens brass seat",
        "pump": "turns rotor blade",
        "hose": "bends rubber skin",
        "tank": "stores water wall",
    }
    files = {
        f"{name}{number}.md": f"The {name} {text} number {number * 7919} reaches {number} bar."
        for name, text in words.items()
        for number in range(3)
    }
    run_json("ingest", folder(files), "-w", place)
    examples = tmp_path / "examples.jsonl"
    examples.write_text("\n".join(json.dumps(example) for example in EXAMPLES))
    return place, examples


def test_evaluate_prints_the_metrics(run, run_json, examined):
    place, examples = examined
    status, metrics = run_json("evaluate", "--examples", examples, "--split", "all", "--retrieval-only", "-w", place)
    assert status == 0
    assert metrics["questions"] == len(EXAMPLES)
    assert set(metrics["retrieval"]) == {"ndcg@10", "mrr@10", "recall@1", "recall@5", "recall@10"}
    assert metrics["retrieval"]["recall@10"] > 0.5
    status, metrics = run_json("evaluate", "--examples", examples, "-w", place)
    assert status == 0
    assert 0 < metrics["questions"] < len(EXAMPLES)
    assert sum(metrics["outcomes"].values()) == metrics["questions"]
    assert "ndcg@10" in run("evaluate", "--examples", examples, "--retrieval-only", "-w", place)[1]
    assert not list((place / ".lockstep" / "index").glob("own-*")), "its own collection is gone"


def test_dataset_shows_and_saves_the_rows(run, run_json, examined, tmp_path):
    place, examples = examined
    status, value = run_json("dataset", "--examples", examples, "--out", tmp_path / "rows", "-w", place)
    assert status == 0
    assert value["supervised"]["rows"]["train"] > 0
    assert (tmp_path / "rows" / "supervised" / "dataset_dict.json").is_file()
    assert not (place / ".lockstep" / "split.json").exists(), "to look freezes nothing"
    status, out, _ = run("dataset", "--examples", examples, "-w", place)
    assert status == 0
    assert "must abstain" in out
    assert "samples" in out


def test_dataset_counts_as_training_does(run_json, examined):
    place, examples = examined
    _, before = run_json("dataset", "--examples", examples, "-w", place)
    lengths = before["supervised"]["tokens"]
    with (place / "lockstep.toml").open("a") as settings:
        settings.write(f"\n[training.generator]\nmax_length = {lengths['median']}\n")
    _, after = run_json("dataset", "--examples", examples, "-w", place)
    assert after["supervised"]["token_limit"] == lengths["median"]
    assert 0 < after["supervised"]["truncated"] <= sum(before["supervised"]["rows"].values()) / 2

    from retrieval.errors import TrainingError
    from training.data.supervised import SupervisedRow
    from training.generator.files import load_tokenizer
    from training.generator.packaged import BASE, packaged_generator
    from training.generator.rows import encode_rows

    saved = Path(after["saved"]["supervised"])
    from datasets import load_from_disk

    rows = [SupervisedRow(**row) for own in load_from_disk(str(saved)).values() for row in own]
    tokenizer = load_tokenizer(packaged_generator(BASE))
    _, left_out = encode_rows(tokenizer, rows, max_length=lengths["median"])
    assert left_out == after["supervised"]["truncated"]
    with pytest.raises(TrainingError, match=f"{len(rows)} of them longer"):
        encode_rows(tokenizer, rows, max_length=10)
