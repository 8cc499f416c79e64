"""Whether a training fits into memory: with smaller micro-batches, with activations computed again, or not at all.

Knows nothing about models: what a token takes was measured.
"""

from collections.abc import Callable
from typing import Any

from retrieval.errors import ConfigurationError
from training.estimate.amounts import Amounts
from training.estimate.probe import TooLarge, TrainingCost
from training.settings import EmbedderTraining, GeneratorTraining

USABLE = 0.85
"""Share of the limit that is filled: a run took up to 23 % more than was estimated."""


def micro_batches(batch: int) -> list[int]:
    """The divisors of a batch, the largest first."""
    return [size for size in range(batch, 0, -1) if batch % size == 0]


def fit_generator(
    settings: GeneratorTraining,
    probe: Callable[[GeneratorTraining], TrainingCost],
    amounts: Callable[[GeneratorTraining], Amounts],
    limit: int,
) -> tuple[TrainingCost, dict[str, Any]]:
    """The cost of a training that fits, and the settings that make it fit: none where it does as it is.

    The batch stays what it is: its gradients are added up.

    Args:
        probe: measures what a token takes.
        amounts: of a training with such settings.
        limit: bytes.

    Raises:
        ConfigurationError: it does not fit; the message says what helps.
    """
    needed = 0
    for checkpointing in [settings.activation_checkpointing] + [True] * (not settings.activation_checkpointing):
        recomputing = {} if checkpointing == settings.activation_checkpointing else {"activation_checkpointing": True}
        try:
            cost = probe(settings.model_copy(update=recomputing))
        except TooLarge as error:
            needed = error.needed
            continue
        sizes = [settings.micro_batch] if settings.micro_batch else micro_batches(settings.batch_size)
        for size in sizes:
            changes = recomputing | ({} if size in (settings.micro_batch, settings.batch_size) else
                                     {"micro_batch": size})  # fmt: skip
            needed = cost.peak(amounts(settings.model_copy(update=changes)).at_once)
            if needed <= USABLE * limit:
                return cost, changes
    longest = amounts(settings.model_copy(update={"micro_batch": 1})).at_once
    raise does_not_fit(
        "generator",
        needed,
        limit,
        f"set max_length under [training.generator] (up to {longest} tokens are computed at once), fewer "
        "questions_per_row or fewer passages under [training.data], choose a smaller model, or set "
        "generator_enabled = false under [training]",
    )


def fit_embedder(
    settings: EmbedderTraining,
    probe: Callable[[EmbedderTraining], TrainingCost],
    amounts: Callable[[EmbedderTraining], Amounts],
    limit: int,
) -> tuple[TrainingCost, dict[str, Any]]:
    """The same of the embedder: smaller mini-batches, whose loss is the same but for BM25's part.

    Raises:
        ConfigurationError: it does not fit.
    """
    needed = 0
    for size in [settings.mini_batch_size, *(one for one in (16, 8, 4, 2, 1) if one < settings.mini_batch_size)]:
        changes = {} if size == settings.mini_batch_size else {"mini_batch_size": size}
        try:
            cost = probe(settings.model_copy(update=changes))
        except TooLarge as error:
            needed = error.needed
            continue
        needed = cost.peak(amounts(settings.model_copy(update=changes)).at_once)
        if needed <= USABLE * limit:
            return cost, changes
    raise does_not_fit(
        "embedder",
        needed,
        limit,
        "set lora_rank under [training.embedder], which trains few weights, choose a smaller model, or set "
        "embedder_enabled = false under [training]",
    )


def does_not_fit(part: str, needed: int, limit: int, advice: str) -> ConfigurationError:
    """The refusal."""
    return ConfigurationError(
        f"found that training the {part} needs {needed / 1e9:.1f} GB of memory, expected at most "
        f"{USABLE * limit / 1e9:.1f} GB of the {limit / 1e9:.1f} GB that there are: free some (most_memory_gb under "
        f"[training.estimate] may be too low), {advice}"
    )
