"""Rows as the columns of a loss."""

import numpy as np

from training.data.contrastive import ContrastiveRow
from training.embedder.contrast import FOREIGN, columns, taught


def row(noun: str, *negatives: str, teacher: tuple[float, ...] = ()) -> ContrastiveRow:
    ids = tuple("x" for _ in negatives)
    return ContrastiveRow(
        noun, f"what about the {noun}", f"The {noun} is red.", negatives, noun, ids, (noun,), "train", False, teacher
    )


def test_rows_of_unequal_width_become_columns() -> None:
    rows = [row("pump", "a", "b"), row("valve", "c"), row("seal")]
    kept, table = columns(rows, "embedder")
    assert kept == rows
    assert [one["negative_1"] for one in table] == ["b", "c", rows[0].positive]
    assert all(list(one) == ["anchor", "positive", "negative_0", "negative_1"] for one in table)


def test_the_teachers_scores_follow_the_columns() -> None:
    rows = [
        row("pump", "a", "b", teacher=(3.0, 2.0, 1.0)),
        row("valve", "c", teacher=(3.0, -1.0)),
        row("seal", teacher=(2.0,)),
    ]
    scores = taught(columns(rows, "embedder")[0], 2)
    np.testing.assert_array_equal(scores, [[3, 2, 1], [3, -1, -1], [2, 2 - FOREIGN, 2 - FOREIGN]])
    assert taught([rows[0], row("rotor", "a")], 1) is None
    assert taught(rows, 0) is None
