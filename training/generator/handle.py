"""One generation on its way: its pieces, for whoever waits in a thread or looks without waiting."""

import queue
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from retrieval.errors import LockstepError
from training.generator.detokenizer import Detokenizer

if TYPE_CHECKING:
    from training.generator.generation import Generator

FinishReason = Literal["stop", "length", "cancelled", "error"]
_END = object()


@dataclass(eq=False)
class GenerationHandle:
    """One request on its way. Iterating gives pieces of text as they come.

    Safe to use from another thread than the one that submitted it; only one thread may iterate.
    """

    id: str
    prompt_tokens: int
    _generator: "Generator"
    _engine: Any
    _detokenizer: Detokenizer
    _pieces: queue.SimpleQueue[Any] = field(default_factory=queue.SimpleQueue)
    completion_tokens: int = 0
    """Tokens generated so far, the end of the turn included."""
    finish_reason: FinishReason | None = None
    """``stop``: the model ended its turn; ``length``: cut; None while it runs."""
    _error: LockstepError | None = None
    _tell: Callable[[], None] | None = None

    def __iter__(self) -> Iterator[str]:
        """Pieces of text until the end.

        Raises:
            LockstepError: the engine died.
        """
        while (piece := self._pieces.get()) is not _END:
            yield piece
        self._pieces.put(_END)  # a second look ends at once, too
        if self._error is not None:
            raise self._error

    def text(self) -> str:
        """Wait for the end; everything that iterating has not yet given."""
        return "".join(self)

    def listen(self, tell: Callable[[], None]) -> None:
        """Have ``tell`` called, by another thread, each time that something has come: look then, without waiting."""
        self._tell = tell

    def arrived(self) -> list[str] | None:
        """The pieces that have come since the last look, without waiting; None at the end.

        Raises:
            LockstepError: the engine died.
        """
        pieces: list[str] = []
        while not self._pieces.empty():  # one reader: what is there stays there
            if (piece := self._pieces.get()) is _END:
                self._pieces.put(_END)
                if not pieces and self._error is not None:
                    raise self._error
                return pieces or None
            pieces.append(piece)
        return pieces

    def cancel(self) -> None:
        """Stop generating; a no-op when it has ended already."""
        self._generator._cancel(self)

    def _put(self, piece: Any) -> None:
        self._pieces.put(piece)
        if self._tell is not None:
            self._tell()

    def _take(self, tokens: Sequence[int]) -> None:
        new = tokens[self.completion_tokens :]
        self.completion_tokens = len(tokens)
        if piece := self._detokenizer.push(new):
            self._put(piece)

    def _end(self, reason: FinishReason, error: LockstepError | None = None) -> None:
        if self.finish_reason is not None:
            return
        if piece := self._detokenizer.finish():
            self._put(piece)
        self.finish_reason, self._error = reason, error
        self._put(_END)
