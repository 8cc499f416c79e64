"""One chat completion on one release: search, prompt, generate; streamed or whole, cancellable.

A follow-up takes from earlier turns what it leaves out, and is then asked without them, as the release was
measured: a small generator repeats what it said before. Other questions have the earlier turns in the prompt as
they were, the oldest left out, and named, where they do not fit.
"""

from bisect import bisect_left
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from anyio import CapacityLimiter, to_thread

from retrieval.errors import Busy, InputError
from retrieval.prompt import Message
from service.admission import Entry, Overloaded
from service.http.arriving import arriving, blocking
from service.http.conversation import Conversation
from service.http.problems import Problem
from service.http.text_stream import Shown
from service.live import Lease
from training.answering.answerer import Answer, Answerer, Prepared
from training.answering.followup import interleave, standalone

if TYPE_CHECKING:
    from training.generator.handle import GenerationHandle
    from training.generator.remote import RemoteHandle

FREE_TOKENS = 256
"""Length of what the generator writes without retrieval, where the client names none."""
TOKEN_CHARACTERS = 16
"""To a token at most, in text of any kind: what is longer by this is refused before anything is computed of it."""


@dataclass(frozen=True)
class Options:
    """What a client asks of the generation."""

    new_tokens: int | None = None
    """At most; None leaves it to the release."""
    temperature: float = 0.0
    stops: tuple[str, ...] = ()
    """Texts that end the answer, and are not part of it."""
    sampling: Mapping[str, float] = field(default_factory=dict)
    """Further parameters by OpenAI's names; those that the generator cannot honour are ignored, and named."""


@dataclass(frozen=True)
class Usage:
    """Tokens read and written by the generator."""

    prompt_tokens: int
    completion_tokens: int


