"""Batches of contrastive rows whose passages resemble one another.

In-batch negatives out of everywhere are told apart at a glance; out of one topic they are what
retrieval confuses (topic-aware sampling, Hofstätter et al. 2021, arXiv 2104.06967). Knows nothing
about the model that is trained.
"""

from collections import Counter
from collections.abc import Sequence
from random import Random

import numpy as np

from training.data.contrastive import ContrastiveRow

POOL = 8192
"""Rows, drawn at random, that are brought into batches together: bounds the work on large data."""


def topical_batches(rows: Sequence[ContrastiveRow], vectors: np.ndarray, size: int, random: Random) -> list[list[int]]:
    """All rows in batches: each begins with one row and takes those that are nearest to it.

    In a batch no two rows ask the same, show the same passage or are supported by the same
    near-duplicate group: they would be each other's false negatives. Groups with many rows come
    first, so that they are not left over together.

    Args:
        vectors: unit vectors of the rows' positives, (rows, dimension).
        size: of a batch; some are smaller where too few rows can stand together.

    Returns:
        Positions of rows, each once; the batches in random order.
    """
    shuffled = list(range(len(rows)))
    random.shuffle(shuffled)
    batches = []
    for start in range(0, len(shuffled), POOL):
        waiting = shuffled[start : start + POOL]
        left = Counter(rows[i].groups for i in waiting)
        while waiting:
            most = max(left.values())
            first = next(i for i in waiting if left[rows[i].groups] == most)
            pool = np.array([first, *waiting])
            batch: list[int] = []
            met: set[tuple[str, str]] = set()
            for i in pool[np.argsort(-(vectors[pool] @ vectors[first]), kind="stable")].tolist():
                if len(batch) == size:
                    break
                if met.isdisjoint(marks := _marks(rows[i])):
                    batch.append(i)
                    met |= marks
            batches.append(batch)
            taken = set(batch)
            waiting = [i for i in waiting if i not in taken]
            left.subtract(rows[i].groups for i in batch)
    random.shuffle(batches)
    return batches


def _marks(row: ContrastiveRow) -> set[tuple[str, str]]:
    """What no other row of a batch may share."""
    shown = [("shows", text) for text in (row.positive, *row.negatives)]
    return {("asks", row.anchor), *shown, *(("supported by", group) for group in row.groups)}
