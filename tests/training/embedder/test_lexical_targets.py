"""BM25 over the passages of one training."""

import numpy as np
import pytest

from training.embedder.lexical_targets import LexicalScores

PASSAGES = ["The pump runs at 30 rpm.", "The valve opens at 4 bar.", "The pump and the valve are made of brass."]


def test_the_passage_with_the_question_s_rare_words_scores_highest() -> None:
    scores = LexicalScores(PASSAGES)(["How fast does the pump run?", "What are valves made of?"], PASSAGES)
    assert scores.shape == (2, 3)
    assert scores.argmax(axis=1).tolist() == [0, 2]
    assert scores[0, 1] == 0.0


def test_a_word_that_many_passages_share_counts_less() -> None:
    scores = LexicalScores(PASSAGES)(["pump", "brass"], [PASSAGES[2]])
    assert scores[1, 0] > scores[0, 0] > 0


def test_a_passage_that_occurs_twice_is_counted_once() -> None:
    asked = ["brass pump"], PASSAGES
    assert np.array_equal(LexicalScores(PASSAGES)(*asked), LexicalScores([*PASSAGES, PASSAGES[0]])(*asked))


def test_an_unknown_passage_is_an_error() -> None:
    with pytest.raises(KeyError):
        LexicalScores(PASSAGES)(["pump"], ["another"])
