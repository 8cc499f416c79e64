"""The commands over examples: ``evaluate`` and ``dataset``."""

import csv
import json
import re
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


def test_evaluate_gives_intervals_and_one_row_a_question(run, run_json, examined, tmp_path):
    place, examples = examined
    table = tmp_path / "examples.csv"
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Frage", "Antwort", "Quelle"])
        for one in EXAMPLES:
            writer.writerow([one["question"], (one["answers"] or ["[]"])[0], "".join(one.get("document_ids", []))])
    rows_file = tmp_path / "rows" / "questions.jsonl"
    columns = [f"--column={one}" for one in ("question=Frage", "answers=Antwort", "document_ids=Quelle")]
    arguments = ["evaluate", "--examples", table, "--split", "all", "--output", rows_file, "-w", place]
    status, metrics = run_json(*arguments, *columns)
    assert status == 0
    assert metrics["questions"] == len(EXAMPLES)
    assert metrics["output"] == str(rows_file)
    for part, name in (("retrieval", "ndcg@10"), ("generation", "answer_score"), ("generation", "loss")):
        one = metrics["intervals"][name]
        assert one["n"] > 0
        assert one["groups"] >= 12
        assert one["low"] <= metrics[part][name] <= one["high"]
    assert {"correct", "skipped", "hallucinated", "token_accuracy", "perplexity"} <= metrics["intervals"].keys()
    rows = [json.loads(line) for line in rows_file.read_text().splitlines()]
    assert [row["question"] for row in rows] == [one["question"] for one in EXAMPLES]
    first = rows[0]
    assert first["passages"][0].keys() == {"rank", "document_id", "chunk_id", "text"}
    assert "The valve opens" in "".join(passage["text"] for row in rows for passage in row["passages"])
    assert first["ranks"].keys() == {"valve0.md"}
    assert first["answer"] is not None
    assert sum(row["outcome"] == "correct" for row in rows) == metrics["outcomes"]["correct"]
    assert first["scores"]["ndcg@10"] is not None
    assert rows[-1]["scores"]["ndcg@10"] is None, "of no question without documents"
    _, out, _ = run("evaluate", "--examples", examples, "--split", "all", "--retrieval-only", "-w", place)
    assert "95 % interval" in out
    assert re.search(r"ndcg@10 +0\.\d+ +0\.\d+ to \d\.\d+ +12", out)

    status, value = run_json("evaluate", "--examples", table, "--split", "all", "-w", place)
    assert status == 1
    assert "'Frage', 'Antwort', 'Quelle'" in value["error"]["message"]


def test_what_is_left_out_and_dropped_is_named(run, examined, tmp_path):
    place, examples = examined
    lost = [{"question": f"What is riddle {number}?", "answers": ["nowhere at all"]} for number in range(8)]
    more = tmp_path / "more.jsonl"
    more.write_text("\n".join(json.dumps(one) for one in [*lost, EXAMPLES[0]]))
    status, out, err = run("dataset", "--examples", examples, "--examples", more, "-w", place)
    assert status == 0
    assert "8 not found" in out
    for one in lost:
        assert f"  {one['question']!r} ({more}:" in err
    assert f"{more}:9 repeats {examples}:1" in err


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


def test_dataset_counts_as_training_does(run_json, examined, tiny_generator):
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
    from training.generator.rows import encode_rows

    saved = Path(after["saved"]["supervised"])
    from datasets import load_from_disk

    rows = [SupervisedRow(**row) for own in load_from_disk(str(saved)).values() for row in own]
    tokenizer = load_tokenizer(tiny_generator)
    _, left_out = encode_rows(tokenizer, rows, max_length=lengths["median"])
    assert left_out == after["supervised"]["truncated"]
    with pytest.raises(TrainingError, match=f"{len(rows)} of them longer"):
        encode_rows(tokenizer, rows, max_length=10)
