"""A growing text as it may be shown: without thoughts, without white space at its ends, cut at a stop sequence.

Knows nothing about who generates it, or who reads it.
"""

from collections.abc import Sequence

from retrieval.prompt import strip_thinking

OPEN, END = "<think>", "</think>"


class Trimmed:
    """Passes a growing text on without its thoughts and the white space at its beginning and end.

    Args:
        thinking: the template may have opened the block of thoughts, so nothing is shown before its end.
    """

    def __init__(self, *, thinking: bool = False) -> None:
        self.whole = ""
        """What was passed on so far."""
        self._held = ""
        self._begun = False
        self._thinking = thinking

    def push(self, piece: str) -> str:
        """Take a piece; what can be shown by now."""
        self._held += piece
        if not self._begun:
            start = self._held.lstrip()
            if END in start:
                self._held = strip_thinking(self._held)
            elif self._thinking or OPEN.startswith(start[: len(OPEN)]):
                return ""
            self._begun = True
        return self._show()

    def finish(self) -> str:
        """What is left at the end: thoughts that never ended are not shown."""
        if not self._begun:
            self._held = strip_thinking(self._held)
        return self._show()

    def _show(self) -> str:
        text = self._held if self.whole else self._held.lstrip()
        shown = text.rstrip()
        self._held = text[len(shown) :]
        self.whole += shown
        return shown


class Stopped:
    """Passes a growing text on up to the first stop sequence, which is not shown itself.

    Args:
        stops: what ends the text; none lets all of it pass.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self.ended = False
        """A stop sequence was found."""
        self._stops = [stop for stop in stops if stop]
        self._held = ""

    def push(self, piece: str) -> str:
        """Take a piece; what can be shown by now: an end that may begin a stop sequence is held back."""
        if self.ended:
            return ""
        self._held += piece
        if found := [at for stop in self._stops if (at := self._held.find(stop)) >= 0]:
            shown, self._held, self.ended = self._held[: min(found)], "", True
            return shown
        keep = max((length for stop in self._stops for length in _begun(self._held, stop)), default=0)
        shown, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        return shown

    def finish(self) -> str:
        """What is left at the end."""
        shown, self._held = self._held, ""
        return shown


def _begun(text: str, stop: str) -> list[int]:
    """How many characters at the end of a text begin a stop sequence."""
    return [length for length in range(1, min(len(stop), len(text) + 1)) if text.endswith(stop[:length])]


class Shown:
    """Passes a growing text on as the client may see it.

    Args:
        thinking: as of :class:`Trimmed`.
        stops: as of :class:`Stopped`; what the model thinks ends nothing.
    """

    def __init__(self, *, thinking: bool = False, stops: Sequence[str] = ()) -> None:
        self._spoken = Trimmed(thinking=thinking)
        self._stopped = Stopped(stops)
        self._trimmed = Trimmed()

    @property
    def whole(self) -> str:
        """What was passed on so far."""
        return self._trimmed.whole

    @property
    def ended(self) -> bool:
        """A stop sequence was found; nothing comes any more."""
        return self._stopped.ended

    def push(self, piece: str) -> str:
        """Take a piece; what can be shown by now."""
        return self._trimmed.push(self._stopped.push(self._spoken.push(piece)))

    def finish(self) -> str:
        """What is left at the end."""
        rest = self._stopped.push(self._spoken.finish()) + self._stopped.finish()
        return self._trimmed.push(rest) + self._trimmed.finish()
