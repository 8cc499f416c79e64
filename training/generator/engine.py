"""Continuous batching as Lockstep uses it: transformers' manager, bounded, with per-request temperature.

Imports torch and transformers at once, so import it only where a model is loaded already.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import torch
from transformers import ContinuousBatchingConfig, GenerationConfig
from transformers.generation.continuous_batching.cb_logits_processors import (
    ContinuousBatchingTemperatureLogitsWarper,
)
from transformers.generation.continuous_batching.continuous_api import ContinuousBatchingManager

from retrieval.hardware import use_cores
from training.generator.request_attention import NAME, use_request_attention

logger = logging.getLogger(__name__)

PAGE = 64
"""Tokens in a page of the key/value cache: small, since answers are."""
ONE_CORE_BELOW = 200_000_000
"""Parameters below which an engine on each core of a CPU beats one on all: 1.4 times as fast with 135 million."""
MOST_ENGINES = 4
"""Engines of a small model. They share Python's lock: two of them do 1.7 to 1.9 times the work of one."""


class TemperatureOrGreedy(ContinuousBatchingTemperatureLogitsWarper):  # type: ignore[misc]
    """Makes the likeliest token a sample at each request's own temperature; 0 leaves it the likeliest.

    The library samples for all requests or for none, by random numbers over the whole vocabulary for
    each. It is told to take the likeliest always; where a request has a temperature, the likeliest of
    scores plus Gumbel noise is a sample of their softmax (Maddison et al. 2014, arXiv 1411.0030).
    """

    def __call__(self, scores: torch.Tensor, tensor_arg: torch.Tensor) -> torch.Tensor:
        """Scores of which the highest is the next token.

        Args:
            scores: (requests, vocabulary).
            tensor_arg: temperatures, stored as the bits of int32.
        """
        temperatures = tensor_arg[: scores.size(0)].view(dtype=torch.float32).unsqueeze(-1)  # (requests, 1)
        sampled = temperatures > 0
        if scores.device.type == "cpu" and not sampled.any():  # elsewhere to ask would be to wait
            return scores
        noise = -torch.empty_like(scores).exponential_().log()
        return torch.where(sampled, scores / torch.where(sampled, temperatures, 1.0) + noise, scores)


