"""Rows for both trainings, of different lengths."""

from collections.abc import Sequence

import pytest

from training.data.contrastive import ContrastiveRow
from training.data.supervised import SupervisedRow

WORDS = ("pump", "valve", "seal", "rotor", "gasket", "sensor", "cable", "panel", "filter", "buoy", "mast")


@pytest.fixture(scope="session")
def supervised() -> Sequence[SupervisedRow]:
    """Eleven rows; each is longer than the one before."""
    return [
        SupervisedRow(
            example_id=word,
            messages=({"role": "user", "content": f"Which {word}? " + "and so on " * number},),
            completion="red [1]",
            passages=(f"{word}#0",),
            answerable=True,
            oracle_present=True,
            oracle_position=1,
            oracle_positions=(1,),
            oracle_retrieved=True,
            split="train",
            weak=False,
        )
        for number, word in enumerate(WORDS)
    ]


@pytest.fixture(scope="session")
def contrastive() -> Sequence[ContrastiveRow]:
    """Eleven rows on documents of their own."""
    return [
        ContrastiveRow(
            example_id=word,
            anchor=f"what about the {word}",
            positive=f"The {word} is here. " + "It is red. " * number,
            negatives=(f"They say nothing of the {word}.",),
            positive_id=f"{word}#0",
            negative_ids=("x",),
            groups=(word,),
            split="train",
            weak=False,
        )
        for number, word in enumerate(WORDS)
    ]
