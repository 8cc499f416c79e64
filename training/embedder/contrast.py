"""What a training on contrastive rows needs beside its loss: columns, batches, and the run of the library's trainer."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from retrieval.embedder import Embedder
from retrieval.errors import TrainingError
from training.data.contrastive import ContrastiveRow
from training.embedder.batches import topical_batches
from training.fine_tuning import Counts, Events, resumable_checkpoint, trainer_arguments, watch
from training.library_output import quiet_libraries
from training.settings import EmbedderTraining, RerankerTraining

METRIC = "ndcg@10"

Batches = Callable[[int], list[list[int]]]
"""Epoch to its batches, each as positions of rows."""

FOREIGN = 10.0
"""By how much the log odds of another row's passage, which no teacher has seen, are taken for lower."""


def columns(rows: Sequence[ContrastiveRow], part: str) -> tuple[list[ContrastiveRow], list[dict[str, str]]]:
    """Rows as columns of equal number, which the loss wants, and the rows that could be brought into them.

    A row with fewer negatives than the others repeats its own; one without any takes the positive
    of another row, which is what it would be contrasted with in a batch anyway.

    Args:
        part: what is trained on them.

    Raises:
        TrainingError: too few rows.
    """
    if len(rows) < 2:
        raise TrainingError(
            f"found {len(rows)} contrastive rows, expected at least 2: add examples whose documents are known, "
            f"or switch the {part}'s training off ({part}_enabled = false)"
        )
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


def fit(
    kind: tuple[Any, Any],
    model: Any,
    table: Sequence[Mapping[str, Any]],
    loss: Any,
    measure: Callable[[Any], float],
    batches: Batches,
    settings: EmbedderTraining | RerankerTraining,
    checkpoints: Path,
    *,
    part: str,
    counts: Counts,
    seed: int,
    events: Events,
    resume: bool,
) -> tuple[int, float]:
    """Train, and leave the weights of the best checkpoint in the model; how many steps, and its metric.

    Args:
        kind: the library's trainer and its arguments, as classes.
        measure: the metric of the model, higher is better.
        part: what is trained, as the events name it.

    Raises:
        TrainingError: nothing was measured, or the best checkpoint cannot be loaded.
    """
    from datasets import Dataset
    from transformers import EarlyStoppingCallback, PrinterCallback

    trainer_class, arguments_class = kind
    on_cpu, steps = model.device.type == "cpu", len(batches(0))
    arguments = trainer_arguments(settings, checkpoints, METRIC, steps_per_epoch=steps, seed=seed, on_cpu=on_cpu)
    trainer = _with_batches(trainer_class, batches, counts)(
        model=model,
        args=arguments_class(**arguments),
        train_dataset=Dataset.from_list(list(table)),
        loss=loss,
        evaluator=_evaluator(measure),
        callbacks=[watch(events, part, counts), EarlyStoppingCallback(settings.patience)],
    )
    trainer.remove_callback(PrinterCallback)  # standard output belongs to the command
    model.model_card_data.generate_widget_examples = False  # no card is written, and it shows a bar of its own
    with quiet_libraries():
        trainer.train(resume_from_checkpoint=resumable_checkpoint(checkpoints) if resume else None)
    steps, best = trainer.state.global_step, trainer.state.best_metric
    if best is None:
        raise TrainingError(f"found no evaluation in {steps} steps, expected one: use more rows")
    # The trainer only logs it when the best checkpoint cannot be loaded, and keeps the last weights.
    if not math.isclose(measure(model), best, abs_tol=2e-3):
        raise TrainingError(
            f"found the best checkpoint of {checkpoints} not loaded, expected {METRIC} {best:.4f} again"
        )
    return steps, best


def _with_batches(kind: Any, batches: Batches, counts: Counts) -> Any:
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


def _evaluator(measure: Callable[[Any], float]) -> Any:
    """The metric of the model in the trainer's form."""
    from sentence_transformers.base.evaluation import BaseEvaluator

    class Validation(BaseEvaluator):  # type: ignore[misc]
        """By its name."""

        def __call__(self, model: Any, *_: Any, **__: Any) -> dict[str, float]:
            self.primary_metric = METRIC
            return {METRIC: measure(model)}

    return Validation()
