"""``lockstep retrain`` as a whole: what it prints, what it leaves, how it resumes, and what it refuses."""

import html
import json
from pathlib import Path
from typing import Any

import pytest

from training.data.examples import Example
from training.data.matching import question_key
from training.data.row_files import read_rows
from training.releases.release import read_release
from training.releases.runtime import open_runtime
from training.runs import stages

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")

STAGES = (
    "split",
    "contrastive",
    "estimate",
    "embedder",
    "search",
    "prompt",
    "supervised",
    "generator",
    "validate",
    "test",
    "release",
    "promote",
)
METRICS = {
    "retrieval": {"ndcg@10", "mrr@10", "recall@1", "recall@5", "recall@10"},
    "generation": {
        "answer_score",
        "exact_match",
        "f1",
        "squad_exact_match",
        "squad_f1",
        "rouge_l",
        "token_accuracy",
        "loss",
        "perplexity",
    },
    "outcomes": {"correct", "skipped", "wrong", "hallucinated", "correctly_abstained"},
}


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def error_of(answer: tuple[int, dict[str, Any]]) -> tuple[int, str, str]:
    status, value = answer
    assert set(value) == {"error"}, value
    return status, value["error"]["code"], value["error"]["message"]


def stop_at(monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    """Interrupt a retraining before one of its stages."""

    def interrupted(_: Any) -> dict[str, Any]:
        raise KeyboardInterrupt

    monkeypatch.setattr(stages.Stages, stage, interrupted)


def rewound(retrained, root: Path, *, verdict: str, **request: Any):
    """A finished run set back to before its last stage, with another verdict and request."""
    world = retrained.copy(root)
    run = world.run()
    (run / "stages" / "promote.json").unlink()
    for path, changes in ((run / "stages" / "test.json", {"verdict": verdict}), (run / "run.json", request)):
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return world


# What it prints and leaves


def test_the_json_is_the_fixed_form(retrained):
    value = retrained.result
    assert value.keys() >= {"run", "release", "verdict", "reasons", "report", "metrics", "comparisons"}
    assert value["verdict"] in ("promoted", "kept", "rejected")
    assert value["reasons"]
    assert all(isinstance(reason, str) and reason for reason in value["reasons"])
    assert set(value["metrics"]) == {"baseline", "candidate"}
    for arm in value["metrics"].values():
        assert set(arm) == {"release", "questions", *METRICS, "tasks"}
        for part, names in METRICS.items():
            assert set(arm[part]) == names
        assert arm["generation"]["loss"] > 0
        assert sum(arm["outcomes"].values()) == arm["questions"] > 8
    assert value["metrics"]["baseline"]["release"] == retrained.active()
    assert value["metrics"]["candidate"]["release"] == value["release"]
    for one in value["comparisons"]:
        assert {"metric", "baseline", "candidate", "difference", "low", "high", "n", "groups"} <= set(one)
    assert {"ndcg@10", "answer_score"} <= {one["metric"] for one in value["comparisons"]}


def test_tasks_mix_and_each_has_its_line(retrained):
    run, result = retrained.run(), retrained.result
    for arm in result["metrics"].values():
        assert set(arm["tasks"]) == {"heft", "question answering"}
        assert sum(one["questions"] for one in arm["tasks"].values()) == arm["questions"]
    assert {"accuracy:heft", "macro_f1:heft"} <= {one["metric"] for one in result["comparisons"]}
    assert any(reason.startswith("Accuracy of heft") for reason in result["reasons"])
    for arm in rows_of(run / "test.jsonl"):
        answers = [one["answer"] for one in arm["records"] if one["task"] == "heft"]
        assert answers
        assert set(answers) <= {"heavy", "light"}
    rows = [row for row in rows_of(run / "supervised.jsonl") if row["task"] == "heft"]
    assert {row["completion"] for row in rows} == {"heavy", "light"}
    assert rows[0]["messages"][0]["content"] == "Say one of: heavy, light."
    catalog, ledger = retrained.open()
    made = read_release(retrained.workspace, ledger, result["release"])
    catalog.close()
    assert made.manifest.tasks["heft"].labels == ("heavy", "light")
    assert "accuracy of heft" in (made.directory / "report.md").read_text()


def test_the_stages_leave_their_files(retrained):
    run = retrained.run()
    assert run.name == retrained.result["run"]
    assert {path.stem for path in (run / "stages").iterdir()} == set(STAGES)
    for name in ("examples", "split", "contrastive", "supervised", "unthresholded", "validation", "test", "references"):
        assert rows_of(run / f"{name}.jsonl"), name
    kinds = {event["stage"] for event in rows_of(run / "events.jsonl")}
    assert kinds >= {*STAGES, "hardware"}
    tuned = json.loads((run / "stages" / "test.json").read_text())["generator_tuned"]
    assert (run / "general.jsonl").exists() >= tuned, "what a tuned generator has forgotten can be traced"
    assert not list(run.glob("*-checkpoints")), "checkpoints are removed"
    assert not (run / "index").exists(), "the run's own collection is removed"


def test_training_is_measured_against_what_settings_alone_do(retrained):
    run = retrained.run()
    arms = ["untouched", "settings only", "embedder tuned", "generator tuned", "both tuned"]
    assert [row["name"] for row in rows_of(run / "test.jsonl")] == arms
    assert [row["name"] for row in rows_of(run / "validation.jsonl")] == arms[1:]
    validated = json.loads((run / "stages" / "validate.json").read_text())
    assert sorted(validated["thresholds"]) == sorted(arms[1:])
    scored = [row["name"] for row in rows_of(run / "test.jsonl") if row["records"][0]["loss_sum"] is not None]
    assert scored == [arms[0], validated["chosen"]], "the loss of the others would be shown nowhere"
    assert validated["chosen"] in arms[1:]


def test_the_release_is_whole_and_tells_where_it_comes_from(retrained):
    value = retrained.result
    catalog, ledger = retrained.open()
    release = read_release(retrained.workspace, ledger, value["release"])
    manifest = release.manifest
    assert (manifest.run, manifest.parent, manifest.verdict) == (value["run"], retrained.active(), value["verdict"])
    assert manifest.documents_fingerprint == catalog.fingerprint()
    assert manifest.split_fingerprint == json.loads(retrained.workspace.split.read_text())["fingerprint"]
    catalog.close()
    report = json.loads((release.directory / "report.json").read_text())
    assert report["release"] == release.id
    page = Path(value["report"]).read_text()
    assert value["report"] == str(release.directory / "report.html")
    assert release.id in page
    assert value["verdict"] in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    efficiency = report["efficiency"]
    assert {arm["name"] for arm in report["arms"]} == efficiency["tokens"].keys()
    assert efficiency["latency"]["n"] == 2
    assert efficiency["latency"]["candidate"] > 0
    assert report["side_by_side"]["page"] in page
    sides = json.loads((release.directory / "side_by_side.json").read_text())
    assert sides["release"] == release.id
    assert len(sides["questions"]) == next(iter(efficiency["tokens"].values()))["questions"]
    answers = (release.directory / "answers.html").read_text()
    assert all(html.escape(row["id"]) in answers for row in sides["questions"])


def test_the_report_sets_the_estimate_beside_what_happened(retrained):
    report = json.loads(Path(retrained.result["report"]).with_suffix(".json").read_text())
    estimate = report["estimate"]
    stages = ["embedder", "search", "supervised", "generator", "validate", "test"]
    assert [row["stage"] for row in estimate["stages"]] == stages
    for row in estimate["stages"]:
        assert row["seconds"] > 0
        assert row["happened_seconds"] >= 0
        assert row["memory_bytes"] > 10**8
    steps = {row["stage"]: row["steps"] for row in rows_of(retrained.run() / "events.jsonl") if row.get("steps")}
    told = json.loads((retrained.run() / "stages" / "estimate.json").read_text())["stages"]
    assert told["embedder"]["steps"] == steps["embedder"]
    assert abs(told["generator"]["steps"] - steps["generator"]) <= 1, "a tuned embedder joins other questions"
    assert estimate["price"] == pytest.approx(estimate["seconds"] / 1000, rel=0.01)
    assert estimate["chosen"] == {}
    assert "beside the estimate" in Path(retrained.result["report"]).read_text()
    assert "| all |" in Path(retrained.result["report"]).with_suffix(".md").read_text()


def test_an_estimate_without_training(world, lockstep, monkeypatch):
    arguments = "dataset", "--examples", world.examples, "--estimate"
    status, value = lockstep(world, *arguments)
    assert status == 0
    assert value["estimate"]["stages"].keys() >= {"embedder", "generator", "test"}
    assert value["balance"]["train"]["groups"] > 1
    assert 0 < value["balance"]["train"]["unanswerable_share"] < 1
    assert not list(world.workspace.runs.glob("*")), "nothing was begun"
    monkeypatch.setenv("LOCKSTEP_TRAINING__ESTIMATE__MOST_MEMORY_GB", "0.001")
    status, code, message = error_of(lockstep(world, *arguments))
    assert (status, code) == (2, "configuration")
    assert "free some" in message


def test_no_test_question_and_no_test_document_is_trained_on(retrained):
    run = retrained.run()
    held_out = read_rows(run / "examples.jsonl", Example)
    questions = {question_key(one.question) for one in held_out if one.split == "test"}
    documents = {document for one in held_out if one.split == "test" for document in one.document_ids}
    assert len(questions) > 8
    assert len(documents) > 3
    catalog, _ = retrained.open()
    texts = {stored.chunk.text for stored in catalog.live_chunks(documents)}
    catalog.close()
    contrastive, supervised = rows_of(run / "contrastive.jsonl"), rows_of(run / "supervised.jsonl")
    assert {row["split"] for row in (*contrastive, *supervised)} == {"train"}
    for row in contrastive:
        assert question_key(row["anchor"]) not in questions
        for text in (row["positive"], *row["negatives"]):
            assert not any(held in text for held in texts), row["example_id"]
    for row in supervised:
        said = "\n".join(message["content"] for message in row["messages"])
        assert question_key(said.rsplit("Question: ", 1)[-1]) not in questions
        assert not any(held in said for held in texts), row["example_id"]


# Promotion


@pytest.mark.parametrize(
    ("asked", "verdict", "promoted"),
    [
        ("auto", "promoted", True),
        ("auto", "kept", False),
        ("always", "kept", True),
        ("always", "rejected", False),
        ("never", "promoted", False),
    ],
)
def test_what_is_promoted(lockstep, retrained, tmp_path, asked, verdict, promoted):
    world = rewound(retrained, tmp_path / "world", verdict=verdict, promote=asked)
    before = world.active()
    status, value = lockstep(world, "retrain", "--resume")
    assert (status, value["verdict"]) == (0, verdict)
    assert world.active() == (value["release"] if promoted else before) == value["active"]


def test_the_list_of_releases_tells_the_verdict_and_the_figures_of_the_report(lockstep, retrained):
    listed = lockstep(retrained, "releases", "list")[1]["releases"]
    first, made = listed
    assert (first["verdict"], first["figures"], first["problem"]) == (None, {}, None)
    assert (made["verdict"], made["reasons"]) == (retrained.result["verdict"], retrained.result["reasons"])
    assert made["questions"] == retrained.result["metrics"]["candidate"]["questions"]
    compared = {one["metric"]: one for one in retrained.result["comparisons"]}
    assert {"ndcg@10", "answer_score"} <= set(made["figures"])
    for metric, figure in made["figures"].items():
        assert figure == {name: compared[metric][name] for name in figure}


def test_a_promoted_release_answers_from_its_own_collection(lockstep, retrained, tmp_path):
    world = rewound(retrained, tmp_path / "world", verdict="kept", promote="always")
    status, value = lockstep(world, "retrain", "--resume")
    status, answer = lockstep(world, "ask", "At what pressure does the heron open?")
    assert (status, answer["release"]) == (0, value["release"])
    catalog, ledger = world.open()
    release = read_release(world.workspace, ledger, value["release"])
    old = read_release(world.workspace, ledger, str(release.manifest.parent))
    runtime = open_runtime(world.workspace, catalog, release, world.index)
    assert runtime.index.name == release.manifest.collection != old.manifest.collection
    assert runtime.index.embedder == runtime.embedder.fingerprint == release.manifest.embedder.fingerprint
    assert runtime.index.count() == catalog.counts()[1]
    assert release.manifest.embedder.fingerprint != old.manifest.embedder.fingerprint
    runtime.close()
    catalog.close()
    assert lockstep(world, "releases", "rollback")[1]["release"] == old.id
    assert lockstep(world, "ask", "At what pressure does the heron open?")[1]["release"] == old.id


def test_require_better_refuses_and_keeps_the_release(lockstep, retrained, tmp_path):
    world = rewound(retrained, tmp_path / "world", verdict="kept", promote="auto", require_better=True)
    before = world.active()
    told = tmp_path / "verdict.md"
    status, code, message = error_of(lockstep(world, "retrain", "--resume", "--markdown", told))
    assert (status, code) == (3, "not_better")
    assert told.read_text().startswith("## Lockstep: "), "the verdict is told although it refuses"
    assert "report.html" in message
    assert world.active() == before
    assert lockstep(world, "releases", "show", retrained.result["release"])[0] == 0
    assert error_of(lockstep(world, "retrain", "--resume"))[1] == "not_found", "the run has ended"


# Resuming


def test_a_run_that_fails_at_the_end_of_every_stage_gives_the_same_result(lockstep, world, retrained, monkeypatch):
    """Each stage does its work and dies before its mark, once; then it is resumed."""
    calls: list[str] = []

    def failing_once(name: str) -> Any:
        work = getattr(stages.Stages, name)

        def stage(self: Any) -> dict[str, Any]:
            calls.append(name)
            result: dict[str, Any] = work(self)
            if calls.count(name) == 1:
                raise RuntimeError(f"killed in {name}")
            return result

        return stage

    passed = [name for name in STAGES if name != "estimate"]  # this world has none
    for name in passed:
        monkeypatch.setattr(stages.Stages, name, failing_once(name))
    answer = lockstep(world, "retrain", "--examples", world.examples, "--promote", "never")
    for name in passed:
        assert f"killed in {name}" in error_of(answer)[2]
        answer = lockstep(world, "retrain", "--resume")
    status, value = answer
    assert status == 0
    assert calls == [name for name in passed for _ in range(2)], "a finished stage does not run again"
    expected = retrained.result
    for name in ("verdict", "reasons", "chosen", "comparisons"):
        assert value[name] == expected[name], name
    for own, theirs in zip(value["metrics"].values(), expected["metrics"].values(), strict=True):
        # Losses of a training that went on from a checkpoint differ in the last digits, of which perplexity makes more.
        found, wanted = dict(own["generation"]), dict(theirs["generation"])
        assert found.pop("perplexity") == pytest.approx(wanted.pop("perplexity"), rel=1e-2)
        assert found == pytest.approx(wanted, rel=1e-3)
        kept = ("questions", "retrieval", "outcomes")
        assert [own[name] for name in kept] == [theirs[name] for name in kept]
    for name in ("examples", "contrastive", "supervised"):
        assert len(rows_of(world.run() / f"{name}.jsonl")) == len(rows_of(retrained.run() / f"{name}.jsonl"))
    assert (world.run() / "split.jsonl").read_bytes() == (retrained.run() / "split.jsonl").read_bytes()
    assert len(lockstep(world, "releases", "list")[1]["releases"]) == 2, "a resumed run publishes one release"


def test_there_is_nothing_to_resume(lockstep, world):
    assert error_of(lockstep(world, "retrain", "--resume"))[:2] == (1, "not_found")


# The frozen test set


def test_another_retraining_keeps_the_test_set(lockstep, retrained, tmp_path, monkeypatch):
    world = retrained.copy(tmp_path / "world")
    more = {"id": "more", "question": "How many rotors has the ibis?", "answers": ["2"], "document_ids": ["ibis.md"]}
    world.write_examples([*rows_of(world.examples), more])
    stop_at(monkeypatch, "contrastive")
    assert lockstep(world, "retrain", "--examples", world.examples)[0] == 130
    own, first = (
        {one.id for one in read_rows(run / "examples.jsonl", Example) if one.split == "test"}
        for run in (world.run(), retrained.run())
    )
    assert world.run().name != retrained.run().name
    assert own == first


def test_an_altered_test_example_is_refused(lockstep, retrained, tmp_path):
    world = retrained.copy(tmp_path / "world")
    test = next(one for one in read_rows(world.run() / "examples.jsonl", Example) if one.split == "test")
    rows = rows_of(world.examples)
    world.write_examples([{**row, "question": row["question"] + "!?"} if row["id"] == test.id else row for row in rows])
    status, code, message = error_of(lockstep(world, "retrain", "--examples", world.examples))
    assert (status, code) == (3, "mismatch")
    assert test.question in message
    assert "--accept-test-changes" in message
