"""Metrics of one answer: the answer score, exact match, token F1, ROUGE-L, and which of five outcomes it is.

Numbers, units, codes and negations must agree; only what is left is a matter of overlap. SQuAD's own
exact match and F1 (Rajpurkar et al. 2016, https://arxiv.org/abs/1606.05250) stand beside, to compare with
the literature. The treatment of abstentions is SQuAD 2.0's (Rajpurkar et al. 2018,
https://arxiv.org/abs/1806.03822): abstaining scores 1 on a question that cannot be answered and 0 on one
that can. Knows nothing about models or search.
"""

import re
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from retrieval.prompt import strip_marks, strip_thinking
from training.scoring.agreement import agreement, f1_of, overlap_f1
from training.scoring.tokens import tokens

Outcome = Literal["correct", "skipped", "wrong", "hallucinated", "correctly_abstained"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
Words = Callable[[str], list[str]]
"""A text into what is compared."""

CORRECT_SCORE = 0.9
"""The least answer score of a correct answer: other words for the same cost a tenth at most."""
_PUNCTUATION = str.maketrans("", "", string.punctuation)


@dataclass(frozen=True)
class AnswerScores:
    """What one answer is worth; every number is in [0, 1]."""

    outcome: Outcome
    answer_score: float
    """From 0.9 on where the answer is correct, 0 where it contradicts the reference, else F1, 0.9 at most."""
    exact_match: float
    f1: float
    rouge_l: float
    squad_exact_match: float
    squad_f1: float


def answer_tokens(text: str) -> list[str]:
    """The tokens that exact match and F1 compare.

    A text without any ("...") is compared by its raw words, so that it does not equal the empty answer.
    """
    return tokens(text) or tokens(text, articles=True) or text.casefold().split()


def squad_words(text: str) -> list[str]:
    """The words that SQuAD compares (its ``normalize_answer``): lower case, no English articles.

    All punctuation is deleted, so "15" equals "1.5": nothing is decided by it.
    """
    normalised = re.sub(r"\b(a|an|the)\b", " ", text.lower().translate(_PUNCTUATION))
    return normalised.split() or text.lower().split()


def exact_match(answer: str, references: Sequence[str], words: Words = answer_tokens) -> float:
    """1.0 if the answer has the same words in the same order as one of the references."""
    return float(any(words(answer) == words(reference) for reference in references))


def token_f1(answer: str, references: Sequence[str], words: Words = answer_tokens) -> float:
    """F1 of the words in common, with multiplicity; the best over the references."""
    return max((overlap_f1(words(answer), words(reference)) for reference in references), default=0.0)


def rouge_l(answer: str, references: Sequence[str]) -> float:
    """ROUGE-L (Lin 2004): F1 of the longest common subsequence of tokens; the best over the references."""
    words = answer_tokens(answer)
    return max((f1_of(_lcs(words, ref), words, ref) for ref in map(answer_tokens, references)), default=0.0)


def score_answer(answer: str, references: Sequence[str], *, abstained: bool, question: str = "") -> AnswerScores:
    """Score an answer as it was shown to the user.

    Args:
        answer: the text, with or without citation marks.
        references: the accepted answers; none means that the corpus cannot answer the question.
        abstained: whether the system declined to answer.
        question: its words, said again in the answer, neither help nor harm.
    """
    if not references:
        worth = float(abstained)
        return AnswerScores("correctly_abstained" if abstained else "hallucinated", *(worth,) * 6)
    if abstained:
        return AnswerScores("skipped", *(0.0,) * 6)
    text = strip_marks(strip_thinking(answer))
    exact, f1 = exact_match(text, references), token_f1(text, references)
    found = {agreement(text, reference, question) for reference in references}
    if exact or "agrees" in found:
        outcome, score = "correct", CORRECT_SCORE + (1 - CORRECT_SCORE) * f1
    else:
        outcome, score = "wrong", 0.0 if found == {"contradicts"} else min(f1, CORRECT_SCORE)
    return AnswerScores(
        outcome=outcome,  # type: ignore[arg-type]
        answer_score=score,
        exact_match=exact,
        f1=f1,
        rouge_l=rouge_l(text, references),
        squad_exact_match=exact_match(text, references, squad_words),
        squad_f1=token_f1(text, references, squad_words),
    )


def _lcs(first: Sequence[str], second: Sequence[str]) -> int:
    row = [0] * (len(second) + 1)
    for word in first:
        diagonal = 0
        for position, other in enumerate(second, start=1):
            above = row[position]
            row[position] = diagonal + 1 if word == other else max(above, row[position - 1])
            diagonal = above
    return row[-1]
