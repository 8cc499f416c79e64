"""A generator at another address: any server with OpenAI's chat completions (vLLM, llama.cpp, Ollama, Lockstep).

Takes messages where :class:`training.generator.generation.Generator` takes token ids, since the template is the
server's; what uses the one can use the other. Imports ``openai`` only where a server is asked.
"""

import json
import os
import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from retrieval.chat_template import Tool
from retrieval.errors import Busy, InputError, LockstepError, Unavailable
from retrieval.prompt import Message
from training.generator.tool_calls import Call, parsed

if TYPE_CHECKING:
    from openai import OpenAI

KEY = "LOCKSTEP_GENERATOR_KEY"
"""The environment variable with the server's key, where it wants one."""
CONNECT_SECONDS, SILENT_SECONDS = 5.0, 120.0
"""To reach the server, and between two pieces of an answer."""
RETRIES = 2
"""Of a request that reached nobody or was told to come again, with growing pauses; never of an answer begun."""
REQUESTS = 8
"""Sent at a time where many questions are answered together."""
CONTEXT = 4096
"""Tokens, of a server that does not tell."""
REPEATED = 12
"""Characters that an error of the server has in common with the prompt are a quotation."""
TOKEN_CHARACTERS = 3
"""Characters to a token, roughly and on the safe side: the server's tokenizer is not here."""


