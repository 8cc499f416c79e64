"""Which rows are made for which kind of error, and which settings go with them."""

from collections.abc import Sequence
from typing import Any, get_args

import numpy as np
import pytest

from retrieval.documents import Chunk
from training.evaluation.errors import Bucket
from training.settings import DataSettings
from training.synthesis.drafts import Draft
from training.synthesis.generate import Made
from training.synthesis.targeting import FEWEST, REMEDIES, chosen, count_of, likeness, settings_for


def made(question: str, text: str, rank: int = 1) -> Made:
    chunk = Chunk("d", 0, text, 0, len(text))
    return Made(Draft(question, ("7 m",), (chunk,), "sentence", "natural"), rank)


def test_every_kind_of_error_has_a_remedy() -> None:
    of_tasks = {"wrong label", "wrong fields"}  # no document holds them in its words, so no row is made for them
    assert set(REMEDIES) == set(get_args(Bucket)) - of_tasks


def test_the_rows_most_like_the_errors_are_taken() -> None:
    near, far = made("How high is the mast?", "The mast is 7 m high.", 1), made("Height?", "The mast is 7 m high.", 9)
    crowded = made("How high is the mast?", "The mast is 7 m high, 2 m wide, and weighs 40 kg.", 2)
    rows = [near, far, crowded]
    assert chosen(rows, "not retrieved", 1, [0.0] * 3) == [far]
    assert chosen(rows, "wrong span", 1, [0.0] * 3) == [crowded]
    assert chosen(rows, "wrongly abstained", 1, [0.0] * 3) == [far]
    assert chosen(rows, "wrong format", 2, [0.0] * 3) == [near, far]


def test_of_the_half_that_is_most_like_what_failed_the_hardest_are_taken() -> None:
    plain, hard = "The mast is 7 m high.", "The mast is 7 m high, 2 m wide, and weighs 40 kg."
    rows = [made(f"{number}: how high is the mast?", text) for number, text in enumerate([hard, plain, hard, plain])]
    assert chosen(rows, "wrong span", 1, [0.1, 0.9, 0.8, 0.2]) == [rows[2]]
    assert chosen(rows, "wrong span", 3, [0.1, 0.9, 0.8, 0.2]) == [rows[2], rows[1], rows[3]]
    assert chosen([], "wrong span", 3, []) == []


class Searcher:
    """Its vectors tell how often a letter stands in a question."""

    embedder: "Searcher"

    def __init__(self) -> None:
        self.embedder = self

    def encode_questions(self, texts: Sequence[str]) -> np.ndarray:
        counts = np.array([[text.count(letter) for letter in "abc"] for text in texts], dtype=np.float32)
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)


def test_likeness_is_the_cosine_with_the_nearest_that_failed() -> None:
    searcher: Any = Searcher()
    assert likeness(searcher, ["a", "bb", "c"], ["abb", "a"]) == pytest.approx([1.0, 2 / 5**0.5, 0.0])
    assert likeness(searcher, ["a", "b"], []) == [0.0, 0.0]
    assert likeness(searcher, [], ["a"]) == []


def test_a_quarter_is_added_and_settings_follow_the_error() -> None:
    assert (count_of(10), count_of(400)) == (FEWEST, 100)
    data = DataSettings()
    assert settings_for("wrong span", data).distractors == ("swapped entity", "contradicting")
    assert settings_for("should have abstained", data).abstention_share > data.abstention_share
    assert settings_for("should have abstained", DataSettings(abstention_share=0.8)).abstention_share == 0.8
    assert settings_for("not retrieved", data) == data


def test_one_document_does_not_fill_the_rows() -> None:
    many = [made("How high is the mast?", f"The mast {n} is 7 m high: 1, 2, 3.") for n in range(9)]
    chunk = Chunk("other", 0, "The pole is 7 m high.", 0, 21)
    other = Made(Draft("How high is the pole?", ("7 m",), (chunk,), "sentence", "natural"), 1)
    assert other in chosen([*many, other], "wrong span", 4, [0.0] * 10)
