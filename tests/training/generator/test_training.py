import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import trl

from retrieval.errors import TrainingError
from retrieval.prompt import Message
from training.fine_tuning import Counts
from training.generator import training as generator_training
from training.generator.data_parallel import DataParallel
from training.generator.files import load_model
from training.generator.generation import Generator, load_generator
from training.generator.rows import MASKED, encode_row
from training.generator.trainer import label_weights, supervised_trainer
from training.generator.training import TrainingResult, train_generator
from training.settings import GeneratorTraining

SETTINGS = GeneratorTraining(epochs=4, batch_size=4, learning_rate=2e-2, rank=4, alpha=8, evaluations=1)
LAST = {"averaging": (), "patience": 9}
"""With ``unmeasured``, the last step's adapter is taken as it is."""
WORDS = ["red", "blue", "green", "white"]
ABSTENTION = "Not found."


@dataclass(frozen=True)
class Row:
    messages: list[Message]
    completion: str
    example_id: str = "e1"


ROWS = [Row([{"role": "user", "content": f"Colour {word}?"}], f"{word} [1]") for word in WORDS * 3]


def likelihood(generator: Generator, rows: Sequence[Row] = ROWS) -> float:
    """Minus the mean loss of the answers."""
    scored = [
        generator.score(generator.encode(row.messages), generator.encode_completion(row.completion)) for row in rows[:4]
    ]
    return -sum(loss for loss, _, _ in scored) / sum(tokens for _, tokens, _ in scored)


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last checkpoint is the best, and none is loaded to measure it."""
    numbers = count()
    monkeypatch.setattr(generator_training, "_measure", lambda *_, **__: lambda model: float(next(numbers)))


def train(base: Path, output: Path, **options: Any) -> TrainingResult:
    arguments: dict[str, Any] = {"events": lambda event: None, "settings": SETTINGS, "validate": likelihood}
    arguments |= {"rows": ROWS, "abstention": ABSTENTION} | options
    rows, validate, settings = (arguments.pop(name) for name in ("rows", "validate", "settings"))
    return train_generator(base, rows, validate, output, settings, **arguments)


def test_learns_and_publishes_the_adapter(tiny_model_path, tmp_path, capfd):
    events: list[dict[str, Any]] = []
    result = train(tiny_model_path, tmp_path / "adapter", events=events.append)

    assert result.steps == 12
    assert result.best_metric > result.untouched_metric + 0.5
    assert result.losses[-1][1] < result.losses[0][1]
    assert (result.rows, result.truncated) == (12, 0)
    assert sorted(path.name for path in (tmp_path / "adapter").iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["adapter"]
    assert str(tiny_model_path.parent) not in (tmp_path / "adapter" / "adapter_config.json").read_text()
    assert next(e["eval_score"] for e in events if "eval_score" in e) == result.untouched_metric
    assert events[-1]["stage"] == "generator"
    assert max(e["step"] for e in events) == 12
    assert capfd.readouterr() == ("", "")


def test_the_metric_is_of_the_model_as_it_is_served(tiny_model_path, tmp_path):
    result = train(tiny_model_path, tmp_path / "adapter")
    assert likelihood(load_generator(tiny_model_path, tmp_path / "adapter")) == pytest.approx(
        result.best_metric, abs=1e-6
    )


def test_a_large_model_is_measured_in_place(tiny_model_path, tmp_path, monkeypatch):
    monkeypatch.setattr(generator_training, "COPIED_BELOW", 0)
    texts: list[str] = []

    def validate(generator: Generator) -> float:
        texts.append(generator.generate([generator.encode(ROWS[0].messages)], 4)[0])
        return likelihood(generator)

    result = train(tiny_model_path, tmp_path / "adapter", validate=validate)
    assert result.best_metric > result.untouched_metric + 0.5
    served = load_generator(tiny_model_path, tmp_path / "adapter")
    assert likelihood(served) == pytest.approx(result.best_metric, abs=0.05)
    assert len(set(texts)) > 1


def test_the_loss_is_that_of_the_model_itself(tiny_model_path):
    model, _ = load_model(tiny_model_path)
    ids = torch.randint(5, 500, (3, 12))
    labels = torch.full_like(ids, MASKED)
    for row, (start, end) in enumerate([(4, 6), (9, 12), (1, 3)]):
        labels[row, start:end] = ids[row, start:end]
    whole = SimpleNamespace(accelerator=SimpleNamespace(num_processes=1))
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels}
    compute_loss = supervised_trainer(likelihood, [1, 2], 0.25, Counts()).compute_loss  # a refusal that no row holds
    expected = model(**inputs).loss
    assert compute_loss(whole, model, inputs).item() == pytest.approx(expected.item(), rel=1e-5)
    counted = compute_loss(whole, model, inputs, num_items_in_batch=14)  # of two batches together
    assert counted.item() == pytest.approx(expected.item() / 2, rel=1e-5)


def test_the_labels_of_refusals_count_less():
    refusal, weight = [7, 8, 3], 0.25
    labels = torch.tensor(
        [
            [MASKED, MASKED, 7, 8, 3, MASKED, MASKED],
            [MASKED, 7, 8, 9, 3, MASKED, MASKED],  # begins like one
            [7, 8, 3, MASKED, 7, 8, 3],  # two rows in a pack
        ]
    )
    weights = label_weights(labels, refusal, weight)
    assert weights.tolist() == [
        [1, 1, weight, weight, weight, 1, 1],
        [1] * 7,
        [weight, weight, weight, 1, weight, weight, weight],
    ]
    assert label_weights(labels[:, :2], refusal, weight).tolist() == [[1, 1]] * 3


@pytest.mark.parametrize(
    ("changes", "steps"), [({}, 6), ({"activation_checkpointing": True}, 6), ({"dropout": 0.1}, 0)]
)
def test_the_cores_share_the_rows_unless_random_numbers_are_drawn(
    tiny_model_path, tmp_path, unmeasured, monkeypatch, changes: dict[str, Any], steps: int
):
    settings = SETTINGS.model_copy(update=LAST | {"epochs": 2} | changes)
    usual, shared, backward = torch.get_num_threads(), [], DataParallel.backward
    monkeypatch.setattr(DataParallel, "backward", lambda *given: shared.append(1) or backward(*given))
    found = []
    for cores in (1, 2):
        torch.set_num_threads(cores)
        try:
            result = train(tiny_model_path, tmp_path / f"{cores}", settings=settings)
        finally:
            torch.set_num_threads(usual)
        found.append([loss for _, loss in result.losses])
    assert len(shared) == steps
    assert found[1] == pytest.approx(found[0], rel=0.02)


def test_a_gpu_computes_whole_batches(tiny_model_path, tmp_path, monkeypatch, unmeasured):
    """The model still lies on the CPU when the training is set up."""
    monkeypatch.setattr(generator_training, "best_device", lambda: "cuda")
    on_gpu = trl.SFTConfig
    monkeypatch.setattr(trl, "SFTConfig", lambda **options: on_gpu(**options | {"use_cpu": True, "bf16": False}))
    monkeypatch.setattr(generator_training, "DataParallel", lambda *_: pytest.fail("for a CPU only"))
    assert train(tiny_model_path, tmp_path / "adapter").steps == 12


def test_refusals_that_count_nothing_teach_nothing(tiny_model_path, tmp_path, unmeasured):
    refusals = [replace(row, completion=ABSTENTION) for row in ROWS]

    def trained(weight: float) -> tuple[float, float]:
        """Likelihoods of the answers, and of the refusals."""
        settings = SETTINGS.model_copy(update=LAST | {"abstention_weight": weight})
        rows = [*ROWS, *refusals]
        train(tiny_model_path, tmp_path / f"{weight}", rows=rows, settings=settings)
        generator = load_generator(tiny_model_path, tmp_path / f"{weight}")
        return likelihood(generator), likelihood(generator, refusals)

    answers, refused = trained(0.0)
    answers_beside, refused_beside = trained(1.0)
    assert answers > answers_beside
    assert refused_beside > refused + 2


def test_the_best_checkpoint_is_kept_and_training_stops_early(tiny_model_path, tmp_path):
    given = iter([0.1, 0.9, 0.5, 0.4, 0.3, 0.2, 0.2])
    likelihoods: list[float] = []

    def validate(generator: Generator) -> float:
        likelihoods.append(likelihood(generator))
        return next(given)

    settings = SETTINGS.model_copy(update={"epochs": 6, "patience": 2, "averaging": ()})
    result = train(tiny_model_path, tmp_path / "adapter", validate=validate, settings=settings)

    assert result.best_metric == 0.9
    assert result.steps == 9  # the best at 3, then two without a better one
    served = likelihood(load_generator(tiny_model_path, tmp_path / "adapter"))
    assert served == pytest.approx(likelihoods[1], abs=1e-6)
    assert served != pytest.approx(likelihoods[-1], abs=1e-3)


@pytest.mark.parametrize(("given", "share"), [([0.1, 0.5, 0.4, 0.7], 0.25), ([0.1, 0.5, 0.4, 0.5], 1.0)])
def test_a_part_of_the_adapter_is_taken_where_it_is_better(tiny_model_path, tmp_path, given, share):
    metrics = iter(given)
    likelihoods: list[float] = []

    def validate(generator: Generator) -> float:
        likelihoods.append(likelihood(generator))
        return next(metrics)

    settings = SETTINGS.model_copy(update={"epochs": 1, "averaging": (0.5, 0.25)})
    result = train(tiny_model_path, tmp_path / "adapter", validate=validate, settings=settings)

    untouched, whole, half, quarter = likelihoods
    assert untouched < quarter < half < whole, "what was trained on"
    assert (result.share, result.best_metric) == (share, max(given))
    served = likelihood(load_generator(tiny_model_path, tmp_path / "adapter"))
    assert served == pytest.approx(quarter if share == 0.25 else whole, abs=1e-6)


def test_the_same_seed_gives_the_same_adapter(tiny_model_path, tmp_path, unmeasured):
    settings = SETTINGS.model_copy(update=LAST | {"epochs": 1, "dropout": 0.1})
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        train(tiny_model_path, tmp_path / name, settings=settings, seed=seed)
    weights = {name: (tmp_path / name / "adapter_model.safetensors").read_bytes() for name in "abc"}
    assert weights["a"] == weights["b"] != weights["c"]


class Killed(Exception):
    """Stands for the end of the process."""


def interrupted(base: Path, output: Path, step: int) -> None:
    def events(event: dict[str, Any]) -> None:
        if event["step"] == step:
            raise Killed

    with pytest.raises(Killed):
        train(base, output, events=events)


def first_step(base: Path, output: Path, **options: Any) -> int:
    """The first step of a resumed training."""
    steps: list[int] = []
    train(base, output, resume=True, events=lambda event: steps.append(event["step"]), **options)
    assert steps[-1] == 12
    return min(step for step in steps if step > 0)


def test_a_resumed_training_ends_where_an_unbroken_one_does(tiny_model_path, tmp_path):
    whole = train(tiny_model_path, tmp_path / "whole")
    interrupted(tiny_model_path, tmp_path / "broken", 8)
    assert not (tmp_path / "broken").exists()

    resumed = train(tiny_model_path, tmp_path / "broken", resume=True)

    assert resumed.best_metric == pytest.approx(whole.best_metric, abs=1e-4)
    assert resumed.untouched_metric == whole.untouched_metric
    assert resumed.steps == whole.steps


@pytest.mark.parametrize("damage", ["truncate", "no optimizer", "state"])
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(tiny_model_path, tmp_path, damage):
    interrupted(tiny_model_path, tmp_path / "a", 8)
    newest = tmp_path / "a-checkpoints" / "checkpoint-6"
    weights = newest / "adapter_model.safetensors"
    if damage == "truncate":
        weights.write_bytes(weights.read_bytes()[:-100])
    elif damage == "no optimizer":
        (newest / "optimizer.pt").unlink()
    else:
        (newest / "trainer_state.json").write_text("{")
    assert first_step(tiny_model_path, tmp_path / "a") == 4


def test_whole_checkpoints_are_gone_on_from(tiny_model_path, tmp_path):
    interrupted(tiny_model_path, tmp_path / "a", 8)
    assert first_step(tiny_model_path, tmp_path / "a") == 7


def test_checkpoints_of_other_rows_or_settings_are_not_resumed(tiny_model_path, tmp_path):
    interrupted(tiny_model_path, tmp_path / "a", 8)
    shutil.copytree(tmp_path / "a-checkpoints", tmp_path / "b-checkpoints")
    assert first_step(tiny_model_path, tmp_path / "a", rows=ROWS[::-1]) == 1
    other = SETTINGS.model_copy(update={"learning_rate": 1e-2})
    assert first_step(tiny_model_path, tmp_path / "b", settings=other) == 1


def test_a_loss_that_is_not_finite_saves_no_adapter(tiny_model_path, tmp_path, unmeasured):
    from safetensors.torch import load_file, save_file

    base = tmp_path / "base"
    shutil.copytree(tiny_model_path, base)
    tensors = load_file(base / "model.safetensors")
    tensors["model.norm.weight"] *= 1e38  # finite, but not what is computed with it
    save_file(tensors, base / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(TrainingError, match="expected a finite number"):
        train(base, tmp_path / "adapter")
    assert not (tmp_path / "adapter").exists()


def test_a_metric_that_is_not_finite_is_refused(tiny_model_path, tmp_path):
    with pytest.raises(TrainingError, match="validation metric of nan"):
        train(tiny_model_path, tmp_path / "adapter", validate=lambda generator: float("nan"))
    assert not (tmp_path / "adapter").exists()


def test_empty_rows_are_refused_before_anything_is_written(tiny_model_path, tmp_path):
    with pytest.raises(TrainingError, match="row e2 with an empty completion"):
        train(tiny_model_path, tmp_path / "adapter", rows=[ROWS[0], Row(ROWS[0].messages, " ", "e2")])
    assert list(tmp_path.iterdir()) == []


def test_rows_that_are_too_long_are_counted(tiny_model_path, tmp_path, unmeasured):
    long = Row([{"role": "user", "content": "word " * 400}], "red [1]")
    settings = SETTINGS.model_copy(update={"epochs": 1})
    result = train(tiny_model_path, tmp_path / "adapter", rows=[*ROWS, long], settings=settings)
    assert (result.rows, result.truncated) == (12, 1)
    length = sum(len(encode_row(load_generator(tiny_model_path).tokenizer, row).input_ids) for row in ROWS)
    assert result.tokens == length


def test_an_old_adapter_is_replaced_whole(tiny_model_path, tmp_path, unmeasured):
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "stale.txt").write_text("old")
    settings = SETTINGS.model_copy(update={"epochs": 1, "rank": 2, "target_modules": ("q_proj",)})
    train(tiny_model_path, tmp_path / "adapter", settings=settings)
    assert not (tmp_path / "adapter" / "stale.txt").exists()
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert (config["r"], config["target_modules"]) == (2, ["q_proj"])


@pytest.mark.parametrize("change", [{"micro_batch": 2}, {"activation_checkpointing": True}])
def test_what_spares_memory_learns_the_same(change, tiny_model_path, tmp_path, unmeasured):
    plain = SETTINGS.model_copy(update={**LAST, "epochs": 1})
    losses = [
        [loss for _, loss in train(tiny_model_path, tmp_path / name, settings=settings).losses]
        for name, settings in (("plain", plain), ("spared", plain.model_copy(update=change)))
    ]
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)


def test_events_tell_tokens_and_how_many_are_predicted(tiny_model_path, tmp_path, unmeasured):
    events: list[dict[str, Any]] = []
    train(tiny_model_path, tmp_path / "adapter", settings=SETTINGS.model_copy(update=LAST), events=events.append)
    told = [event for event in events if "loss" in event]
    assert [event["tokens"] for event in told] == sorted(event["tokens"] for event in told)
    assert told[0]["tokens"] > 4 * 5
    assert told[0]["token_accuracy"] < told[-1]["token_accuracy"] <= 1
