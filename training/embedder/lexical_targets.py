"""How well the words of a question fit passages: BM25 over the passages of one training.

Knows nothing about embedders; the engine's own encoder says what a term is and what it weighs.
"""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from retrieval.index.sparse import Encoder
from retrieval.languages import spoken
from retrieval.sync import MIN_SHARE


class LexicalScores:
    """BM25 (Robertson & Zaragoza 2009) of questions against passages that are known beforehand."""

    def __init__(self, passages: Sequence[str]) -> None:
        found = spoken(dict.fromkeys(passages))
        self._encoder = Encoder(tuple(code for code, share in found.items() if share >= MIN_SHARE))
        encoded = {text: self._encoder.encode_document(text) for text in dict.fromkeys(passages)}
        documents = Counter(term for vector in encoded.values() for term in vector.indices)
        rarity = {term: math.log(1 + (len(encoded) - n + 0.5) / (n + 0.5)) for term, n in documents.items()}
        self._weights = {
            text: {term: rarity[term] * weight for term, weight in zip(vector.indices, vector.values, strict=True)}
            for text, vector in encoded.items()
        }

    def __call__(self, questions: Sequence[str], passages: Sequence[str]) -> np.ndarray:
        """Scores from 0 up, (questions, passages), float32.

        Raises:
            KeyError: a passage that was not given at first.
        """
        weights = [self._weights[text] for text in passages]
        asked = [self._encoder.encode_question(text).indices for text in questions]
        return np.array(
            [[sum(one.get(term, 0.0) for term in terms) for one in weights] for terms in asked], dtype=np.float32
        )
