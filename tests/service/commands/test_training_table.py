"""The live table: what of a run's events it shows."""

import io
from typing import Any

from rich.console import Console

from service.commands.training_table import TrainingTable


def at(second: float, **fields: Any) -> dict[str, Any]:
    return {"at": f"2026-11-01T10:00:{second:06.3f}+00:00", **fields}


def rows(*events: dict[str, Any]) -> dict[str, tuple[str, str]]:
    table = TrainingTable()
    for event in events:
        table.take(event)
    return {name: (left, right) for name, left, right in table.rows()}


GENERATOR = (
    at(0, stage="generator", state="started"),
    at(1, stage="generator", step=0, steps=0, eval_score=0.25),
    at(2, stage="generator", step=1, steps=10, loss=2.0, token_accuracy=0.4, tokens=100),
    at(4, stage="generator", step=3, steps=10, loss=1.0, token_accuracy=0.5, tokens=500),
    at(5, stage="generator", step=3, steps=10, eval_loss=1.5, eval_token_accuracy=0.45),
    at(6, stage="generator", step=4, steps=10, eval_score=0.5),
    at(7, stage="hardware", cpu_percent=190.0, rss_bytes=2.5e9, gpu0_percent=88.0, gpu0_memory_bytes=4e9, time=0.0),
)


def test_a_training_is_shown_with_its_machine() -> None:
    assert rows(*GENERATOR) == {
        "generator: loss": ("1.000", "1.500"),
        "token accuracy": ("0.500", "0.450"),
        "answer score": ("", "0.250 → 0.500"),
        "tokens/s": ("200", ""),
        "time left": ("0:08", ""),  # three steps in four seconds, six are left
        "machine": ("CPU 190 %, memory 2.5 GB, GPU 0 88 %, 4.0 GB", ""),
    }


def test_what_is_not_known_is_left_out() -> None:
    shown = rows(at(0, stage="embedder", state="started"), at(1, stage="embedder", step=1, steps=2, loss=0.5))
    assert shown == {"embedder: loss": ("0.500", "-")}


def test_nothing_is_shown_beside_the_trainings() -> None:
    assert rows(at(0, stage="split", state="started"), at(1, stage="split", state="finished", seconds=1.0)) == {}
    after = at(9, stage="validate", state="started")
    assert rows(*GENERATOR, after) == {}
    out = io.StringIO()
    Console(file=out).print(TrainingTable())
    assert out.getvalue().strip() == ""


def test_it_is_drawn() -> None:
    table = TrainingTable()
    for event in GENERATOR:
        table.take(event)
    out = io.StringIO()
    Console(file=out, width=100).print(table)
    assert "validation" in out.getvalue()
    assert "0.250 → 0.500" in out.getvalue()
