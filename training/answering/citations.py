"""From the marks of an answer to quotations: which sentence of a cited passage bears the answer.

Knows nothing about models. A quotation is always an exact substring of its passage.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from retrieval.documents import Passage
from retrieval.prompt import cited_marks, strip_marks
from training.scoring.answer_metrics import answer_tokens

_MARK = re.compile(r"\[(\d{1,3})\]")
_SENTENCE_END = re.compile(r"[.!?]+[\"')\]]*(?=\s)")
_WRAPPED = 60
"""A line at least this long that ends without punctuation was wrapped, not ended."""


@dataclass(frozen=True)
class Citation:
    """A passage that an answer cites, with the sentence that bears it out."""

    document_id: str
    chunk_id: str
    quote: str
    """An exact substring of the passage; empty if the passage shares no word with the answer."""


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
    """The sentence of ``text`` that shares the largest part of the claim's words.

    The shorter of two equally good sentences wins, then the earlier one.
    """
    wanted = Counter(answer_tokens(claim))
    best, best_key = "", (0, 0)
    for sentence in sentences(text):
        words = answer_tokens(sentence)
        common = sum((wanted & Counter(words)).values())
        if common and (key := (common, -len(words))) > best_key:
            best, best_key = sentence, key
    return best


def sentences(text: str) -> Iterator[str]:
    """The sentences of a text, each an exact substring of it, without the white space around them.

    A line break ends a sentence (a heading, a table row, an item of a list) unless the line
    looks wrapped: it is long, or the next line goes on in lower case.
    """
    start = 0
    for line_end in [*(match.start() for match in re.finditer(r"\n", text)), len(text)]:
        line = text[text.rfind("\n", 0, line_end) + 1 : line_end].rstrip()
        following = text[line_end + 1 : line_end + 2]
        if line_end < len(text) and line and following.isalnum() and (following.islower() or len(line) >= _WRAPPED):
            continue
        block = text[start:line_end]
        position = 0
        for end in [*(match.end() for match in _SENTENCE_END.finditer(block)), len(block)]:
            if sentence := block[position:end].strip():
                yield sentence
            position = end
        start = line_end + 1


def _claims(answer: str) -> dict[int, str]:
    """For each mark, what the answer says right before it; marks that stand together share it."""
    claims: dict[int, str] = {}
    said, position = "", 0
    for match in _MARK.finditer(answer):
        between = answer[position : match.start()]
        if any(character.isalnum() for character in between):
            said = between
        mark = int(match.group(1))
        claims[mark] = f"{claims.get(mark, '')} {said}".strip()
        position = match.end()
    return claims
