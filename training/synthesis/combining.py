"""Drafts made of drafts: two questions in one, and questions about things that the documents do not know."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from random import Random

from training.data.alteration import NAME, brother
from training.scoring.stopwords import STOP_WORDS
from training.scoring.tokens import tokens
from training.synthesis.drafts import Draft
from training.synthesis.sources import Source
from training.synthesis.tables import asked_columns, asking

_ASKING = ("What ", "How ")
_LONGEST = 16
"""Words of a question that can be joined with another."""


def two_at_once(drafts: Sequence[Draft], seed: int) -> Iterator[Draft]:
    """Two questions on different chunks of a document as one; both answers are wanted."""
    fit: dict[str, list[Draft]] = {}
    for draft in drafts:
        if draft.kind == "natural" and draft.question.startswith(_ASKING) and len(draft.question.split()) <= _LONGEST:
            fit.setdefault(draft.document_ids[0], []).append(draft)
    for document, own in fit.items():
        Random(f"{seed}:{document}").shuffle(own)
        for one, other in pairwise(own):
            if one.sources != other.sources and one.answers != other.answers:
                yield Draft(
                    f"{one.question[:-1]}, and {other.question[0].lower()}{other.question[1:]}",
                    (f"{one.answers[0]}; {other.answers[0]}",),
                    (*one.sources, *other.sources),
                    f"two of: {one.method}, {other.method}",
                    "several",
                )


class Known:
    """What the documents speak of, of all splits: words, and words with the one after them."""

    def __init__(self, texts: Iterator[str]) -> None:
        self._words: set[str] = set()
        self._pairs: set[tuple[str, str]] = set()
        for text in texts:
            words = re.findall(r"[\w-]+", text.casefold())
            self._words.update(words)
            self._pairs.update(pairwise(words))

    def __contains__(self, name: str) -> bool:
        words = re.findall(r"[\w-]+", name.casefold())
        return words[0] in self._words if len(words) == 1 else (words[0], words[1]) in self._pairs


def of_unknown_things(drafts: Sequence[Draft], known: Known, seed: int) -> Iterator[Draft]:
    """Questions about a thing with another number in its name, which no document speaks of."""
    for draft in drafts:
        names = list(NAME.finditer(draft.question)) if draft.kind in ("natural", "keyword") else []
        if not names:
            continue
        name = names[0]
        for draw in range(8):
            other = brother(name.group(), draw + seed)
            if other not in known:
                question = draft.question[: name.start()] + other + draft.question[name.end() :]
                yield Draft(question, (), draft.sources, "unknown thing", "unanswerable")
                break


def of_foreign_columns(sources: Sequence[Source], seed: int) -> Iterator[Draft]:
    """Questions for what one table tells of its rows and another, of rows by the same name, does not."""
    told: dict[str, set[str]] = {}
    for source in sources:
        for row in source.rows:
            told.setdefault(row.column.casefold(), set()).update(column for column, _ in asked_columns(row))
    for source in sources:
        for number, row in enumerate(source.rows):
            own = {column for column, _ in row.cells} | {row.column}
            foreign = sorted(one for one in told[row.column.casefold()] - own if len(one) > 4 and one[0].islower())
            if row.column and source.title and foreign and len(row.name) > 3 and _content(row.name):
                column = Random(f"{seed}:{source.chunk.id}:{number}").choice(foreign)
                question = f"{asking(column)} of {row.name} in “{source.title}”?"
                yield Draft(question, (), (source.chunk,), "unknown attribute", "unanswerable")


def _content(text: str) -> set[str]:
    return {word for word in tokens(text) if word not in STOP_WORDS}
