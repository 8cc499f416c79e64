"""From the marks of an answer to quotations: which sentence or table row of a cited passage bears the answer.

Knows nothing about models.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from retrieval.documents import Passage
from retrieval.prompt import MARK, cited_marks, strip_marks
from training.answering.quotable import quotables
from training.scoring.answer_metrics import answer_tokens


@dataclass(frozen=True)
class Citation:
    """A passage that an answer cites, with the sentence that bears it out."""

    document_id: str
    chunk_id: str
    quote: str
    """A sentence or a table row as one reads it, without markup; never empty."""


def cite(answer: str, passages: Sequence[Passage]) -> tuple[Citation, ...]:
    """The citations of an answer, in the order of its marks, each passage once.

    Args:
        answer: the generated text with its marks; mark [1] is the first of ``passages``.
        passages: the passages that the generator saw, in that order.

    An answer without marks has no citations, and a mark that points at no passage gives none.
    """
    claims = _claims(answer)
    whole = strip_marks(answer)
    return tuple(
        Citation(
            document_id=passages[mark - 1].document_id,
            chunk_id=passages[mark - 1].chunk_id,
            quote=quote(claims.get(mark) or whole, passages[mark - 1].text),
        )
        for mark in cited_marks(answer, len(passages))
    )


def quote(claim: str, text: str) -> str:
    """The sentence or table row of ``text`` that shares the largest part of the claim's words.

    Of two equally good ones a heading loses, then the longer, then the later. Where none shares a word, the
    first sentence tells at least what the passage is about.
    """
    wanted = Counter(answer_tokens(claim))
    best, best_key = "", (-1, False, 0)
    for one in quotables(text):
        words = answer_tokens(one.text)
        common = sum((wanted & Counter(words)).values())
        key = (common, not one.heading, -len(words) if common else 0)
        if key > best_key:
            best, best_key = one.text, key
    return best or " ".join(text.split())


def _claims(answer: str) -> dict[int, str]:
    """For each mark, what the answer says right before it; marks that stand together share it."""
    claims: dict[int, str] = {}
    said, position = "", 0
    for match in MARK.finditer(answer):
        between = answer[position : match.start()]
        if any(character.isalnum() for character in between):
            said = between
        mark = int(match.group(1))
        claims[mark] = f"{claims.get(mark, '')} {said}".strip()
        position = match.end()
    return claims
