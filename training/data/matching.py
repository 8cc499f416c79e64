"""Texts compared as sequences of normalised tokens: does a passage hold an answer, are two questions the same.

Knows nothing about scores.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from training.scoring.tokens import tokens

_VERDICT = re.compile(r"^\s*(?:yes|no),\s+(?=\S)", re.IGNORECASE)
"""What an answer to a claim begins with; a passage holds the fact behind it: "No, 30 days"."""


@lru_cache(maxsize=8192)
def _padded(text: str, articles: bool, ranges: bool = True) -> str:
    return f" {' '.join(tokens(text, articles=articles, ranges=ranges))} "


def holds_answer(text: str, answers: Iterable[str]) -> bool:
    """Whether a text contains one of the answers as whole words, normalised."""
    return any(_holds(text, answer) for answer in answers)


def _holds(text: str, answer: str) -> bool:
    answer = _VERDICT.sub("", answer)
    wanted = _padded(answer, False)
    if wanted.strip():
        # "10 to 20 bar" holds "10-20 bar", and its ends, too.
        return wanted in _padded(text, False) or _padded(answer, False, False) in _padded(text, False, False)
    wanted = _padded(answer, True)  # the answer is "A", say
    if wanted.strip():
        return wanted in _padded(text, True)
    return bool(answer.strip()) and answer.strip() in text  # nothing but punctuation


def supporting(texts: Sequence[str], answers: Sequence[str]) -> list[int]:
    """Which of a document's chunks support the answers, as indices into ``texts``.

    The only chunk of a document supports whatever its document supports; of several, those that
    hold an answer do. Empty if that leaves none, which is then for the caller to decide.
    """
    if len(texts) == 1:
        return [0]
    return [i for i, text in enumerate(texts) if holds_answer(text, answers)]


def first_verbatim(texts: Sequence[str], answers: Sequence[str]) -> str:
    """The first answer that stands literally, as whole words, in one of the texts; else the first answer."""
    for answer in answers:
        if any(answer in text and _holds(text, answer) for text in texts):
            return answer
    return answers[0]


def question_key(question: str) -> str:
    """Equal for questions that differ in case, punctuation, spacing or articles only."""
    return " ".join(tokens(question)) or question.strip().casefold()
