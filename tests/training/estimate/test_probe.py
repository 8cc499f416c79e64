"""Real steps of tiny models: what is measured, and that nothing is left of it."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from training.data.contrastive import ContrastiveRow
from training.data.supervised import SupervisedRow
from training.estimate.probe import TooLarge, TrainingCost, _three, probe_embedder, probe_generator
from training.settings import EmbedderTraining, GeneratorTraining


@pytest.fixture(autouse=True)
def nothing_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield
    assert not list(tmp_path.iterdir())


def generator(base: Path, rows: Sequence[SupervisedRow], limit: int, asked: list[Any]) -> TrainingCost:
    return probe_generator(
        base,
        rows,
        [len(row.messages[0]["content"]) for row in rows],
        asked.append,
        GeneratorTraining(rank=2, alpha=2),
        cores=2,
        at_once=2,
        abstention="No.",
        seed=1,
        limit=limit,
    )


def check(cost: TrainingCost) -> None:
    assert min(cost.before, cost.per_token, cost.per_evaluation, cost.after, cost.bytes_per_token) >= 0
    assert cost.per_token > 0
    assert 0 < cost.resident <= cost.most
    assert cost.peak(10**9) >= cost.peak(0) >= cost.most


def test_a_generator(tiny_model_path: Path, supervised: Sequence[SupervisedRow]) -> None:
    asked: list[Any] = []
    check(generator(tiny_model_path, supervised, 10**12, asked))
    assert len(asked) == 1, "the trained one answers, as validation would have it"


def test_a_step_that_would_not_fit_is_not_begun(tiny_model_path: Path, supervised: Sequence[SupervisedRow]) -> None:
    with pytest.raises(TooLarge) as caught:
        generator(tiny_model_path, supervised, 1000, [])
    assert caught.value.needed > 1000


@pytest.mark.parametrize("mini", [32, 2])
def test_an_embedder(mini: int, tiny_embedders: list[Path], contrastive: Sequence[ContrastiveRow]) -> None:
    embedded: list[Any] = []
    settings = EmbedderTraining(batch_size=8, mini_batch_size=mini)
    lengths = [len(row.positive) for row in contrastive]
    check(probe_embedder(tiny_embedders[0], contrastive, lengths, embedded.append, settings, seed=1, limit=10**12))
    assert embedded


def test_rows_stand_for_all() -> None:
    assert _three([5, 1, 4, 2, 3, 9, 8], 2) == [1, 3, 4, 2, 6, 5]
    assert _three([5, 1], 4) == [1, 0, 1, 0, 1, 0], "few rows serve several times"
