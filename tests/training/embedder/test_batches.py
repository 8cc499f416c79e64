from random import Random

import numpy as np

from training.data.contrastive import ContrastiveRow
from training.embedder.batches import topical_batches


def row(number: int, *groups: str, anchor: str = "", positive: str = "", negatives: tuple[str, ...] = ()):
    return ContrastiveRow(
        example_id=f"e{number}",
        anchor=anchor or f"question {number}",
        positive=positive or f"passage {number}",
        negatives=negatives,
        positive_id=f"{groups[0]}#0",
        negative_ids=tuple(f"n#{i}" for i in range(len(negatives))),
        groups=groups,
        split="train",
        weak=False,
    )


def topics(count: int, size: int) -> np.ndarray:
    """Unit vectors: ``count`` topics, each of ``size`` rows that resemble one another."""
    draw = np.random.default_rng(1)
    centres = np.repeat(np.eye(count, 16), size, axis=0)
    vectors = centres + 0.05 * draw.standard_normal(centres.shape)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_a_batch_is_of_one_topic_and_every_row_is_in_one():
    rows = [row(i, f"g{i}") for i in range(40)]
    batches = topical_batches(rows, topics(4, 10), 10, Random(3))
    assert sorted(i for batch in batches for i in batch) == list(range(40))
    assert [len({i // 10 for i in batch}) for batch in batches] == [1, 1, 1, 1]


def test_no_two_rows_of_a_batch_are_false_negatives_of_each_other():
    rows = [row(i, f"g{i % 4}") for i in range(16)]  # four questions on each group
    rows += [row(16, "g9", anchor="question 0"), row(17, "g0", "g1"), row(18, "g8", negatives=("passage 3",))]
    batches = topical_batches(rows, np.full((19, 1), 1.0), 5, Random(0))
    assert sorted(i for batch in batches for i in batch) == list(range(19))
    for batch in batches:
        for kind in (
            [rows[i].anchor for i in batch],
            [group for i in batch for group in rows[i].groups],
            [text for i in batch for text in (rows[i].positive, *rows[i].negatives)],
        ):
            assert len(kind) == len(set(kind))


def test_a_group_with_many_rows_is_spread_and_not_left_over():
    rows = [row(i, "big") for i in range(8)] + [row(8 + i, f"g{i}") for i in range(24)]
    batches = topical_batches(rows, topics(1, 32), 4, Random(5))
    assert len(batches) == 8
    assert {len(batch) for batch in batches} == {4}


def test_batches_depend_on_the_seed_only():
    rows, vectors = [row(i, f"g{i % 7}") for i in range(30)], topics(3, 10)
    first = topical_batches(rows, vectors, 6, Random("1:0"))
    assert first == topical_batches(rows, vectors, 6, Random("1:0"))
    assert first != topical_batches(rows, vectors, 6, Random("1:1"))