@dataclass(frozen=True)
class RemotePrompt:
    """Messages on their way to a server; its length is in tokens, roughly."""

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    """Functions that the model may call."""

    def __len__(self) -> int:
        shown = sum(4 + len(content) // TOKEN_CHARACTERS for content in self.contents())
        return shown + len(json.dumps(self.tools)) // TOKEN_CHARACTERS if self.tools else shown

    def contents(self) -> list[str]:
        """What is sent."""
        return [message["content"] for message in self.messages]

    def wire(self) -> list[dict[str, Any]]:
        """The messages in OpenAI's form, in which what is called is given as a string."""
        sent: list[dict[str, Any]] = []
        for message in self.messages:
            one: dict[str, Any] = dict(message)
            if "tool_calls" in one:
                one["tool_calls"] = [
                    {**call, "function": {**call["function"], "arguments": json.dumps(call["function"]["arguments"])}}
                    for call in one["tool_calls"]
                ]
            sent.append(one)
        return sent


class RemoteHandle:
    """One request on its way, as :class:`training.generator.generation.GenerationHandle`."""

    def __init__(self, stream: Any, prompt_tokens: int, where: str, sent: Sequence[str] = ()) -> None:
        self._stream, self._where, self._sent = stream, where, sent
        self._cancelled = False
        self._called = ["", ""]
        """Name and arguments of the first call, as far as they have come."""
        self.prompt_tokens = prompt_tokens
        """A rough number until the server has told it."""
        self.completion_tokens = 0
        self.finish_reason: str | None = None

    def __iter__(self) -> Iterator[str]:
        """Pieces of text until the end; a call of a tool comes last, written as text.

        Raises:
            Unavailable: the server went away, or ended the answer before it was complete.
        """
        try:
            with _faults(self._where, self._sent):
                for chunk in self._stream:
                    for choice in chunk.choices[:1]:
                        if choice.delta.content:
                            self.completion_tokens += 1
                            yield choice.delta.content
                        for part in choice.delta.tool_calls or ():
                            if part.index == 0 and part.function is not None:
                                self._called[0] += part.function.name or ""
                                self._called[1] += part.function.arguments or ""
                        if choice.finish_reason:
                            self.finish_reason = "length" if choice.finish_reason == "length" else "stop"
                    if chunk.usage is not None:
                        self.prompt_tokens = chunk.usage.prompt_tokens
                        self.completion_tokens = chunk.usage.completion_tokens
        except Unavailable:
            if self._cancelled or self.finish_reason is not None:
                return
            raise
        if self.finish_reason is None and not self._cancelled:
            raise Unavailable(
                f"found the answer of the generator at {self._where} cut off in the middle, expected it whole: the "
                "server has stopped or failed; ask again"
            )
        name, arguments = self._called
        if name and (given := parsed(arguments or "{}")) is not None:
            yield Call(name, given).written()

    def text(self) -> str:
        """Wait for the end; everything that iterating has not yet given."""
        return "".join(self)

    def cancel(self) -> None:
        """Hang up, upon which the server stops; a no-op when the answer has ended already."""
        if self.finish_reason is None:
            self._cancelled, self.finish_reason = True, "cancelled"
            # A thread that waits for the next piece is woken by this alone: closing leaves it in its read.
            with suppress(OSError, AttributeError, KeyError):  # gone already, or a transport without a socket
                self._stream.response.extensions["network_stream"].get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        self._stream.close()


class RemoteGenerator:
    """A model behind an OpenAI-compatible server.

    Args:
        url: of the API, such as ``http://127.0.0.1:8000/v1``.
        model: its name at the server.
    """

    can_score = False
    """Losses of given answers cannot be had."""
    sampling = frozenset({"top_p", "seed", "presence_penalty", "frequency_penalty"})
    """What :meth:`submit` takes beside the temperature, by OpenAI's names."""
    remote = True
    """Submitting and reading wait for another machine."""

    def __init__(self, url: str, model: str) -> None:
        self.url, self.model = url, model
        self.identity = f"{model} at {url}"
        self._where = _address(url)

    @cached_property
    def _client(self) -> "OpenAI":
        from openai import OpenAI, Timeout

        return OpenAI(
            base_url=self.url,
            api_key=os.environ.get(KEY) or "none",
            timeout=Timeout(SILENT_SECONDS, connect=CONNECT_SECONDS),
            max_retries=RETRIES,
        )

    @cached_property
    def max_context(self) -> int:
        """Tokens of prompt and completion together: as the server tells them (vLLM does), else few."""
        try:
            told = self.listed().get(self.model)
        except LockstepError:
            return CONTEXT
        return told if told else CONTEXT

    def count(self, text: str) -> int:
        """Tokens of a text, roughly."""
        return len(text) // TOKEN_CHARACTERS

    def listed(self) -> dict[str, int | None]:
        """The models that the server tells of, each with the tokens of its context where it tells them, too.

        Raises:
            LockstepError: there is no server, or it fails.
        """
        import openai

        with _faults(self._where), suppress(openai.NotFoundError):  # some list nothing
            found = [one.to_dict() for one in self._client.with_options(max_retries=0).models.list().data]
            told = {str(one["id"]): one.get("max_model_len") for one in found}
            return {name: number if isinstance(number, int) else None for name, number in told.items()}
        return {}

    def start(self) -> None:
        """Nothing to do: a server that is away is told by each request, until it is back."""

    def stop(self) -> None:
        """Close the connections."""
        if "_client" in self.__dict__:
            self._client.close()
            del self._client

    def encode(
        self, messages: Sequence[Message], *, thinking: bool = False, tools: Sequence[Tool] = ()
    ) -> RemotePrompt:
        """The messages as they are sent; whether the model thinks is the server's to say."""
        return RemotePrompt(tuple(messages), tuple(tools))

    def takes_tools(self, conversation: Sequence[Message], tools: Sequence[Tool]) -> bool:
        """Whether the server takes tools, calls and results: asked for one token.

        Raises:
            Unavailable: the server is away or fails.
        """
        try:
            self.complete([self.encode(conversation, tools=tools)], 1)
        except InputError:
            return False
        return True

    def submit(
        self, prompt: RemotePrompt, *, max_new_tokens: int, temperature: float = 0.0, **sampling: float
    ) -> RemoteHandle:
        """Send a request and wait for its answer to begin.

        Args:
            sampling: passed on as it is; one of :attr:`sampling`.

        Raises:
            Unavailable: the server is away, silent for too long, or fails.
            InputError: it refuses the request.
            Busy: it has too much to do.
        """
        messages: Any = prompt.wire()
        more: Any = {**sampling, **({"tools": list(prompt.tools)} if prompt.tools else {})}
        sent = prompt.contents()
        with _faults(self._where, sent):
            stream = self._client.chat.completions.create(
                model=self.model,
                messages=messages,
                max_tokens=max_new_tokens,
                temperature=temperature,
                stream=True,
                stream_options={"include_usage": True},
                **more,
            )
        return RemoteHandle(stream, len(prompt), self._where, sent)

    def complete(self, prompts: Sequence[RemotePrompt], max_new_tokens: int) -> list[tuple[str, str]]:
        """The greedy completion of each prompt, in their order, and why it ended: ``stop`` or ``length``."""

        def one(prompt: RemotePrompt) -> tuple[str, str]:
            handle = self.submit(prompt, max_new_tokens=max_new_tokens)
            return handle.text(), handle.finish_reason or "stop"

        with ThreadPoolExecutor(REQUESTS) as pool:
            return list(pool.map(one, prompts))


@contextmanager
def _faults(where: str, sent: Sequence[str] = ()) -> Iterator[None]:
    """Turn what can go wrong between here and the server into words, without repeating any of those that were sent."""
    import httpx2  # openai's transport: what breaks in the middle of a stream comes from it
    import openai

    said = partial(_said, sent=sent)
    try:
        yield
    except openai.RateLimitError as error:
        raise Busy(f"found the generator at {where} with too much to do ({said(error)}): try again later") from error
    except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
        raise Unavailable(
            f"found the generator at {where} refusing the key ({said(error)}), expected it in the environment's "
            f"{KEY}: set it, and start again"
        ) from error
    except openai.NotFoundError as error:
        raise Unavailable(
            f"found nothing to ask at {where} ({said(error)}), expected an address such as http://host:8000/v1 and "
            "the model's name there: correct url and model under [generator]"
        ) from error
    except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
        raise InputError(f"found the generator at {where} refusing the request: {said(error)}") from error
    except openai.APITimeoutError as error:
        raise Unavailable(
            f"found the generator at {where} silent for {SILENT_SECONDS:.0f} s, expected an answer: look at that server"
        ) from error
    except (openai.OpenAIError, httpx2.HTTPError, httpx2.StreamError, ValueError) as error:
        raise Unavailable(
            f"found no usable answer of the generator at {where} ({said(error)}), expected a server with OpenAI's "
            "chat completions: start it, or correct url under [generator]; then ask again"
        ) from error


def _said(error: Exception, sent: Sequence[str]) -> str:
    """What an error says, in one line, with what lies behind it; servers repeat keys and prompts in their errors."""
    told = " ".join(str(error).split()) or type(error).__name__
    behind = " ".join(str(error.__cause__ or "").split())
    said = f"{told} {behind}".strip()[:300]
    if key := os.environ.get(KEY):
        said = said.replace(key, "(the key)")
    return _without(said, [" ".join(one.split()) for one in sent])


def _without(said: str, sent: Sequence[str]) -> str:
    """A short text, with three dots where it has as many characters as :data:`REPEATED` of another."""
    repeated = bytearray(len(said))
    for start in range(len(said) - REPEATED + 1):
        if any(said[start : start + REPEATED] in one for one in sent):
            repeated[start : start + REPEATED] = b"\1" * REPEATED
    runs = groupby(zip(said, repeated, strict=True), key=itemgetter(1))
    return "".join("..." if hidden else "".join(map(itemgetter(0), run)) for hidden, run in runs)


def _address(url: str) -> str:
    """A URL as it may be shown: without a password or a query."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
