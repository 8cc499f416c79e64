"""A follow-up made a question that stands alone: what it leaves out is taken from the turns before it.

Deterministic, and in microseconds: a small generator rewrites questions badly, and what it makes up would be
searched for. What is taken over is set in parentheses behind the question, word for word as the turn before had
it, so that everybody sees what the index was asked. Knows nothing about
how is searched.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from retrieval.documents import Passage
from retrieval.prompt import Message, strip_marks
from training.scoring.stopwords import STOP_WORDS

_REFERENCE = re.compile(
    r"\b(?:it|its|they|them|their|theirs|he|him|his|she|her|hers|this|these|those|there"  # English
    r"|er|sie|ihn|ihm|ihr|ihre[nmrs]?|seine?[nmrs]?|dessen|deren|diese[nmrs]?|dies|davon|dafür|dazu|darin|damit|dort"
    r"|il|elle|ils|elles|leurs?|celui|celle|ceux|cette|cet|ces"
    r"|él|ella|ellos|ellas|sus?|est[eao]s?|es[eao]s?"
    r"|that(?!\s+(?:is|are|was|were|the|an?)\b))\b|它|他们|她|这个|那个|该",
    re.IGNORECASE,
)
_EXPLETIVE = re.compile(
    r"\b(?:is|are|was|were|does|would|will)\s+(?:it|there)\b(?=.*\b(?:to|that|an?|any)\b)|\bthere\s+(?:is|are)\b",
    re.IGNORECASE,
)
"""*It* and *there* that point at nothing: "Is it possible to ...", "Are there any ..."."""
_BEGINNING = re.compile(
    r"\s*(?:and|but|or|also|what about|how about|und|aber|oder|auch|was ist mit|wie ist es mit|et|mais|ou|y|pero|o)\b",
    re.IGNORECASE,
)
_ONE = re.compile(r"\b(?:the|this|that|these|those|other|another|same|which)\b[^.?!]*?\bones?\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W_](?:[\w'’./+-]*\w)?")
_LONGEST = 2_000
"""Characters: a longer question is a text that somebody pasted, and stands alone; of a longer turn only the beginning
is looked at. It keeps the expressions above, which look back and forth, from taking long."""
_EXCHANGES = 16
"""The last ones, which a follow-up can be about."""
_MOST = 12
"""Words taken over at most: of a page that somebody pasted only the first ones."""


@dataclass(frozen=True)
class Standalone:
    """A question with all that it needs."""

    text: str
    """What the index is asked."""
    certain: bool
    """Whether the words say that it follows up; else it may as well begin something new."""
    names: tuple[str, ...] = ()
    """The names taken over, by which the turns before said what they were about."""

    def about(self, passages: Sequence[Passage]) -> list[Passage]:
        """The passages that hold one of those names, best first; all of them where none does, or it is a guess."""
        wanted = {name.casefold() for name in self.names}
        named = [one for one in passages if wanted & {word.casefold() for word in _WORD.findall(_shown(one))}]
        return named if named and self.certain else list(passages)


def standalone(question: str, history: Sequence[Message]) -> Standalone | None:
    """The question with what it takes from the turns before; None where it stands alone.

    Args:
        history: alternating turns, from the user's on.
    """
    asked, answered = "", ""  # the last question, itself made to stand alone, and its answer
    turns = [turn["content"][:_LONGEST] for turn in history[-2 * _EXCHANGES :]]
    for question_before, answer in zip(turns[::2], turns[1::2], strict=False):
        resolved = _resolve(question_before, asked, answered)
        asked = resolved.text if resolved else question_before
        answered = strip_marks(answer)
    return _resolve(question, asked, answered) if len(question) <= _LONGEST else None


def interleave(first: Sequence[Passage], second: Sequence[Passage]) -> list[Passage]:
    """As many passages as the first search found, from both in turns, each once; ranked anew."""
    merged = {one.chunk_id: one for pair in zip_longest(first, second) for one in pair if one is not None}
    return [replace(one, rank=rank) for rank, one in enumerate(list(merged.values())[: len(first)], start=1)]


def _resolve(question: str, asked: str, answered: str) -> Standalone | None:
    if not asked:
        return None
    own, names = _content(question), _names(question)
    reference = _refers(question, names)
    marked = bool(reference or _ONE.search(question) or _BEGINNING.match(question) or not own)
    if names and not marked:
        return None
    known = {word.casefold() for word in own}
    named: list[str] = []
    if names and not reference and own:
        taken = [word for word in _content(asked) if word not in _names(asked)]  # "And the Isar one?": another name
    elif own:
        spelled = [[name for name in _names(text) if not name.isdigit()] for text in (asked, answered)]
        named = spelled[0] or spelled[1] or _names(asked)
        taken = named or _content(asked)
    else:
        taken = _content(asked)  # "Why?"
    fresh = [word for word in dict.fromkeys(taken) if word.casefold() not in known][:_MOST]
    if not fresh:
        return None
    return Standalone(f"{question.strip()} ({' '.join(fresh)})", marked, tuple(one for one in fresh if one in named))


def _shown(passage: Passage) -> str:
    return f"{passage.context} {passage.text}"


def _refers(question: str, names: Sequence[str]) -> bool:
    """Whether a word points at something that the question does not name before it."""
    bare = _EXPLETIVE.sub(" ", question)
    found = _REFERENCE.search(bare)
    return found is not None and not any(name in bare[: found.start()] for name in names)


def _content(text: str) -> list[str]:
    """The words that carry meaning, in their order."""
    return [word for word in _WORD.findall(text) if word.casefold() not in STOP_WORDS]


def _names(text: str) -> list[str]:
    """Words that look like names: a capital or a digit in them, unless that is how a sentence begins."""
    found = []
    for match in _WORD.finditer(text):
        word = match.group()
        begins = not text[: match.start()].strip() or text[: match.start()].rstrip()[-1] in ".?!:"
        telling = any(c.isdigit() for c in word) or word[1:] != word[1:].lower() or (word[0].isupper() and not begins)
        if telling and word.casefold() not in STOP_WORDS:
            found.append(word)
    return found
