"""Fine-tuning a reranker: real trainer, a model of one layer."""

import math
from pathlib import Path
from typing import Any

import pytest

from retrieval.embedder import load_embedder
from retrieval.errors import TrainingError
from retrieval.reranker import load_cross_encoder, load_reranker
from training.data.contrastive import ContrastiveRow
from training.reranker.training import train_reranker
from training.settings import RerankerTraining

NOUNS = ["pump", "valve", "seal", "rotor", "gasket", "sensor"]


def row(noun: str, *negatives: str) -> ContrastiveRow:
    return ContrastiveRow(
        example_id=noun,
        anchor=f"what about the {noun}",
        positive=f"The {noun} is red.",
        negatives=negatives,
        positive_id=f"{noun}#0",
        negative_ids=tuple("x" for _ in negatives),
        groups=(noun,),
        split="train",
        weak=False,
    )


ROWS = [row(noun, f"They say {other}.") for noun, other in zip(NOUNS, NOUNS[1:] + NOUNS[:1], strict=True)]
QUICK = RerankerTraining(epochs=2, batch_size=3, batch_negatives=1, evaluations=1, learning_rate=1e-3, max_length=32)


def train(base: Path, embedder: Path, output: Path, settings: RerankerTraining = QUICK, **more: Any) -> Any:
    options: dict[str, Any] = {"metric": lambda reranker: 0.5, "events": lambda event: None, "seed": 1} | more
    return train_reranker(
        load_cross_encoder(base, device="cpu", max_length=settings.max_length),
        options.pop("rows", ROWS),
        output=output,
        settings=settings,
        embedder=load_embedder(embedder),
        **options,
    )


def test_the_best_checkpoint_is_published(tiny_reranker: Path, tiny_embedders: list[Path], tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []
    measured: list[list[float] | None] = []
    scores = iter([0.1, 0.4, 0.2, 0.4])  # as search brings them, two evaluations, the best one again

    def metric(reranker: Any) -> float:
        measured.append(reranker and reranker("what about the pump", ["The pump is red.", "They say valve."]))
        return next(scores)

    result = train(tiny_reranker, tiny_embedders[0], tmp_path / "tuned", metric=metric, events=events.append)
    assert (result.unranked_metric, result.best_metric, result.steps) == (0.1, 0.4, 4)
    tuned = load_reranker(tmp_path / "tuned")
    assert tuned.fingerprint != load_reranker(tiny_reranker).fingerprint
    assert measured[0] is None
    assert tuned("what about the pump", ["The pump is red.", "They say valve."]) == pytest.approx(measured[1], abs=1e-6)
    assert measured[1] != measured[2]
    assert [path.name for path in tmp_path.iterdir()] == ["tuned"]  # no checkpoint is left
    losses = [event for event in events if "loss" in event]
    assert losses
    assert all(math.isfinite(event["loss"]) and event["tokens"] > 0 for event in losses)
    assert {event["stage"] for event in events} == {"reranker"}


def test_training_tells_right_from_wrong(tiny_reranker: Path, tiny_embedders: list[Path], tmp_path: Path) -> None:
    losses: list[float] = []
    settings = QUICK.model_copy(update={"epochs": 30, "learning_rate": 5e-3, "patience": 99})
    train(
        tiny_reranker,
        tiny_embedders[0],
        tmp_path / "tuned",
        settings,
        events=lambda event: losses.append(event["loss"]) if "loss" in event else None,
    )
    assert sum(losses[-4:]) < 0.5 * sum(losses[:4])


def test_an_interrupted_training_goes_on_where_it_was(
    tiny_reranker: Path, tiny_embedders: list[Path], tmp_path: Path
) -> None:
    steps: list[int] = []
    calls = iter(range(99))

    def interrupting(reranker: Any) -> float:
        if next(calls) == 2:  # at the second evaluation
            raise KeyboardInterrupt
        return 0.5

    with pytest.raises(KeyboardInterrupt):
        train(tiny_reranker, tiny_embedders[0], tmp_path / "tuned", metric=interrupting)
    assert not (tmp_path / "tuned").exists()
    train(
        tiny_reranker,
        tiny_embedders[0],
        tmp_path / "tuned",
        resume=True,
        events=lambda event: steps.append(event["step"]) if event["step"] else None,
    )
    assert min(steps) > 2
    assert (tmp_path / "tuned").is_dir()


def test_too_few_rows_are_refused(tiny_reranker: Path, tiny_embedders: list[Path], tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="reranker_enabled = false"):
        train(tiny_reranker, tiny_embedders[0], tmp_path / "tuned", rows=ROWS[:1])
