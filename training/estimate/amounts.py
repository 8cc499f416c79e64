"""How much there is to do in a training: steps, tokens, measurements. Costs follow from it and from measured units.

Knows nothing about models and time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from training.data.contrastive import ContrastiveRow
from training.embedder.batches import topical_batches
from training.generator.data_parallel import PART_TOKENS
from training.settings import EmbedderTraining, GeneratorTraining


@dataclass(frozen=True)
class Amounts:
    """Of one training to its end; it may stop earlier where validation stops rising."""

    steps: int
    tokens: int
    """In all epochs, padding included."""
    evaluations: int
    """Checkpoints that are measured while it trains."""
    measured: int
    """Measurements of the metric in all."""
    at_once: int
    """Tokens that are computed at once in the largest step: what memory grows with."""


def generator_amounts(lengths: Sequence[int], settings: GeneratorTraining, *, cores: int) -> Amounts:
    """Of supervised rows.

    Args:
        lengths: tokens of each row.
        cores: that compute rows of a batch of their own; 1 computes a micro-batch as a whole.
    """
    import torch
    from transformers.trainer_pt_utils import get_length_grouped_indices

    ordered = sorted(lengths, reverse=True)
    rows = settings.micro_batch or settings.batch_size
    # Cores pad next to nothing: each computes a few rows.
    taken = (
        range(len(lengths))
        if cores > 1
        else get_length_grouped_indices(lengths, settings.batch_size, generator=torch.Generator().manual_seed(0))
    )
    drawn, together = [lengths[i] for i in taken], 1 if cores > 1 else rows
    batches = [drawn[first : first + together] for first in range(0, len(drawn), together)]
    padded = sum(max(batch) * len(batch) for batch in batches)
    per_epoch = -(-len(ordered) // settings.batch_size)
    evaluations = _evaluations(per_epoch, settings)
    return Amounts(
        steps=per_epoch * settings.epochs,
        tokens=padded * settings.epochs,
        evaluations=evaluations,
        measured=1 + evaluations + len(settings.averaging),
        at_once=tokens_at_once(ordered[:rows], cores=min(cores, len(ordered))),
    )


def tokens_at_once(lengths: Sequence[int], *, cores: int) -> int:
    """Tokens that are computed at once of rows that go through the generator together."""
    return cores * max(*lengths, PART_TOKENS) if cores > 1 else len(lengths) * max(lengths)


def embedder_amounts(
    rows: Sequence[ContrastiveRow], count: Callable[[str], int], settings: EmbedderTraining, *, seed: int
) -> Amounts:
    """Of contrastive rows.

    Args:
        count: tokens of a text as the embedder reads it.
    """
    width = max((len(row.negatives) for row in rows), default=0)
    lengths = np.array([_row_lengths(row, count, width) for row in rows])  # (rows, columns)
    # Which rows are alike is not known yet, and hardly matters here.
    batches = topical_batches(rows, np.zeros((len(rows), 1)), settings.batch_size, Random(seed))
    padded = [(lengths[batch].max(axis=0), len(batch)) for batch in batches]
    evaluations = _evaluations(len(batches), settings)
    mini = settings.mini_batch_size
    return Amounts(
        steps=len(batches) * settings.epochs,
        tokens=int(sum(longest.sum() * size for longest, size in padded)) * settings.epochs,
        evaluations=evaluations,
        measured=2 + evaluations + len(settings.averaging),  # the best one is measured again
        # The cached loss computes a column of a mini-batch at a time.
        at_once=int(
            max(longest.sum() * size for longest, size in padded)
            if settings.batch_size <= mini
            else max(longest.max() * min(mini, size) for longest, size in padded)
        ),
    )


def _row_lengths(row: ContrastiveRow, count: Callable[[str], int], width: int) -> list[int]:
    negatives = row.negatives or (row.positive,)
    return [count(text) for text in (row.anchor, row.positive, *(negatives[i % len(negatives)] for i in range(width)))]


def _evaluations(steps_per_epoch: int, settings: EmbedderTraining | GeneratorTraining) -> int:
    """As transformers' trainer does: at each interval, and at the end."""
    interval = max(1, steps_per_epoch // settings.evaluations)
    return -(-steps_per_epoch * settings.epochs // interval)
