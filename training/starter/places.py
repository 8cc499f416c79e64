"""Where in a prompt the words of an answer stand, which is where heads are taught to look."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from retrieval.prompt import Message, cited_marks, strip_marks
from training.starter.pointing import BACK, SENTENCE, WORD, Pointer
from training.starter.world import Episode

SENTENCE_END = re.compile(r"[.!?](?=\s)|.(?=\n)")
"""Where a sentence or a line ends."""


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
        self.back: dict[int, Pointer] = {}
        for completion in (episode.completion, *(completion for _, completion in episode.more)):
            for sentence, word in self._stands(completion):
                # What the question before the passages asks for goes first; there it can be known.
                self.back.setdefault(sentence, Pointer(BACK, sentence, (word,)))

    def pointers(self, completion: str, last: int) -> list[Pointer]:
        """What to look at while a completion is said: its words in the passage, then the passage, for its mark.

        An abstention looks at the first token of all, where there is nothing.

        Args:
            last: the position of the prompt's last token.
        """
        span, stands = self._cited(completion), self._stands(completion)
        if span is None:
            return [Pointer(SENTENCE, last, (0,)), Pointer(WORD, last, (0,))]
        if not stands:
            return []
        passage = range(self._token(span[0]), self._token(span[1] - 1) + 1)
        found = [Pointer(SENTENCE, last, tuple({sentence for sentence, _ in stands}))]
        ids = self.tokenizer(completion, add_special_tokens=False)["input_ids"]
        words = len(self.tokenizer(strip_marks(completion), add_special_tokens=False)["input_ids"])
        for number in range(len(ids)):
            places = [word + number for _, word in stands] if number < words else passage
            found.append(Pointer(WORD, last + number, tuple(places)))
        return found

    def _stands(self, completion: str) -> list[tuple[int, int]]:
        """The tokens that end the sentence (or line) of an answer and that begin the answer, wherever it stands."""
        span = self._cited(completion)
        if span is None:
            return []
        start, end = span
        value = strip_marks(completion)
        ids = self.tokenizer(value, add_special_tokens=False)["input_ids"]
        found = []
        for match in re.finditer(rf"(?<!\w){re.escape(value)}(?!\w)", self.text[start:end]):
            stop = SENTENCE_END.search(self.text, start + match.end(), end)
            sentence = self._token(stop.start() if stop else end - 1)
            # Counted from the end: words at a start may be cut otherwise than in the middle of a line.
            found.append((sentence, self._token(start + match.end() - 1) - len(ids) + 1))
        return found

    def _cited(self, completion: str) -> tuple[int, int] | None:
        """The characters of the passage that an answer cites; None where it abstains."""
        cited = cited_marks(completion, len(self.spans))
        return self.spans[cited[0] - 1] if cited else None

    def _token(self, character: int) -> int:
        """The token that a character of the prompt lies in."""
        return bisect_right(self.ends, character)
