"""A few real steps of a training, thrown away: what a token costs in time and memory, and what is beside the steps.

Memory is what is resident, looked at while it happens: what was freed before does not hide it.
Knows nothing about how many steps there will be.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from retrieval.embedder import Embedder, load_embedder
from retrieval.hardware import best_device
from retrieval.memory import give_back
from retrieval.prompt import Message
from training.data.contrastive import ContrastiveRow
from training.data.supervised import SupervisedRow
from training.embedder.training import train_embedder
from training.estimate.amounts import tokens_at_once
from training.estimate.peak import Peak
from training.generator.files import load_tokenizer
from training.generator.rows import encode_row
from training.generator.training import train_generator
from training.settings import EmbedderTraining, GeneratorTraining

CPU_STEPS, GPU_STEPS = 1, 2
"""Of whole rows, the last of the longest, after one of shortened rows that warms up and makes what the optimizer keeps.
On a GPU steps are cheap, and one alone says little."""
CPU_EMBEDDER_ROWS, GPU_EMBEDDER_ROWS = 8, 16
"""In a step at most: a CPU computes few rows about as fast as many, and groups of near-duplicates leave few batches
of a GPU fuller."""
SHORT = 100
"""Characters of each text of a shortened row."""


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
            give_back()
            self.resident = self._peak.take()[1]
        elif "loss" in fields:
            before, tokens = self.resident, self._at_once[len(self.times)]
            peak, _ = self._peak.take()
            give_back()  # else the next step seems to need nothing that this one has left behind
            self.resident = self._peak.take()[1]
            # The first step makes what the optimizer keeps: that is not of its tokens.
            self.slope = max(0.0, peak - (before if self.times else max(before, self.resident))) / tokens
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
    """Shortened rows, then the longest; on a GPU the shortest in between.

    Args:
        lengths: tokens of each row.
        ask: has a generator that was trained answer something, as measuring it would.
        cores: that compute rows of a batch of their own.
        at_once: rows in a step.
        limit: bytes; a step that would take more is not begun.

    Raises:
        TooLarge: not even the steps that were tried fit.
    """
    chosen = _steps(lengths, at_once)
    size = len(chosen[0])
    short = shortened(rows[chosen[0][0]])
    together = [
        size * len(encode_row(load_tokenizer(base), short).input_ids),
        *(tokens_at_once([lengths[i] for i in step], cores=min(cores, size)) for step in chosen),
    ]
    quick = settings.model_copy(
        update={"epochs": 1, "batch_size": size, "micro_batch": None, "evaluations": 1, "averaging": ()}
    )
    with tempfile.TemporaryDirectory() as place, Watched(together, limit) as watched, _fitting(limit):
        train_generator(
            base,
            [short] * size + [rows[i] for step in chosen for i in step],
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
    count: Callable[[str], int],
    embed: Callable[[Embedder], object],
    settings: EmbedderTraining,
    *,
    seed: int,
    limit: int,
) -> TrainingCost:
    """Shortened rows, then the longest; on a GPU the shortest in between.

    Args:
        count: tokens of a text.
        embed: has an embedder that was trained embed something, as measuring it would.

    Raises:
        TooLarge: not even the steps that were tried fit.
    """
    cached = settings.batch_size > settings.mini_batch_size
    if best_device() == "cpu":
        most = CPU_EMBEDDER_ROWS
    else:
        most = 2 * settings.mini_batch_size if cached else GPU_EMBEDDER_ROWS
    chosen = _steps([_length(row, count) for row in rows], min(settings.batch_size, most))
    size = len(chosen[0])
    whole = [[rows[i] for i in step] for step in chosen]
    tried = [[_shortened_contrast(row) for row in whole[0]], *whole]
    mini = min(settings.mini_batch_size, max(1, size // 2) if cached else size)
    # With the cached loss a column of a mini-batch at a time; the positive is the longest as a rule.
    together = [mini * max(_length(row, count) for row in step) // (1 + cached) for step in tried]
    quick = settings.model_copy(
        update={"epochs": 1, "batch_size": size, "mini_batch_size": mini, "evaluations": 1, "averaging": ()}
    )
    with tempfile.TemporaryDirectory() as place, Watched(together, limit) as watched, _fitting(limit):
        train_embedder(
            load_embedder(base).sentence_transformer(),
            [row for step in tried for row in step],
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


def shortened(row: SupervisedRow) -> SupervisedRow:
    """A row with the first question alone, everything in it cut."""
    question = next(i for i, message in enumerate(row.messages) if message["role"] == "user")
    messages = tuple(
        Message(role=message["role"], content=message["content"][:SHORT]) for message in row.messages[: question + 1]
    )
    return replace(row, messages=messages, completion=row.completion[:SHORT])


def _shortened_contrast(row: ContrastiveRow) -> ContrastiveRow:
    return replace(
        row,
        anchor=row.anchor[:SHORT],
        positive=row.positive[:SHORT],
        negatives=tuple(negative[:SHORT] for negative in row.negatives),
    )


def _length(row: ContrastiveRow, count: Callable[[str], int]) -> int:
    return sum(count(text) for text in (row.anchor, row.positive, *row.negatives))


def _steps(lengths: Sequence[int], size: int) -> list[list[int]]:
    """Positions of rows for the steps of whole ones: of the longest; on a GPU of the shortest before."""
    order = sorted(range(len(lengths)), key=lambda i: lengths[i])
    size = max(1, min(size, len(order)))
    return [order[:size], order[-size:]][-(CPU_STEPS if best_device() == "cpu" else GPU_STEPS) :]
