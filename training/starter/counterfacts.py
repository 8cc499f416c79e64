"""Other answers in place of the real ones, so that a question is answered by reading and not from memory.

A paragraph says something else than it did, and the question on it stays: whoever remembers the
answer is wrong (Longpre et al. 2021, arXiv 2109.05052, exchange names in the same way).
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from random import Random

from training.starter.questions import Question
from training.starter.world import Asked

SHARE = 0.6
"""Of the answers that are exchanged."""
LONGEST = 5
"""Words of an answer that is exchanged."""
ASKING = re.compile(r"\b(how (?:many|much|long|old)|who|whom|whose|when|where|why|how|what|which)\b", re.IGNORECASE)


class Counterfacts:
    """The answers to many questions, each among those that it could be exchanged for."""

    def __init__(self, questions: Sequence[Question]) -> None:
        found: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
        for question in questions:
            if kind := _kind(question.text, question.answer):
                found[kind][question.answer] = None
        self.alike = {kind: list(answers) for kind, answers in found.items()}

    def tell(
        self, random: Random, texts: Sequence[tuple[str, str]], asked: Sequence[Asked]
    ) -> tuple[list[tuple[str, str]], list[Asked]]:
        """The texts and questions with some answers exchanged for others of their kind.

        An answer is exchanged wherever it stands, in all texts, contexts, questions and answers. A question whose
        own answer does not stand whole any more is left out; the first never is.

        Args:
            texts: with their contexts.
            asked: questions, numbers of the texts that answer them, and the answers.
        """
        told, kept = list(texts), list(asked)
        for question, index, answer in asked:
            if answer is None or (question, index, answer) not in kept or random.random() > SHARE:
                continue
            kind = _kind(question, answer)
            other = random.choice(self.alike.get(kind, [answer])) if kind else answer
            if _whole(answer).search(question) or any(_whole(other).search(text) for text, _ in told):
                continue
            changed = [(_exchanged(text, answer, other), _exchanged(context, answer, other)) for text, context in told]
            following: list[Asked] = [
                (_exchanged(q, answer, other), i, a and _exchanged(a, answer, other)) for q, i, a in kept
            ]
            whole = [i is None or a is None or bool(_whole(a).search(changed[i][0])) for _, i, a in following]
            if whole[0]:
                told, kept = changed, [one for one, stays in zip(following, whole, strict=True) if stays]
        return told, kept


def _kind(question: str, answer: str) -> tuple[str, str] | None:
    """What a question asks for, and how its answer is written; None for words that are neither name nor number.

    In place of any other words than those, others make no sense.
    """
    words = answer.split()
    shape = " ".join(re.sub(r"\d", "9", word) if any(map(str.isdigit, word)) else word[0] for word in words)
    shape = re.sub(r"[A-Z]", "A", re.sub(r"[a-z]", "a", shape))
    if len(words) > LONGEST or not re.search("[A9]", shape):
        return None
    asking = ASKING.search(question)
    return asking[0].lower() if asking else "", shape


def _whole(answer: str) -> re.Pattern[str]:
    """The answer where it is not part of a longer word."""
    return re.compile(rf"(?<!\w){re.escape(answer)}(?!\w)")


def _exchanged(text: str, answer: str, other: str) -> str:
    return _whole(answer).sub(lambda _: other, text)
