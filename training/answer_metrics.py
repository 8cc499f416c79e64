"""Metrics of one answer: exact match, token F1, ROUGE-L, and which of five outcomes it is.

Knows nothing about models or search. The normalisation is SQuAD's (Rajpurkar et al. 2016,
https://arxiv.org/abs/1606.05250); the treatment of abstentions is SQuAD 2.0's (Rajpurkar et
al. 2018): abstaining scores 1 on a question that cannot be answered and 0 on one that can.
"""

import re
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from retrieval.prompt import strip_marks

Outcome = Literal["correct", "skipped", "wrong", "hallucinated", "correctly_abstained"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

CORRECT_F1 = 0.5
"""An answer to an answerable question is *correct* from this token F1 on.

Half of the words in common: a short reference inside a full sentence still counts ("42 mm"
against "the cable is 42 mm"), an answer that shares only a unit does not.
"""

_PUNCTUATION = str.maketrans("", "", string.punctuation)


@dataclass(frozen=True)
class AnswerScores:
    """What one answer is worth; every number is in [0, 1]."""

    outcome: Outcome
    exact_match: float
    f1: float
    """The answer score: token F1 with abstention, as SQuAD 2.0 counts it."""
    rouge_l: float


def normalise(text: str) -> str:
    """Lower case, no punctuation, no English articles, single spaces: SQuAD's ``normalize_answer``."""
    text = text.lower().translate(_PUNCTUATION)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def answer_tokens(text: str) -> list[str]:
    """The words that exact match and F1 compare.

    A text of which normalisation leaves nothing ("+", "The") is compared by its raw words, so
    that it does not equal the empty answer.
    """
    return normalise(text).split() or text.lower().split()


def exact_match(answer: str, references: Sequence[str]) -> float:
    """1.0 if the answer equals one of the references after normalisation."""
    return float(any(answer_tokens(answer) == answer_tokens(reference) for reference in references))


def token_f1(answer: str, references: Sequence[str]) -> float:
    """F1 of the words in common, with multiplicity; the best over the references."""
    return max((_f1(answer_tokens(answer), answer_tokens(reference)) for reference in references), default=0.0)


def rouge_l(answer: str, references: Sequence[str]) -> float:
    """ROUGE-L (Lin 2004): F1 of the longest common subsequence of words; the best over the references.

    Words are runs of letters and digits in lower case, without stemming.
    """
    words = _words(answer)
    return max((_f_of_overlap(_lcs(words, ref), len(words), len(ref)) for ref in map(_words, references)), default=0.0)


def score_answer(answer: str, references: Sequence[str], *, abstained: bool) -> AnswerScores:
    """Score an answer as it was shown to the user.

    Args:
        answer: the text, with or without citation marks.
        references: the accepted answers; none means that the corpus cannot answer the question.
        abstained: whether the system declined to answer.
    """
    if not references:
        worth = float(abstained)
        return AnswerScores("correctly_abstained" if abstained else "hallucinated", worth, worth, worth)
    if abstained:
        return AnswerScores("skipped", 0.0, 0.0, 0.0)
    text = strip_marks(answer)
    exact, f1 = exact_match(text, references), token_f1(text, references)
    outcome: Outcome = "correct" if exact or f1 >= CORRECT_F1 else "wrong"
    return AnswerScores(outcome, exact, f1, rouge_l(text, references))


def _f1(answer: Sequence[str], reference: Sequence[str]) -> float:
    common = sum((Counter(answer) & Counter(reference)).values())
    return _f_of_overlap(common, len(answer), len(reference))


def _f_of_overlap(common: int, answer: int, reference: int) -> float:
    return 2 * common / (answer + reference) if common else 0.0


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower())


def _lcs(first: Sequence[str], second: Sequence[str]) -> int:
    row = [0] * (len(second) + 1)
    for word in first:
        diagonal = 0
        for position, other in enumerate(second, start=1):
            above = row[position]
            row[position] = diagonal + 1 if word == other else max(above, row[position - 1])
            diagonal = above
    return row[-1]
