"""What is known of a generator and its rows before anything is trained, and whether its weights fit at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

from training.data.supervised import SupervisedRow
from training.estimate.fitting import USABLE, does_not_fit
from training.generator.files import load_tokenizer
from training.generator.rows import encode_row, longest_row
from training.generator.training import COPIED_BELOW, parallel_cores
from training.settings import GeneratorTraining

WIDTH = 4
"""Bytes of a weight while it trains."""


@dataclass(frozen=True)
class GeneratorFacts:
    """Rows that fit into the context, and how they are computed."""

    rows: Sequence[SupervisedRow]
    lengths: Sequence[int]
    """Tokens of each."""
    cores: int
    """That compute rows of their own."""
    copied: bool
    """A copy of the model is measured, beside the one that trains."""


def generator_facts(
    base: Path, rows: Sequence[SupervisedRow], settings: GeneratorTraining, limit: int
) -> GeneratorFacts:
    """Encode the rows.

    Args:
        limit: bytes of memory.

    Raises:
        ConfigurationError: the weights alone do not fit.
    """
    from transformers import AutoConfig

    parameters = count_parameters(base)
    copies = 2 if parameters < COPIED_BELOW else 1  # the one that trains, and the one that is measured
    if (needed := WIDTH * copies * parameters) > USABLE * limit:
        raise does_not_fit("generator", needed, limit, "or choose a smaller model")
    tokenizer = load_tokenizer(base)
    longest = longest_row(base, tokenizer, settings.max_length)
    lengths = [len(encode_row(tokenizer, row).input_ids) for row in rows]
    fitting = [i for i, length in enumerate(lengths) if length <= longest]
    config = AutoConfig.from_pretrained(base, local_files_only=True, trust_remote_code=False)
    return GeneratorFacts(
        [rows[i] for i in fitting],
        [lengths[i] for i in fitting],
        parallel_cores(config, parameters, settings),
        parameters < COPIED_BELOW,
    )


def count_parameters(directory: Path) -> int:
    """Parameters of the safetensors files in a directory, by their headers."""
    from safetensors import safe_open

    total = 0
    for path in directory.glob("*.safetensors"):
        with safe_open(path, framework="numpy") as file:
            total += sum(prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118
    return total
