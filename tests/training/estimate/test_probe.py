"""Real steps of tiny models: what is measured, and that nothing is left of it."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from training.data.contrastive import ContrastiveRow
from training.data.supervised import SupervisedRow
from training.estimate.probe import (
    SHORT,
    TooLarge,
    TrainingCost,
    Watched,
    _steps,
    probe_embedder,
    probe_generator,
    shortened,
)
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
    check(probe_embedder(tiny_embedders[0], contrastive, len, embedded.append, settings, seed=1, limit=10**12))
    assert embedded


def test_rows_stand_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.estimate.probe.best_device", lambda: "cpu")
    lengths = [5, 1, 4, 2, 3, 9, 8]
    assert _steps(lengths, 2) == [[6, 5]], "memory is needed for the longest"
    assert _steps([5, 1], 4) == [[1, 0]]
    monkeypatch.setattr("training.estimate.probe.best_device", lambda: "cuda")
    assert _steps(lengths, 2) == [[1, 3], [6, 5]]


def test_what_a_step_leaves_behind_is_given_back_before_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the next step fills what is there, and seems to need nothing."""
    returned = []
    looked = iter([(50, 50), (300, 300), (300, 90), (890, 890), (890, 95)])
    monkeypatch.setattr("training.estimate.probe.give_back", lambda: returned.append(True))
    watched = Watched([20, 100], 10**6)
    monkeypatch.setattr(watched._peak, "take", lambda: next(looked))
    watched.event({"step": 0})
    for step in (1, 2):
        watched.event({"step": step, "loss": 1.0, "tokens": 20 * step})
    assert len(returned) == 3
    assert (watched.slope, watched.resident) == ((890 - 90) / 100, 95)


def test_a_row_that_warms_up_is_one_short_question(supervised: Sequence[SupervisedRow]) -> None:
    turns = (
        {"role": "system", "content": "Answer."},
        {"role": "user", "content": "x" * 9 * SHORT},
        {"role": "assistant", "content": "red"},
        {"role": "user", "content": "And?"},
    )
    short = shortened(replace(supervised[0], messages=turns, completion="y" * 9 * SHORT))
    assert [(message["role"], len(message["content"])) for message in short.messages] == [
        ("system", 7),
        ("user", SHORT),
    ]
    assert len(short.completion) == SHORT
    assert shortened(supervised[0]).completion == supervised[0].completion


def test_a_cpu_computes_few_rows(
    tiny_model_path: Path, supervised: Sequence[SupervisedRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[SupervisedRow] = []

    def remember(_: Path, rows: Sequence[SupervisedRow], *__: Any, **___: Any) -> None:
        trained.extend(rows)
        raise TooLarge(1)

    monkeypatch.setattr("training.estimate.probe.train_generator", remember)
    with pytest.raises(TooLarge):
        generator(tiny_model_path, supervised, 10**12, [])
    assert [row.example_id for row in trained[2:]] == ["buoy", "mast"], "one step of the longest after a short one"