class Completion:
    """An answer on its way. Close it when the request has ended, however it ends.

    Args:
        lease: the release that answers; the completion closes it.
        retrieval: answer from the documents; else the generator says what it says.
        task: what to do with the last message, which stands for itself then.
    """

    def __init__(self, lease: Lease, *, retrieval: bool = True, task: str | None = None) -> None:
        self._lease = lease
        self.runtime = lease.runtime
        self.answerer: Answerer = self.runtime.answerer
        self.retrieval = retrieval
        self.task = task
        self.question: str | None = None
        """What the index was asked; None where it was not."""
        self.ignored: tuple[str, ...] = ()
        """What the client sent and nothing honours, such as ``messages[0]`` or ``top_p``."""
        self.answer: Answer | None = None
        self.entry: Entry | None = None
        """The place among those who wait; given back when the answer is there, or with the completion."""
        self._options = Options()
        self._prepared: Prepared | None = None
        self._handle: GenerationHandle | RemoteHandle | None = None
        self._label: str | None = None
        """What a classification has chosen: nothing is generated then."""

    async def start(
        self, conversation: Conversation, options: Options, *, searching: CapacityLimiter | None = None
    ) -> None:
        """Search and queue the generation.

        Args:
            searching: bounds the threads that search.

        Raises:
            Problem: the prompt is longer than the generator's context.
            Overloaded: too many requests wait already.
        """
        generator: Any = self.runtime.generator
        self._options = options
        honoured = {name: value for name, value in options.sampling.items() if name in generator.sampling}
        self.ignored = (
            *(sorted({*conversation.unused, *conversation.instructions}) if self.retrieval else conversation.unused),
            *(name for name in options.sampling if name not in honoured),
        )
        new_tokens = await to_thread.run_sync(self._prepare, conversation, limiter=searching)
        assert self._prepared is not None
        if (prompt := self._prepared.prompt_ids) is None or self._label is not None:
            return

        def submit() -> Any:
            return generator.submit(prompt, max_new_tokens=new_tokens, temperature=options.temperature, **honoured)

        try:
            handle: Any = await blocking(submit, lambda handle: handle.cancel()) if generator.remote else submit()
            self._handle = handle
        except InputError as error:
            raise Problem(str(error), param="messages", code=error.code) from error
        except Busy as error:
            raise Overloaded(str(error)) from error

    def _prepare(self, conversation: Conversation) -> int:
        """Search, and render the prompt; how many tokens may be generated."""
        generator = self.runtime.generator
        assert generator is not None
        if len(conversation.question) > TOKEN_CHARACTERS * generator.max_context:
            raise self._too_long(f"a last message of {len(conversation.question)} characters")
        if self.retrieval:
            self._prepared = self._with_retrieval(conversation)
            self.question = self._prepared.question
            usual = self.answerer.new_tokens(self._prepared.task)
        else:
            self._prepared = self._without_retrieval(conversation)
            usual = min(FREE_TOKENS, generator.max_context // 2)
        new_tokens = self._options.new_tokens or usual  # thoughts are within what a client allows
        if self._prepared.prompt_ids is None:
            return new_tokens
        if self.task is not None and self.retrieval:
            self.ignored += tuple(name for names in conversation.sources for name in names)
        elif self.question in (None, conversation.question):
            self._prepared = self._with_history(self._prepared, conversation, new_tokens)
        length = len(self._prepared.prompt_ids or ())
        if length >= generator.max_context:
            what = "the question with its passages" if self.retrieval else "the last message with the instructions"
            raise self._too_long(f"a prompt of {length} tokens ({what})")
        self._label = self.answerer.choose([self._prepared])[0]
        return new_tokens

    def _too_long(self, found: str) -> Problem:
        assert self.runtime.generator is not None
        return Problem(
            f"found {found}, expected fewer than the {self.runtime.generator.max_context} tokens of this model's "
            "context: send a shorter one",
            param="messages",
            code="context_length_exceeded",
        )

    def _with_retrieval(self, conversation: Conversation) -> Prepared:
        """A follow-up is made to stand alone; where that is a guess, the question is searched for as it is, too."""
        found = standalone(conversation.question, conversation.history) if self.task is None else None
        if found is None:
            return self.answerer.prepare(conversation.question, self.task)
        questions = [found.text] if found.certain else [conversation.question, found.text]
        searched = self.answerer.searcher.search_batch(questions, top_k=self.answerer.settings.top_k)
        passages = found.about(searched[0]) if found.certain else interleave(*searched)
        return self.answerer.prepare_found(found.text, passages)

    def _without_retrieval(self, conversation: Conversation) -> Prepared:
        messages = [Message(role="system", content=conversation.system)] if conversation.system else []
        messages.append(Message(role="user", content=conversation.question))
        return Prepared(conversation.question, messages, self.answerer.encode(messages), (), 0, abstain=False)

    def _with_history(self, prepared: Prepared, conversation: Conversation, new_tokens: int) -> Prepared:
        """The prompt with as many of the last turns as leave room for the answer; the others are named."""
        generator = self.runtime.generator
        assert generator is not None
        history = conversation.history

        @cache
        def rendered(start: int) -> tuple[list[Message], Any]:
            messages = [*prepared.messages[:-1], *history[start:], prepared.messages[-1]]
            return messages, self.answerer.encode(messages)

        def fits(start: int) -> bool:
            if sum(len(one["content"]) for one in history[start:]) > TOKEN_CHARACTERS * generator.max_context:
                return False
            return len(rendered(start)[1]) + new_tokens <= generator.max_context

        start = 0
        if history and not fits(0):
            starts = range(0, len(history), 2)  # of a long history few are tried: reading it takes long
            start = 2 * bisect_left(starts, True, lo=1, key=fits)
        if start < len(history):
            messages, prompt_ids = rendered(start)
            prepared = replace(prepared, messages=messages, prompt_ids=prompt_ids)
        self.ignored += tuple(name for names in conversation.sources[:start] for name in names)
        return prepared

    async def pieces(self) -> AsyncIterator[str]:
        """The text as it comes; together exactly the answer's text. :attr:`answer` is there at the end.

        Raises:
            LockstepError: the generation failed.
        """
        assert self._prepared is not None
        text = Shown(thinking=bool(self.answerer.prompt.thinking_tokens), stops=self._options.stops)
        whole = self._prepared.task is not None and bool(self._prepared.task.labels)  # it becomes a label at the end
        if (handle := self._handle) is not None:
            async for piece in arriving(handle):
                if (shown := text.push(piece)) and not whole:
                    yield shown
                if text.ended:
                    handle.cancel()
                    break
            if (shown := text.finish()) and not whole:
                yield shown
        reason = (handle.finish_reason if handle is not None else None) or "stop"
        self._leave(done=True)
        self.answer = self._conclude(self._prepared, self._label or text.whole, "stop" if text.ended else reason)
        if self.answer.text and (whole or not text.whole):  # nothing was generated: the abstention is the answer
            yield self.answer.text

    async def whole(self) -> Answer:
        """The answer in one piece."""
        async for _ in self.pieces():
            pass
        assert self.answer is not None
        return self.answer

    def _conclude(self, prepared: Prepared, text: str, reason: str) -> Answer:
        if self.retrieval:
            return self.answerer.conclude(prepared, text, reason)
        return Answer(text, False, (), (), self.answerer.release, reason)

    @property
    def usage(self) -> Usage:
        """Tokens so far."""
        if self._label is not None and self._prepared is not None and self.runtime.generator is not None:
            return Usage(len(self._prepared.prompt_ids or ()), self.runtime.generator.count(self._label))
        if self._handle is None:
            return Usage(0, 0)
        return Usage(self._handle.prompt_tokens, self._handle.completion_tokens)

    def tokens(self) -> tuple[int, int]:
        """Tokens read and written so far."""
        return self.usage.prompt_tokens, self.usage.completion_tokens

    def close(self) -> None:
        """Cancel what still runs and give the release back; safe to call twice."""
        if self._handle is not None:
            self._handle.cancel()
        self._leave()
        self._lease.close()

    def _leave(self, *, done: bool = False) -> None:
        if self.entry is not None:
            self.entry.leave(done=done)
