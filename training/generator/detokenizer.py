"""Token ids to text while they arrive. Never gives out half a character.

Knows nothing about models; a tokenizer with ``decode`` is all it needs.
"""

from collections.abc import Sequence
from typing import Any

_UNFINISHED = "�"
"""What decoders put where bytes do not make a character (yet)."""


class Detokenizer:
    """Turns a growing list of ids into pieces of text whose concatenation is the whole text.

    Only a window of the last ids is decoded again: from the piece before the newest, since a
    token may read differently at the start of a text.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._ids: list[int] = []
        self._window = 0
        """Where the decoded window begins."""
        self._read = 0
        """Ids before this one have been given out."""

    def push(self, ids: Sequence[int]) -> str:
        """Take further ids; the text that is certain by now."""
        self._ids += ids
        known, text = self._texts()
        if text.endswith(_UNFINISHED) or len(text) <= len(known):
            return ""
        self._window, self._read = self._read, len(self._ids)
        return text[len(known) :]

    def finish(self) -> str:
        """What was held back, without a character that never became whole."""
        known, text = self._texts()
        self._window = self._read = len(self._ids)
        return text[len(known) :].rstrip(_UNFINISHED)

    def _texts(self) -> tuple[str, str]:
        """The window as it was given out, and with everything that has come since."""
        return self._decode(self._ids[self._window : self._read]), self._decode(self._ids[self._window :])

    def _decode(self, ids: list[int]) -> str:
        text = self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return str(text)
