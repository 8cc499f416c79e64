"""The live table of a training on a terminal: how good it is, how fast, and what it takes of the machine."""

import threading
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType

METRICS = {
    "embedder": ("nDCG@10", "ndcg@10"),
    "reranker": ("nDCG@10", "ndcg@10"),
    "generator": ("answer score", "score"),
}
"""Stage to the metric that counts there: in words, and as events name it after ``eval_``."""


class TrainingTable:
    """Takes a run's events, in any thread; rich draws what it knows. Empty before the first training and after it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stage: str | None = None
        self._figures: dict[str, float] = {}
        self._hardware: dict[str, float] = {}
        self._measured: list[float] = []
        self._first: tuple[datetime, int] | None = None
        self._last: tuple[datetime, float] | None = None
        self._speed: float | None = None
        self._left: float | None = None

    def take(self, event: dict[str, Any]) -> None:
        """An event."""
        with self._lock:
            stage = event["stage"]
            if stage == "hardware":
                self._hardware = event
            elif event.get("state") == "started":
                self._begin(stage if stage in METRICS else None)
            elif stage == self._stage:
                self._step(event)

    def rows(self) -> list[tuple[str, str, str]]:
        """Figure, training, validation."""
        with self._lock:
            if self._stage is None:
                return []
            figures, words = self._figures, METRICS[self._stage][0]
            score = " → ".join(f"{value:.3f}" for value in self._ends())
            rows = [
                (f"{self._stage}: loss", _number(figures.get("loss")), _number(figures.get("eval_loss"))),
                (
                    "token accuracy",
                    _number(figures.get("token_accuracy")),
                    _number(figures.get("eval_token_accuracy")),
                ),
                (words, "", score or "-"),
                ("tokens/s", _number(self._speed, 0), ""),
                ("time left", _duration(self._left), ""),
                ("machine", self._machine(), ""),
            ]
            return [row for row in rows if set(row[1:]) - {"-", ""}]

    def __rich__(self) -> "RenderableType":
        """As it is now."""
        from rich import box
        from rich.table import Table
        from rich.text import Text

        rows = self.rows()
        if not rows:
            return Text()
        table = Table("", "training", "validation", box=box.SIMPLE_HEAD, show_edge=False)
        for row in rows:
            table.add_row(*map(Text, row))
        return table

    def _begin(self, stage: str | None) -> None:
        self._stage, self._figures, self._measured = stage, {}, []
        self._first = self._last = self._speed = self._left = None

    def _step(self, event: dict[str, Any]) -> None:
        assert self._stage is not None
        self._figures |= {name: value for name, value in event.items() if isinstance(value, int | float)}
        measured = event.get(f"eval_{METRICS[self._stage][1]}")
        if measured is not None:
            self._measured.append(measured)
        at = datetime.fromisoformat(event["at"])
        if "tokens" in event:
            if self._last is not None and at > self._last[0]:
                self._speed = (event["tokens"] - self._last[1]) / (at - self._last[0]).total_seconds()
            self._last = at, event["tokens"]
        if step := event.get("step"):
            if self._first is None:
                self._first = at, step
            elif step > self._first[1]:
                each = (at - self._first[0]).total_seconds() / (step - self._first[1])
                self._left = each * (event["steps"] - step)

    def _ends(self) -> list[float]:
        """The metric before the first step, and the last one."""
        return self._measured[:1] + self._measured[1:][-1:]

    def _machine(self) -> str:
        hardware, parts = self._hardware, []
        if "cpu_percent" in hardware:
            parts.append(f"CPU {hardware['cpu_percent']:.0f} %, memory {hardware['rss_bytes'] / 1e9:.1f} GB")
        for name, percent in hardware.items():
            if name.startswith("gpu") and name.endswith("_percent"):
                used = hardware[name.replace("_percent", "_memory_bytes")]
                parts.append(f"GPU {name[3:-8]} {percent:.0f} %, {used / 1e9:.1f} GB")
        return ", ".join(parts) or "-"


def _number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _duration(seconds: float | None) -> str:
    return "-" if seconds is None else f"{int(seconds) // 60}:{int(seconds) % 60:02}"
