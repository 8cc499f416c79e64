"""Three real steps of a training, thrown away: what a token costs in time and memory, and what is beside the steps.

Memory is what is resident, looked at while it happens: what was freed before does not hide it.
Knows nothing about how many steps there will be.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retrieval.embedder import Embedder, load_embedder
from training.data.contrastive import ContrastiveRow
from training.data.supervised import SupervisedRow
from training.embedder.training import train_embedder
from training.estimate.amounts import tokens_at_once
from training.estimate.peak import Peak
from training.generator.training import train_generator
from training.settings import EmbedderTraining, GeneratorTraining

STEPS = 3
EMBEDDER_ROWS = 16
"""In a step at most: groups of near-duplicates leave few batches fuller."""


@dataclass(frozen=True)
class TrainingCost:
    """What was measured of one training. Bytes are of the GPU where one computes, else of this process."""

    before: float
    """Seconds until the first step, without the first measurement of the metric itself."""
    per_token: float
    per_evaluation: float
    """Seconds around a measurement: a checkpoint is saved, and loaded as serving loads it."""
    after: float
    resident: int
    """Bytes between steps: weights, optimizer, and all that the process has beside."""
    bytes_per_token: float
    """Beside these, for each token that is computed at once."""
    most: int
    """Bytes at the most, with the measurements of the metric."""
    seconds: float
    """That the probe itself took."""

    def peak(self, tokens: int) -> int:
        """Bytes of a training that computes so many tokens at once."""
        return max(self.most, round(self.resident + self.bytes_per_token * tokens))


class TooLarge(Exception):
    """A step would not fit; nothing was computed of it."""

    def __init__(self, needed: int) -> None:
        super().__init__(needed)
        self.needed = needed


class Watched:
    """Collects what a probe's events tell, with the memory between them. A context that ends the looking.

    Args:
        at_once: tokens that are computed at once in each step.
        limit: bytes; a step that would take more is not begun.
    """

    def __init__(self, at_once: Sequence[int], limit: int) -> None:
        self._at_once, self._limit = at_once, limit
        self._peak = Peak()
        self.times: list[float] = []
        self.tokens: list[int] = []
        self.resident = 0
        self.slope = 0.0
        self.untouched: float | None = None
        self.evaluated: float | None = None
        self.measuring: list[tuple[float, float]] = []

    def __enter__(self) -> "Watched":
        """Start."""
        self._peak.__enter__()
        self.started = time.monotonic()
        return self

    def __exit__(self, *failure: Any) -> None:
        """Stop."""
        self.ended = time.monotonic()
        self._peak.__exit__(*failure)

    def event(self, fields: dict[str, Any]) -> None:
        """Takes the events of the training."""
        now = time.monotonic()
        if fields.get("step") == 0:
            self.untouched = now
            self._peak.take()
        elif "loss" in fields:
            peak, self.resident = self._peak.take()
            self.slope = max(self.slope, (peak - self.resident) / self._at_once[len(self.times)])
            self.times.append(now)
            self.tokens.append(int(fields["tokens"]))
            if len(self.times) < len(self._at_once):
                needed = round(self.resident + self.slope * self._at_once[len(self.times)])
                if needed > self._limit:
                    raise TooLarge(needed)
        elif any(name.startswith("eval_") for name in fields):
            self.evaluated = now

    def timed(self, metric: Callable[[Any], object]) -> Callable[[Any], float]:
        """A metric for a training that measures nothing; what it takes is not counted."""

        def measure(model: Any) -> float:
            began = time.monotonic()
            metric(model)
            self.measuring.append((began, time.monotonic() - began))
            return 0.0

        return measure

    def cost(self) -> TrainingCost:
        """Of a training that came to its end."""
        assert self.untouched is not None
        assert self.evaluated is not None
        per_token = (self.times[-1] - self.times[0]) / (self.tokens[-1] - self.tokens[0])  # the first step warms up
        first = self.times[0] - self.untouched - per_token * self.tokens[0]
        at_checkpoint, *later = [taken for began, taken in self.measuring if began > self.times[-1]]
        per_evaluation = max(0.0, self.evaluated - self.times[-1] - at_checkpoint)
        return TrainingCost(
            before=self.untouched - self.started - self.measuring[0][1] + max(0.0, first),
            per_token=per_token,
            per_evaluation=per_evaluation,
            after=max(0.0, self.ended - self.evaluated - sum(later) - per_evaluation * len(later)),
            resident=self.resident,
            bytes_per_token=self.slope,
            most=self._peak.most,
            seconds=self.ended - self.started,
        )


def probe_generator(
    base: Path,
    rows: Sequence[SupervisedRow],
    lengths: Sequence[int],
    ask: Callable[[Any], object],
    settings: GeneratorTraining,
    *,
    cores: int,
    at_once: int,
    abstention: str,
    seed: int,
    limit: int,
) -> TrainingCost:
    """Short rows, then middling ones, then the longest.

    Args:
        lengths: tokens of each row.
        ask: has a generator that was trained answer something, as measuring it would.
        cores: that compute rows of a batch of their own.
        at_once: rows in a step.
        limit: bytes; a step that would take more is not begun.

    Raises:
        TooLarge: not even the steps that were tried fit.
    """
    chosen = _three(lengths, at_once)
    size = len(chosen) // STEPS
    together = [
        tokens_at_once([lengths[i] for i in chosen[first : first + size]], cores=min(cores, size))
        for first in range(0, len(chosen), size)
    ]
    quick = settings.model_copy(
        update={"epochs": 1, "batch_size": size, "micro_batch": None, "evaluations": 1, "averaging": ()}
    )
    with tempfile.TemporaryDirectory() as place, Watched(together, limit) as watched, _fitting(limit):
        train_generator(
            base,
            [rows[i] for i in chosen],
            watched.timed(lambda generator: ask(generator) if watched.times else None),
            Path(place) / "adapter",
            quick,
            abstention=abstention,
            seed=seed,
            events=watched.event,
            in_order=True,
        )
    return watched.cost()


def probe_embedder(
    base: Path,
    rows: Sequence[ContrastiveRow],
    lengths: Sequence[int],
    embed: Callable[[Embedder], object],
    settings: EmbedderTraining,
    *,
    seed: int,
    limit: int,
) -> TrainingCost:
    """Short rows, then middling ones, then the longest.

    Args:
        lengths: tokens of each row, all its texts together.
        embed: has an embedder that was trained embed something, as measuring it would.

    Raises:
        TooLarge: not even the steps that were tried fit.
    """
    cached = settings.batch_size > settings.mini_batch_size
    chosen = _three(lengths, min(settings.batch_size, 2 * settings.mini_batch_size if cached else EMBEDDER_ROWS))
    size = len(chosen) // STEPS
    together = [
        # With the cached loss a column of a mini-batch at a time; the positive is the longest as a rule.
        min(size, settings.mini_batch_size) * max(lengths[i] for i in chosen[first : first + size]) // (1 + cached)
        for first in range(0, len(chosen), size)
    ]
    quick = settings.model_copy(update={"epochs": 1, "batch_size": size, "evaluations": 1, "averaging": ()})
    if cached:
        quick = quick.model_copy(update={"mini_batch_size": min(settings.mini_batch_size, max(1, size // 2))})
    with tempfile.TemporaryDirectory() as place, Watched(together, limit) as watched, _fitting(limit):
        train_embedder(
            load_embedder(base).sentence_transformer(),
            [rows[i] for i in chosen],
            watched.timed(lambda embedder: embed(embedder) if watched.times else None),
            Path(place) / "embedder",
            quick,
            seed=seed,
            events=watched.event,
            in_order=True,
        )
    return watched.cost()


@contextmanager
def _fitting(limit: int) -> Iterator[None]:
    """What the GPU refuses is too large."""
    import torch

    try:
        yield
    except torch.OutOfMemoryError as error:
        raise TooLarge(limit + 1) from error


def _three(lengths: Sequence[int], size: int) -> list[int]:
    """Positions of rows for three steps: the shortest, those in the middle, the longest."""
    order = sorted(range(len(lengths)), key=lambda i: lengths[i])
    size = max(1, min(size, len(order)))
    middle = max(0, (len(order) - size) // 2)
    return [*order[:size], *order[middle : middle + size], *order[-size:]]
