"""Generates text with a causal language model: many requests at a time, streamed, cancellable.

Wraps transformers' continuous batching. Knows nothing about prompts beyond encoding messages,
and nothing about releases.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from retrieval.chat_template import Tool, encode, takes_tools
from retrieval.errors import Busy, InputError, LockstepError
from retrieval.hardware import core_threads
from retrieval.prompt import Message
from training.generator.detokenizer import Detokenizer
from training.generator.files import (
    context_length,
    encode_completion,
    encode_target,
    eos_token_ids,
    load_model,
    merge_adapter,
    model_identity,
)
from training.generator.handle import GenerationHandle
from training.generator.weighing import log_probabilities

T = TypeVar("T")
CPU_REQUESTS, GPU_REQUESTS = 16, 8
"""Requests computed at a time. On a CPU more than 8 speed up long answers only, by a quarter from 8 to 16."""


class Generator:
    """A model with its tokenizer; ``start`` it to serve, or call ``generate``, which starts it if need be.

    Args:
        model: a causal language model of transformers, in evaluation mode.
        tokenizer: with a chat template.
        cache_tokens: tokens of all running requests together that the key/value cache holds.
        max_batch_tokens: tokens computed in one step at most.
        max_requests: requests computed at a time.
        max_waiting: requests running and waiting at most; one more is refused as :class:`Busy`.
        identity: what tells the model's weights from others.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        *,
        cache_tokens: int = 8_192,
        max_batch_tokens: int = 1_024,
        max_requests: int = GPU_REQUESTS,
        max_waiting: int = 512,
        identity: str | None = None,
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.identity = identity
        self._bounds = {
            "cache_tokens": cache_tokens,
            "max_batch_tokens": max_batch_tokens,
            "max_requests": max_requests,
        }
        self._max_waiting = max_waiting
        self.eos_token_ids = eos_token_ids(model, tokenizer)
        self._numbers = count()
        self._lifecycle = threading.RLock()
        """Held while the engine starts or stops; never taken by the threads that these wait for."""
        self._lock = threading.Lock()
        """Guards ``_open``."""
        self._open: dict[str, GenerationHandle] = {}
        self._engines: list[Any] = []
        self._spare: ThreadPoolExecutor | None = None
        """As many threads as engines, which compute beside them."""
        self._kept = False
        """Started to stay, not just for one ``generate``."""
        self._borrowers = 0

    can_score = True
    """Losses of given answers can be had."""
    sampling: frozenset[str] = frozenset()
    """What :meth:`submit` takes beside the temperature, by OpenAI's names."""
    remote = False
    """Submitting and reading wait for nobody else's machine."""

    @property
    def max_context(self) -> int:
        """Tokens of prompt and completion together that the model and the cache take."""
        return min(context_length(self.model.config, self.tokenizer), self._bounds["cache_tokens"])

    @property
    def running(self) -> bool:
        """Whether requests are taken: started, and every engine is alive."""
        return bool(self._engines) and all(engine.running for engine in self._engines)

    def encode(self, messages: Sequence[Message], *, thinking: bool = False, tools: Sequence[Tool] = ()) -> list[int]:
        """Token ids of the messages with the generation prompt."""
        return encode(self.tokenizer, messages, thinking=thinking, tools=tools)

    def takes_tools(self, conversation: Sequence[Message], tools: Sequence[Tool]) -> bool:
        """Whether the template shows tools, calls and results."""
        return takes_tools(self.tokenizer, conversation, tools)

    def count(self, text: str) -> int:
        """Tokens of a text."""
        return len(self.encode_completion(text))

    def encode_completion(self, text: str) -> list[int]:
        """Token ids of an answer as it follows the prompt, without the end of the turn."""
        return encode_completion(self.tokenizer, text)

    @property
    def computes_beside(self) -> int:
        """How many :meth:`score` computes at a time while the engines generate, each on one core; 0 where it waits."""
        return len(self._engines) if self.running and self._engines[0].one_core else 0

    def start(self) -> None:
        """Reserve the cache and start the engines, which run until :meth:`stop`; a no-op while they run."""
        with self._lifecycle:
            self._kept = True
            self._start()

    def stop(self) -> None:
        """End the engines, fail what still runs, free the cache. The generator can be started again."""
        with self._lifecycle:
            self._kept = False
            engines, self._engines = self._engines, []
            spare, self._spare = self._spare, None
            for engine in engines:
                engine.stop()
            if spare is not None:
                spare.shutdown()
            self._fail_open("the generator was stopped before the answer was complete: send the request again")

    def _start(self) -> None:
        if self.running:
            return
        kept = self._kept
        self.stop()  # what is left of engines that died
        from training.generator.engine import make_engines

        self._engines = make_engines(
            self.model, deliver=self._deliver, died=self._fail, eos_token_ids=self.eos_token_ids, **self._bounds
        )
        self._kept = kept

    @contextmanager
    def _borrowed(self) -> Iterator[None]:
        """The engine for the body: the one that runs, or one that is stopped when its last borrower is done."""
        with self._lifecycle:
            self._start()
            self._borrowers += 1
        try:
            yield
        finally:
            with self._lifecycle:
                self._borrowers -= 1
                if not self._borrowers and not self._kept:
                    self.stop()

    def __enter__(self) -> "Generator":
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def submit(self, prompt_ids: Sequence[int], *, max_new_tokens: int, temperature: float = 0.0) -> GenerationHandle:
        """Queue a request.

        Args:
            max_new_tokens: at most; fewer where the context ends before.
            temperature: 0 is greedy.

        Raises:
            InputError: the prompt is empty or leaves no room for an answer.
            Busy: too many requests wait already.
            LockstepError: the engine is not running.
        """
        if max_new_tokens < 1 or temperature < 0:
            raise ValueError(
                f"found max_new_tokens {max_new_tokens}, temperature {temperature}, expected >= 1 and >= 0"
            )
        self._check_length(prompt_ids)
        with self._lock:
            if not self.running:
                failure = next((engine.failure for engine in self._engines if engine.failure), "it was not started")
                raise LockstepError(
                    f"found the generation engine not running ({failure}), expected it started: restart the service; "
                    "the log has the cause"
                )
            if len(self._open) >= self._max_waiting:
                raise Busy(f"found {len(self._open)} requests running or waiting, which is the limit: try again later")
            busy = Counter(handle._engine for handle in self._open.values())
            engine = min(self._engines, key=busy.__getitem__)
            handle = GenerationHandle(
                f"generation-{next(self._numbers)}", len(prompt_ids), self, engine, Detokenizer(self.tokenizer)
            )
            self._open[handle.id] = handle
            engine.add(
                prompt_ids,
                request_id=handle.id,
                max_new_tokens=min(max_new_tokens, self.max_context - len(prompt_ids)),
                eos_token_id=self.eos_token_ids,
                temperature=float(temperature),
            )
        return handle

    def generate(self, prompts: Sequence[Sequence[int]], max_new_tokens: int) -> list[str]:
        """The greedy completion of each prompt, in their order."""
        return [text for text, _ in self.complete(prompts, max_new_tokens)]

    def complete(self, prompts: Sequence[Sequence[int]], max_new_tokens: int) -> list[tuple[str, str]]:
        """The greedy completion of each prompt, in their order, and why it ended: ``stop`` or ``length``."""
        for prompt in prompts:
            self._check_length(prompt)
        texts: list[str] = []
        handles: list[GenerationHandle] = []
        with self._borrowed():
            ahead = min(self._max_waiting, 2 * self._bounds["max_requests"] * len(self._engines))
            try:
                for prompt in prompts:
                    if len(handles) - len(texts) >= ahead:
                        texts.append(handles[len(texts)].text())
                    handles.append(self.submit(prompt, max_new_tokens=max_new_tokens))
                texts += [handle.text() for handle in handles[len(texts) :]]
            finally:
                for handle in handles[len(texts) :]:
                    handle.cancel()
        return [(text, handle.finish_reason or "stop") for text, handle in zip(texts, handles, strict=True)]

    def score(self, prompt_ids: Sequence[int], completion_ids: Sequence[int]) -> tuple[float, int, int]:
        """Teacher-forced: sum of the completion's losses (nats), number of its tokens, number predicted right.

        Where each engine runs on a core of its own, this is computed beside them; else the engine waits.

        Raises:
            InputError: together they are longer than the context.
        """
        if not completion_ids:
            return 0.0, 0, 0
        self._check_length([*prompt_ids, *completion_ids[:-1]])
        return self._computed([partial(self._score, prompt_ids, completion_ids)])[0]

    def weigh(self, prompts: Sequence[Sequence[int]], choices: Sequence[Sequence[str]]) -> list[list[float]]:
        """The log-probability (nats) of each text as the whole answer: its tokens, then the end of the turn.

        Args:
            choices: of each prompt, the texts.

        Raises:
            InputError: a prompt with the longest text is longer than the context.
        """
        jobs = []
        for prompt, texts in zip(prompts, choices, strict=True):
            targets = [encode_target(self.tokenizer, text) for text in texts]
            self._check_length([*prompt, *max(targets, key=len)[:-1]])
            jobs.append(partial(log_probabilities, self.model, prompt, targets))
        return self._computed(jobs)

    def _computed(self, jobs: Sequence[Callable[[], T]]) -> list[T]:
        """What jobs compute with the model, beside the engines where these leave cores alone; else they wait."""
        with self._lifecycle:
            if not self.computes_beside:
                # The engine would compute in another thread, on the same cores: keep its steps out meanwhile.
                with self._engines[0].pause() if self.running else nullcontext():
                    return [job() for job in jobs]
            if self._spare is None:
                self._spare = core_threads(len(self._engines), "lockstep-score", cores=1)
            started = [self._spare.submit(job) for job in jobs]
        return [one.result() for one in started]

    def _score(self, prompt_ids: Sequence[int], completion_ids: Sequence[int]) -> tuple[float, int, int]:
        import torch

        ids = torch.tensor([[*prompt_ids, *completion_ids]], device=self.model.device)
        targets = ids[0, len(prompt_ids) :]
        with torch.inference_mode():
            # Without a cache: cached keys would mix with other rows' when positions restart.
            logits = self.model(input_ids=ids[:, :-1], use_cache=False, logits_to_keep=len(targets)).logits[0].float()
            losses = torch.nn.functional.cross_entropy(logits, targets, reduction="sum")  # of (N, V)
            correct = (logits.argmax(-1) == targets).sum()
        return float(losses), len(completion_ids), int(correct)

    def _check_length(self, prompt_ids: Sequence[int]) -> None:
        if not prompt_ids:
            raise InputError("found an empty prompt, expected at least one token")
        if len(prompt_ids) >= self.max_context:
            raise InputError(
                f"found a prompt of {len(prompt_ids)} tokens, limit {self.max_context - 1} (the context of "
                f"{self.max_context} less one for the answer): use fewer or shorter passages, or a model with a "
                "longer context"
            )

    def _cancel(self, handle: GenerationHandle) -> None:
        with self._lock:
            if self._open.pop(handle.id, None) is None:
                return
            if handle._engine in self._engines:
                handle._engine.cancel(handle.id)
        handle._end("cancelled")

    def _deliver(self, output: Any) -> None:
        with self._lock:
            handle = self._open.get(output.request_id)
            if handle is None:
                return  # cancelled meanwhile
            if output.is_finished():
                del self._open[output.request_id]
        if output.error is not None:
            handle._end("error", LockstepError(f"generation failed ({output.error}): send the request again"))
            return
        handle._take(output.generated_tokens)
        if output.is_finished():
            ended = bool(output.generated_tokens) and output.generated_tokens[-1] in self.eos_token_ids
            handle._end("stop" if ended else "length")

    def _fail(self, failure: str) -> None:
        self._fail_open(f"the generation engine stopped ({failure}): restart the service")

    def _fail_open(self, message: str) -> None:
        with self._lock:
            handles, self._open = list(self._open.values()), {}
        for handle in handles:
            handle._end("error", LockstepError(message))


def load_generator(path: Path, adapter: Path | None = None, *, requests: int | None = None) -> Generator:
    """Load a model and, merged into it, an adapter. Only safetensors, JSON and text are read; no code is run.

    Args:
        path: directory of a model of transformers with a chat template.
        adapter: directory of a LoRA adapter as peft saves it.
        requests: computed at a time; None takes what the device does best.

    Raises:
        InputError: files are missing or of another kind.
    """
    import torch

    from retrieval.hardware import best_device, cpu_has_bf16

    device = best_device()
    reduced = device != "cpu" or cpu_has_bf16()
    model, tokenizer = load_model(path)
    if adapter is not None:
        model = merge_adapter(model, adapter)
    # Merged in float32 first: in bfloat16 a small change would be rounded away.
    model = model.to(device=device, dtype=torch.bfloat16 if reduced else torch.float32).eval()
    most = CPU_REQUESTS if device == "cpu" else GPU_REQUESTS
    return Generator(model, tokenizer, max_requests=requests or most, identity=model_identity(path, adapter))
