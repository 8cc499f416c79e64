"""What a training on contrastive rows needs beside its loss: columns, batches, the library's trainer and evaluator."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from random import Random
from typing import Any

import numpy as np

from retrieval.embedder import Embedder
from training.data.contrastive import ContrastiveRow
from training.embedder.batches import topical_batches
from training.fine_tuning import Counts

Batches = Callable[[int], list[list[int]]]
"""Epoch to its batches, each as positions of rows."""

FOREIGN = 10.0
"""By how much the log odds of another row's passage, which no teacher has seen, are taken for lower."""


def columns(rows: Sequence[ContrastiveRow]) -> tuple[list[ContrastiveRow], list[dict[str, str]]]:
    """Rows as columns of equal number, which the loss wants, and the rows that could be brought into them.

    A row with fewer negatives than the others repeats its own; one without any takes the positive
    of another row, which is what it would be contrasted with in a batch anyway.
    """
    width = max(len(row.negatives) for row in rows)
    kept, table = [], []
    for i, row in enumerate(rows):
        others = (rows[(i + step) % len(rows)].positive for step in range(1, len(rows)))
        own = row.negatives or tuple(text for text in others if text != row.positive)[:1]
        if width and not own:
            continue
        kept.append(row)
        negatives = {f"negative_{n}": own[n % len(own)] for n in range(width)}
        table.append({"anchor": row.anchor, "positive": row.positive} | negatives)
    return kept, table


def taught(rows: Sequence[ContrastiveRow], width: int) -> np.ndarray | None:
    """The teacher's log odds of the columns, (rows, 1 + width); None where rows have none.

    Args:
        rows: as :func:`columns` kept them.
        width: columns of negatives.
    """
    if not width or not all(row.teacher for row in rows):
        return None
    scores = np.empty((len(rows), 1 + width), dtype=np.float32)
    for i, row in enumerate(rows):
        positive, *own = row.teacher
        own = own or [positive - FOREIGN]
        scores[i] = [positive, *(own[n % len(own)] for n in range(width))]
    return scores


def in_order(rows: int, size: int) -> Batches:
    """Rows as they come."""
    return lambda epoch: [list(range(first, min(first + size, rows))) for first in range(0, rows, size)]


def of_one_topic(embedder: Embedder, rows: Sequence[ContrastiveRow], size: int, seed: int) -> Batches:
    """By what the untouched embedder takes for alike, see :func:`training.embedder.batches.topical_batches`."""
    places = {passage: place for place, passage in enumerate(dict.fromkeys(row.positive for row in rows))}
    vectors = embedder.encode_passages(list(places))[[places[row.positive] for row in rows]]
    return cache(lambda epoch: topical_batches(rows, vectors, size, Random(f"{seed}:{epoch}")))


def trainer_of(kind: Any, batches: Batches, counts: Counts) -> Any:
    """The library's trainer of a kind, with batches as they are given for each epoch; it counts what it reads.

    Args:
        kind: its class; one that tokenises in the loss counts there.
    """
    from sentence_transformers.base.sampler import DefaultBatchSampler

    class Given(DefaultBatchSampler):  # type: ignore[misc]
        """In the library's form."""

        def __iter__(self) -> Iterator[list[int]]:
            yield from batches(self.epoch)

        def __len__(self) -> int:
            return len(batches(0))

    class Trainer(kind):  # type: ignore[misc]
        """Takes no sampler by its arguments: those are pickled into every checkpoint."""

        def get_batch_sampler(self, dataset: Any, *arguments: Any, **options: Any) -> Given:
            return Given(dataset, *arguments, **options)

        def compute_loss(self, model: Any, inputs: Any, *arguments: Any, **options: Any) -> Any:
            counts.read(sum(tensor.numel() for name, tensor in inputs.items() if name.endswith("input_ids")))
            return super().compute_loss(model, inputs, *arguments, **options)

    return Trainer


def evaluator(name: str, measure: Callable[[Any], float]) -> Any:
    """A metric of the model in the trainer's form."""
    from sentence_transformers.base.evaluation import BaseEvaluator

    class Validation(BaseEvaluator):  # type: ignore[misc]
        """By its name."""

        def __call__(self, model: Any, *_: Any, **__: Any) -> dict[str, float]:
            self.primary_metric = name
            return {name: measure(model)}

    return Validation()
