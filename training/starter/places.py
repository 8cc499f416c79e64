"""Where in a prompt the words of an answer stand, which is where heads are taught to look."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, NamedTuple

from retrieval.prompt import Message, cited_marks, strip_marks
from training.starter.pointing import ASKED, BACK, MATCH, MISS, SENTENCE, WORD, Pointer
from training.starter.world import Episode

SENTENCE_END = re.compile(r"(?<!\n\d)[.!?](?=\s)|.(?=\n)")
"""Where a sentence or a line ends; a number that opens a line is no sentence."""
WORDS = re.compile(r"\w+")


class Stand(NamedTuple):
    """The tokens at which an answer stands."""

    begin: int
    """Of the sentence or line that holds it."""
    end: int
    """The last of that sentence."""
    word: int
    """The first of the answer."""


class Source:
    """The passages as tokens of a prompt, and where in them answers stand."""

    def __init__(self, tokenizer: Any, messages: Sequence[Message], episode: Episode) -> None:
        self.tokenizer = tokenizer
        self.text = tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=True)
        offsets = tokenizer(self.text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
        self.ends = [end for _, end in offsets]
        self.spans: list[tuple[int, int]] = []
        """Characters of each passage's text."""
        end = 0
        for mark, passage in enumerate(episode.passages, start=1):
            block = f"[{mark}]{f' {passage.context}' if passage.context else ''}\n{passage.text}"
            end = self.text.index(block, end) + len(block)
            self.spans.append((end - len(passage.text), end))
        self.bounds = [
            match.end() for start, end in self.spans for match in SENTENCE_END.finditer(self.text, start, end)
        ]
        """Characters after which a sentence has ended; that at the end of a passage is not among them."""

    def while_reading(self, episode: Episode) -> list[Pointer]:
        """What to look at from the ends of the passages' sentences.

        Whether a sentence answers the question that stands before the passages can be known there;
        what it says in answer to another one is worth noting, too.
        """
        first = self._stands(episode.question, episode.completion)
        others = [stand for asked_for in episode.more for stand in self._stands(*asked_for)]
        back: dict[int, Pointer] = {}
        for stand in (*first, *others):
            back.setdefault(stand.end, Pointer(BACK, stand.end, (stand.word,)))
        opening = f"Question: {episode.question}"
        at = self.text.index(opening)
        asked = tuple(range(self._token(at), self._token(at + len(opening) - 1) + 1))
        right = {stand.end for stand in first}
        ends = sorted({self._token(end - 1) for end in (*self.bounds, *(end for _, end in self.spans))})
        matches = [Pointer(MATCH, end, asked) if end in right else Pointer(MISS, end, (0,)) for end in ends]
        return [*back.values(), *matches]

    def pointers(self, question: str, completion: str, asked: Sequence[int], last: int) -> list[Pointer]:
        """What to look at while a completion is said: its words in the passage, then the passage, for its mark.

        An abstention looks at the first token of all, where there is nothing.

        Args:
            asked: the positions of the question's tokens.
            last: the position of the prompt's last token.
        """
        span, stands = self._cited(completion), self._stands(question, completion)
        if span is None:
            return [
                *(Pointer(ASKED, at, (0,)) for at in asked),
                Pointer(SENTENCE, last, (0,)),
                Pointer(WORD, last, (0,)),
            ]
        if not stands:
            return []
        passage = range(self._token(span[0]), self._token(span[1] - 1) + 1)
        sentences = tuple({place for stand in stands for place in range(stand.begin, stand.end + 1)})
        found = [Pointer(ASKED, at, sentences) for at in asked]
        found.append(Pointer(SENTENCE, last, tuple({stand.end for stand in stands})))
        ids = self.tokenizer(completion, add_special_tokens=False)["input_ids"]
        words = len(self.tokenizer(strip_marks(completion), add_special_tokens=False)["input_ids"])
        for number in range(len(ids)):
            places = [stand.word + number for stand in stands] if number < words else passage
            found.append(Pointer(WORD, last + number, tuple(places)))
        return found

    def _stands(self, question: str, completion: str) -> list[Stand]:
        """Where an answer stands in the passage that it cites: where most words around it are the question's."""
        span = self._cited(completion)
        if span is None:
            return []
        start, end = span
        value = strip_marks(completion)
        ids = self.tokenizer(value, add_special_tokens=False)["input_ids"]
        words = set(WORDS.findall(question.casefold()))
        found: dict[int, list[Stand]] = {}
        for match in re.finditer(rf"(?<!\w){re.escape(value)}(?!\w)", self.text[start:end]):
            first, last = start + match.start(), start + match.end() - 1
            begin = max((bound for bound in self.bounds if start < bound <= first), default=start)
            stop = min((bound for bound in self.bounds if last < bound <= end), default=end)
            shared = len(words & set(WORDS.findall(self.text[begin:stop].casefold())))
            # Counted from the end: words at a start may be cut otherwise than in the middle of a line.
            stand = Stand(self._token(begin), self._token(stop - 1), self._token(last) - len(ids) + 1)
            found.setdefault(shared, []).append(stand)
        return found[max(found)] if found else []

    def _cited(self, completion: str) -> tuple[int, int] | None:
        """The characters of the passage that an answer cites; None where it abstains."""
        cited = cited_marks(completion, len(self.spans))
        return self.spans[cited[0] - 1] if cited else None

    def _token(self, character: int) -> int:
        """The token that a character of the prompt lies in."""
        return bisect_right(self.ends, character)
