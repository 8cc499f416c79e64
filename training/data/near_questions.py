"""Whether a question is nearly one of others: most of their words are the same."""

from collections.abc import Iterable

from datasketch import MinHash, MinHashLSH

from training.data.matching import question_key

NEAR = 0.7
"""Words in common, of all words of two questions, from which on they ask nearly the same."""
_PERMUTATIONS = 64
_PROPOSED = 0.5
"""Similarity from which LSH proposes pairs; the true one decides."""


class NearQuestions:
    """Questions to compare others with."""

    def __init__(self, questions: Iterable[str], near: float = NEAR) -> None:
        self._near = near
        self._words: dict[str, set[str]] = {}
        self._lsh = MinHashLSH(threshold=_PROPOSED, num_perm=_PERMUTATIONS)
        for key in sorted({question_key(question) for question in questions}):
            self._words[key] = set(key.split())
            self._lsh.insert(key, _hash(self._words[key]))

    def near(self, question: str) -> str | None:
        """One that is nearly the same, in normalised words; None where there is none."""
        words = set(question_key(question).split())
        for key in self._lsh.query(_hash(words)):
            other = self._words[key]
            if len(words & other) >= self._near * len(words | other):
                return str(key)
        return None


def _hash(words: set[str]) -> MinHash:
    made = MinHash(num_perm=_PERMUTATIONS)
    made.update_batch([word.encode("utf-8", "surrogatepass") for word in words])
    return made
