"""One chat completion on one release: search, prompt, generate; streamed or whole, cancellable.

The question is the last user message. Earlier turns go into the prompt as they were, the oldest left
out where they do not fit. The client's system messages are not used: the instructions are part of the
release, and the release was measured with them.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from anyio import to_thread

from retrieval.errors import InputError
from retrieval.prompt import Message, strip_thinking
from service.http.problems import Problem
from service.http.schemas import ChatMessage
from service.live import Lease
from training.answering.answerer import Answer, Answerer, Prepared

if TYPE_CHECKING:
    from training.generator.generation import GenerationHandle
    from training.generator.remote import RemoteHandle

OPEN, END = "<think>", "</think>"


@dataclass(frozen=True)
class Conversation:
    """What a client's messages come to."""

    question: str
    history: tuple[Message, ...]
    """Alternating turns before the question, from the user's on."""
    ignored: tuple[str, ...]
    """What was sent and not used, such as ``messages[0]``."""


@dataclass(frozen=True)
class Usage:
    """Tokens read and written by the generator."""

    prompt_tokens: int
    completion_tokens: int


def read_conversation(messages: Sequence[ChatMessage]) -> Conversation:
    """The question, the turns before it, and what is ignored.

    Raises:
        Problem: the last message is not the user's, or is empty.
    """
    position = len(messages) - 1
    last = messages[position]
    if last.role != "user":
        raise Problem(
            f"found a last message of role {last.role!r}, expected the user's question",
            param=f"messages[{position}].role",
        )
    if not last.text.strip():
        raise Problem("found an empty question, expected text", param=f"messages[{position}].content")
    history: list[Message] = []
    ignored = []
    for number, message in enumerate(messages[:position]):
        if message.role in ("system", "developer"):
            ignored.append(f"messages[{number}]")
        elif history and history[-1]["role"] == message.role:  # many chat templates insist on alternation
            history[-1] = {"role": message.role, "content": f"{history[-1]['content']}\n\n{message.text}"}
        elif history or message.role == "user":
            history.append({"role": message.role, "content": message.text})
        else:
            ignored.append(f"messages[{number}]")
    if history and history[-1]["role"] == "user":  # the question before was never answered
        history.pop()
        ignored.append(f"messages[{position - 1}]")
    return Conversation(last.text, tuple(history), tuple(ignored))


class Completion:
    """An answer on its way. Close it when the request has ended, however it ends.

    Args:
        lease: the release that answers; the completion closes it.
    """

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self.runtime = lease.runtime
        self.answerer: Answerer = self.runtime.answerer
        self.ignored: tuple[str, ...] = ()
        self.answer: Answer | None = None
        self._prepared: Prepared | None = None
        self._handle: GenerationHandle | RemoteHandle | None = None

    def start(self, conversation: Conversation, *, new_tokens: int | None, temperature: float) -> None:
        """Search and queue the generation. Blocks for the search.

        Raises:
            Problem: the prompt is longer than the generator's context.
            Busy: too many requests wait already.
        """
        self.ignored = conversation.ignored
        self._prepared = self.answerer.prepare(conversation.question)
        if self._prepared.prompt_ids is None:
            return
        new_tokens = new_tokens or self.answerer.max_new_tokens  # thoughts are within what a client allows
        self._prepared = self._with_history(self._prepared, conversation.history, new_tokens)
        assert self._prepared.prompt_ids is not None
        generator = self.runtime.generator
        assert generator is not None
        length, most = len(self._prepared.prompt_ids), generator.max_context
        if length >= most:
            raise Problem(
                f"found a prompt of {length} tokens (the question with its passages), expected fewer than the "
                f"{most} of this model's context: ask a shorter question",
                param="messages",
                code="context_length_exceeded",
            )
        try:
            self._handle = generator.submit(
                self._prepared.prompt_ids, max_new_tokens=new_tokens, temperature=temperature
            )
        except InputError as error:
            raise Problem(str(error), param="messages", code=error.code) from error

    def _with_history(self, prepared: Prepared, history: Sequence[Message], new_tokens: int) -> Prepared:
        """The prompt with as many of the last turns as leave room for the answer."""
        generator = self.runtime.generator
        assert generator is not None
        for start in range(0, len(history), 2):
            messages = [prepared.messages[0], *history[start:], *prepared.messages[1:]]
            prompt_ids = self.answerer.encode(messages)
            if len(prompt_ids) + new_tokens <= generator.max_context:
                return replace(prepared, messages=messages, prompt_ids=prompt_ids)
        return prepared

    async def pieces(self) -> AsyncIterator[str]:
        """The text as it comes; together exactly the answer's text. :attr:`answer` is there at the end.

        Raises:
            LockstepError: the generation failed.
        """
        assert self._prepared is not None
        text = Trimmed(thinking=bool(self.answerer.prompt.thinking_tokens))
        if self._handle is not None:
            generated = iter(self._handle)
            # Left behind when the client goes away: closing cancels the request, which ends the wait.
            while (piece := await to_thread.run_sync(_next, generated, abandon_on_cancel=True)) is not None:
                if shown := text.push(piece):
                    yield shown
            if shown := text.finish():
                yield shown
        reason = (self._handle.finish_reason if self._handle is not None else None) or "stop"
        self.answer = self.answerer.conclude(self._prepared, text.whole, reason)
        if self.answer.text and not text.whole:  # nothing was generated: the abstention is the answer
            yield self.answer.text

    @property
    def usage(self) -> Usage:
        """Tokens so far."""
        if self._handle is None:
            return Usage(0, 0)
        return Usage(self._handle.prompt_tokens, self._handle.completion_tokens)

    def close(self) -> None:
        """Cancel what still runs and give the release back; safe to call twice."""
        if self._handle is not None:
            self._handle.cancel()
        self._lease.close()


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


def _next(generated: Iterator[str]) -> str | None:
    """The next piece; None at the end (an exception of its own cannot cross into a coroutine)."""
    return next(generated, None)
