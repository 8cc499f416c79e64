"""Fine-tuning the embedder: real trainer, a model of one layer."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retrieval.embedder import Embedder, load_embedder
from retrieval.errors import TrainingError
from training.data.contrastive import ContrastiveRow
from training.embedder.contrast import columns, taught
from training.embedder.lexical_targets import LexicalScores
from training.embedder.training import _loss, train_embedder
from training.fine_tuning import resumable_checkpoint
from training.settings import EmbedderTraining

NOUNS = ["pump", "valve", "seal", "rotor", "gasket", "sensor", "cable", "panel", "filter", "buoy"]
COLOURS = ["red", "blue", "green", "black", "white", "brown", "pink", "grey", "gold", "violet"]


def row(noun: str, *negatives: str) -> ContrastiveRow:
    return ContrastiveRow(
        example_id=noun,
        anchor=f"what about the {noun}",
        positive=f"It is {COLOURS[NOUNS.index(noun)]}.",
        negatives=negatives,
        positive_id=f"{noun}#0",
        negative_ids=tuple("x" for _ in negatives),
        groups=(noun,),
        split="train",
        weak=False,
    )


ROWS = [row(noun, f"They say {other}.") for noun, other in zip(NOUNS, NOUNS[1:] + NOUNS[:1], strict=True)]
QUICK = EmbedderTraining(epochs=2, batch_size=5, mini_batch_size=5, evaluations=1, learning_rate=1e-3)


def train(path: Path, output: Path, settings: EmbedderTraining = QUICK, **more: Any) -> Any:
    options: dict[str, Any] = {"metric": lambda model: 0.5, "events": lambda event: None, "seed": 1} | more
    return train_embedder(
        load_embedder(path).sentence_transformer(),
        options.pop("rows", ROWS),
        output=output,
        settings=settings,
        **options,
    )


def test_the_tuned_embedder_loads_and_differs(tiny_embedders: list[Path], tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []
    metric = iter([0.1, 0.2, 0.3, 0.3, 0.1, 0.1, 0.1])
    result = train(tiny_embedders[0], tmp_path / "tuned", metric=lambda model: next(metric), events=events.append)
    assert (result.untouched_metric, result.best_metric, result.steps) == (0.1, 0.3, 4)
    before, after = load_embedder(tiny_embedders[0]), load_embedder(tmp_path / "tuned")
    assert after.fingerprint != before.fingerprint
    assert after.dimension == before.dimension
    assert after.encode_questions(["pump"]).shape == (1, before.dimension)
    assert any(math.isfinite(event.get("loss", math.nan)) for event in events)
    assert [path.name for path in tmp_path.iterdir()] == ["tuned"]  # no checkpoint is left


@pytest.mark.parametrize("rank", [None, 2])
def test_the_metric_is_of_the_embedder_as_it_is_served(
    tiny_embedders: list[Path], tmp_path: Path, rank: int | None
) -> None:
    measured: list[np.ndarray] = []

    def metric(embedder: Embedder) -> float:
        measured.append(embedder.encode_questions(["pump", "valve"]))
        return 0.5

    settings = QUICK.model_copy(update={"lora_rank": rank, "averaging": ()})
    train(tiny_embedders[0], tmp_path / "tuned", settings, metric=metric)
    for found, served in ((measured[0], tiny_embedders[0]), (measured[-1], tmp_path / "tuned")):
        # Which is loaded without sentence-transformers, so the last bit may differ.
        np.testing.assert_allclose(found, load_embedder(served).encode_questions(["pump", "valve"]), atol=1e-6)
    assert not np.array_equal(measured[0], measured[-1])


def test_training_brings_questions_and_passages_together(tiny_embedders: list[Path], tmp_path: Path) -> None:
    losses: list[float] = []

    def note(event: dict[str, Any]) -> None:
        if "loss" in event:
            losses.append(event["loss"])

    train(
        tiny_embedders[0],
        tmp_path / "tuned",
        # BM25 knows nothing of these: a question here has no word of its passage.
        QUICK.model_copy(update={"epochs": 30, "learning_rate": 5e-3, "patience": 99, "lexical_share": 0.0}),
        events=note,
    )
    assert sum(losses[-4:]) < 0.5 * sum(losses[:4])


def test_the_best_checkpoint_is_kept_and_training_stops_when_patience_ends(
    tiny_embedders: list[Path], tmp_path: Path
) -> None:
    # Untouched, three evaluations, the best one loaded again, three averages.
    metric = iter([0.1, 0.9, 0.2, 0.2, 0.9, 0.1, 0.1, 0.1])
    settings = QUICK.model_copy(update={"epochs": 7, "patience": 2})
    result = train(tiny_embedders[0], tmp_path / "tuned", settings, metric=lambda model: next(metric))
    assert result.best_metric == 0.9
    assert result.steps == 6  # one evaluation that was best, two that were not


def test_the_average_that_is_best_on_validation_is_published(tiny_embedders: list[Path], tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    one = QUICK.model_copy(update={"epochs": 1, "averaging": (0.5, 0.75)})
    metric = iter([0.1, 0.2, 0.2, 0.4, 0.3])
    result = train(tiny_embedders[0], tmp_path / "half", one, metric=lambda model: next(metric))
    assert (result.share, result.best_metric) == (0.5, 0.4)
    whole = iter([0.1, 0.2, 0.2, 0.1, 0.1])
    assert train(tiny_embedders[0], tmp_path / "whole", one, metric=lambda model: next(whole)).share == 1.0
    before, half, tuned = (
        load_file(path / "model.safetensors") for path in (tiny_embedders[0], tmp_path / "half", tmp_path / "whole")
    )
    name = next(name for name in half if name.endswith("query.weight"))
    origin = next(weight for key, weight in before.items() if key.endswith(name.removeprefix("bert.")))
    assert abs(half[name] - (origin + tuned[name]) / 2).max() < 1e-6
    assert abs(tuned[name] - origin).max() > 1e-4


def test_it_is_noticed_when_the_best_checkpoint_is_not_the_one_published(
    tiny_embedders: list[Path], tmp_path: Path
) -> None:
    metric = iter([0.1, 0.9, 0.2, 0.2])
    with pytest.raises(TrainingError, match="not loaded"):
        train(tiny_embedders[0], tmp_path / "tuned", metric=lambda model: next(metric))
    assert not (tmp_path / "tuned").exists()


def test_too_few_rows_are_refused(tiny_embedders: list[Path], tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="found 1 contrastive rows"):
        train(tiny_embedders[0], tmp_path / "tuned", rows=ROWS[:1])
    assert not (tmp_path / "tuned").exists()


def test_a_loss_that_is_not_finite_stops_and_publishes_nothing(tiny_embedders: list[Path], tmp_path: Path) -> None:
    settings = QUICK.model_copy(update={"scale": 1e38})
    with pytest.raises(TrainingError, match="expected a finite number"):
        train(tiny_embedders[0], tmp_path / "tuned", settings)
    assert not (tmp_path / "tuned").exists()


@pytest.mark.parametrize(
    "change", [{"matryoshka": (24,)}, {"lora_rank": 4}, {"mini_batch_size": 2}, {"lexical_share": 0.0}]
)
def test_each_variant_trains(tiny_embedders: list[Path], tmp_path: Path, change: dict[str, Any]) -> None:
    train(tiny_embedders[0], tmp_path / "tuned", QUICK.model_copy(update={"epochs": 1} | change))
    tuned = load_embedder(tmp_path / "tuned")
    assert tuned.fingerprint != load_embedder(tiny_embedders[0]).fingerprint
    assert tuned.encode_questions(["pump"]).shape == (1, load_embedder(tiny_embedders[0]).dimension)


def test_the_targets_are_softened_both_ways_as_bm25_scores_the_batch(tiny_embedders: list[Path]) -> None:
    import torch

    table = columns(ROWS, "embedder")[1]
    questions, positives, negatives = torch.nn.functional.normalize(torch.randn(3, 4, 8), dim=-1)
    labels = torch.tensor([3, 0, 7, 5])
    settings = QUICK.model_copy(update={"lexical_share": 0.4, "lexical_temperature": 2.0})
    model = load_embedder(tiny_embedders[0]).sentence_transformer()
    found = _loss(model, settings, table).compute_loss_from_embeddings([questions, positives, negatives], labels)

    lines = [table[row] for row in labels.tolist()]
    shown = [line["positive"] for line in lines] + [line["negative_0"] for line in lines]
    bm25 = LexicalScores([text for line in table for text in (line["positive"], line["negative_0"])])
    fit = torch.from_numpy(bm25([line["anchor"] for line in lines], shown)) / 2.0
    cross_entropy = torch.nn.functional.cross_entropy  # against shares, the rows of the second argument
    there = cross_entropy(
        20.0 * questions @ torch.cat([positives, negatives]).T, 0.6 * torch.eye(4, 8) + 0.4 * fit.softmax(dim=1)
    )
    back = cross_entropy(20.0 * positives @ questions.T, 0.6 * torch.eye(4) + 0.4 * fit[:, :4].T.softmax(dim=1))
    assert float(found) == pytest.approx(float(there + back) / 2, abs=1e-4)


def test_a_teachers_distribution_over_the_passages_of_a_row_is_learned(tiny_embedders: list[Path]) -> None:
    import torch

    rows = [replace(one, teacher=(2.0, 0.5 * i)) for i, one in enumerate(ROWS)]
    kept, table = columns(rows, "embedder")
    questions, positives, negatives = torch.nn.functional.normalize(torch.randn(3, 4, 8), dim=-1)
    labels = torch.tensor([3, 0, 7, 5])
    settings = QUICK.model_copy(update={"teacher_weight": 0.7, "teacher_temperature": 2.0})
    model = load_embedder(tiny_embedders[0]).sentence_transformer()
    with_teacher, without = (
        _loss(model, settings, table, scores).compute_loss_from_embeddings([questions, positives, negatives], labels)
        for scores in (taught(kept, 1), None)
    )
    ours = 20 * torch.stack([(questions * positives).sum(dim=1), (questions * negatives).sum(dim=1)], dim=1)
    theirs = torch.tensor([[2.0, 0.5 * i] for i in labels.tolist()]) / 2.0
    distance = torch.nn.functional.kl_div(ours.log_softmax(dim=1), theirs.softmax(dim=1), reduction="batchmean")
    assert float(with_teacher - without) == pytest.approx(0.7 * float(distance), abs=1e-4)


def test_an_embedder_trains_with_a_teacher(tiny_embedders: list[Path], tmp_path: Path) -> None:
    rows = [replace(one, teacher=(3.0, -1.0)) for one in ROWS]
    train(tiny_embedders[0], tmp_path / "tuned", QUICK.model_copy(update={"epochs": 1}), rows=rows)
    assert load_embedder(tmp_path / "tuned").fingerprint != load_embedder(tiny_embedders[0]).fingerprint


def test_a_half_written_checkpoint_is_passed_over(tmp_path: Path) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    for step in (10, 20):
        directory = tmp_path / f"checkpoint-{step}"
        directory.mkdir()
        save_file({"w": np.zeros(1000, dtype=np.float32)}, directory / "model.safetensors")
        for name in ("optimizer.pt", "scheduler.pt", "rng_state.pth", "training_args.bin"):
            (directory / name).touch()
        (directory / "trainer_state.json").write_text(f'{{"global_step": {step}}}')
    assert resumable_checkpoint(tmp_path) == str(tmp_path / "checkpoint-20")
    weights = tmp_path / "checkpoint-20" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:500])
    assert resumable_checkpoint(tmp_path) == str(tmp_path / "checkpoint-10")
    (tmp_path / "checkpoint-10" / "trainer_state.json").write_text("{")
    assert resumable_checkpoint(tmp_path) is None