def make_manager(
    model: Any, *, eos_token_ids: list[int], cache_tokens: int, max_batch_tokens: int, max_requests: int
) -> ContinuousBatchingManager:
    """A manager that is not started yet.

    Blocks are not shared between requests: the prefix cache would outlive a change of adapter and
    give the old adapter's keys.
    """
    settings = GenerationConfig(
        do_sample=True,
        temperature=0.5,  # any value but 1, for which the library makes no processor at all
        top_k=0,
        top_p=1.0,
        eos_token_id=eos_token_ids,
        pad_token_id=eos_token_ids[0],
    )
    bounds = ContinuousBatchingConfig(
        page_size=PAGE,
        num_blocks=-(-cache_tokens // PAGE),
        max_batch_tokens=max_batch_tokens,
        max_requests_per_batch=max_requests,
        allow_block_sharing=False,
        per_request_processors=True,
    )
    if model.config._attn_implementation == NAME:  # from the engine before: a manager does not know it
        model.set_attn_implementation("sdpa")
    manager = model.init_continuous_batching(generation_config=settings, continuous_batching_config=bounds)
    processors = manager.logit_processor.logits_processor
    found = [type(one).__name__ for one in processors]
    if found != [ContinuousBatchingTemperatureLogitsWarper.__name__]:
        raise RuntimeError(f"found logits processors {found}, expected one for the temperature: transformers changed")
    processors[0] = TemperatureOrGreedy(processors[0])
    manager.generation_config.do_sample = False  # only now: without sampling the library makes no processor
    if model.device.type == "cpu":
        use_request_attention(model)
    return manager


def runs_on_one_core(model: Any) -> bool:
    """Whether an engine of a model leaves all cores of a CPU but one alone."""
    return bool(model.device.type == "cpu" and model.num_parameters() < ONE_CORE_BELOW)


class Engine:
    """A manager that runs, with the thread that hands its outputs on.

    Args:
        model: nobody else's while the engine runs.
        deliver: takes each output.
        died: takes what the engine died of, which ends it.
        one_core: computes on one core and leaves the others alone.
        bounds: as of :func:`make_manager`.
    """

    def __init__(
        self, model: Any, *, deliver: Callable[[Any], None], died: Callable[[str], None], one_core: bool, **bounds: Any
    ) -> None:
        self._deliver, self._died, self.one_core = deliver, died, one_core
        self.failure: str | None = None
        self._manager = make_manager(model, **bounds)
        _start(self._manager, one_core=one_core)
        self._dispatcher = threading.Thread(target=self._dispatch, name="lockstep-generation", daemon=True)
        self._dispatcher.start()

    @property
    def running(self) -> bool:
        """Whether requests are taken."""
        return self.failure is None and bool(self._manager.is_running())

    def add(self, prompt_ids: Sequence[int], **options: Any) -> None:
        """Queue a request; its outputs go to ``deliver``."""
        self._manager.add_request(list(prompt_ids), streaming=True, **options)

    def cancel(self, request_id: str) -> None:
        """Stop a request."""
        self._manager.cancel_request(request_id)

    def pause(self) -> Any:
        """Keeps the engine's steps out of the body of a ``with``."""
        return self._manager.pause()

    def stop(self) -> None:
        """End it, and free the cache."""
        self._manager.stop(block=True, hard_stop=True)
        self._manager.destroy()
        self._dispatcher.join()

    def _dispatch(self) -> None:
        manager, status = self._manager, self._manager.background_thread_status
        while True:
            if not threading.main_thread().is_alive():
                # The library's thread is no daemon: without this a command that failed would never exit.
                status.request_stop(status.HARD_STOP, 0)
            alive = manager.is_running()
            output = manager.get_result(timeout=0.1)
            if output is not None:
                self._deliver(output)
            elif not alive or status.fatal_error is not None:
                break
        if (error := status.fatal_error) is not None:
            self.failure = f"it died of {type(error).__name__}: {error}"
            logger.error("generation engine: %s", self.failure)
            self._died(self.failure)


def make_engines(model: Any, *, max_requests: int, **options: Any) -> list[Engine]:
    """The engines that a model is best run by: one, or for many requests to a small model on a CPU one on each core.

    Each but the first computes with a copy of the model that shares its weights.

    Args:
        max_requests: that an engine computes at a time; a single one gets all cores.
        options: as of :class:`Engine`.
    """
    engines: list[Engine] = []
    one_core = max_requests > 1 and runs_on_one_core(model)
    try:
        for _ in range(min(torch.get_num_threads(), MOST_ENGINES) if one_core else 1):
            one = _sharing(model) if engines else model
            engines.append(Engine(one, max_requests=max_requests, one_core=one_core, **options))
    except BaseException:
        for engine in engines:
            engine.stop()
        raise
    return engines


def _sharing(model: Any) -> Any:
    """A copy that has the same tensors: an engine changes its model's configuration, never its weights."""
    tensors = [*model.parameters(), *model.buffers()]
    return deepcopy(model, {id(tensor): tensor for tensor in tensors})


def _start(manager: ContinuousBatchingManager, *, one_core: bool) -> None:
    """Start a manager, on one core or on all."""
    if not one_core:
        manager.start()
        return
    usual, begun, loop = torch.get_num_threads(), threading.Event(), manager._run_generation_loop

    def on_one_core() -> None:
        use_cores(1)
        begun.set()
        loop()

    manager._run_generation_loop = on_one_core
    manager.start()
    begun.wait()
    torch.set_num_threads(usual)
