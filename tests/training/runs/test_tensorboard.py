"""A run's events for TensorBoard, whether or not it is installed."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from training.runs import tensorboard as module
from training.runs.tensorboard import tensorboard

EVENTS: list[dict[str, Any]] = [
    {"at": "now", "stage": "split", "state": "started"},
    {"at": "now", "stage": "hardware", "time": 1.0, "rss_bytes": 5.0},
    {"at": "now", "stage": "generator", "step": 3, "steps": 9, "loss": 0.5, "eval_score": 0.25},
    {"at": "now", "stage": "hardware", "time": 2.0, "rss_bytes": 6.0},
]


def test_numbers_are_written_by_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[tuple[str, float, int]] = []
    closed: list[str] = []

    class Writer:
        def __init__(self, directory: str) -> None:
            self.directory = directory

        def add_scalar(self, name: str, value: float, step: int) -> None:
            written.append((name, value, step))

        def close(self) -> None:
            closed.append(self.directory)

    fake = ModuleType("torch.utils.tensorboard")
    fake.SummaryWriter = Writer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", fake)
    monkeypatch.setattr(module, "find_spec", lambda name: object())
    with tensorboard(tmp_path) as write:
        assert write is not None
        for event in EVENTS:
            write(event)
    assert written == [
        ("hardware/rss_bytes", 5.0, 1),
        ("generator/loss", 0.5, 3),
        ("generator/eval_score", 0.25, 3),
        ("hardware/rss_bytes", 6.0, 2),
    ]
    assert closed == [str(tmp_path)]


def test_without_the_extra_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with tensorboard(tmp_path) as write:
        assert write is None
    assert not list(tmp_path.iterdir())
