"""Models of the trainings' own: one with a context short enough to be overrun, and an untrained starter."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def tiny_model_path(build_generator: Callable[[int], Path]) -> Path:
    """The tiny generator with a context of 256 tokens, in a directory of its own."""
    return build_generator(256)


@pytest.fixture(scope="session")
def tiny_starter() -> Callable[..., Any]:
    """A function of a tokenizer that gives an untrained Llama, deep enough for heads that are told where to look."""
    from transformers import LlamaConfig, LlamaForCausalLM

    def build(tokenizer: Any, *, layers: int = 14) -> Any:
        return LlamaForCausalLM(
            LlamaConfig(
                vocab_size=len(tokenizer),
                hidden_size=32,
                intermediate_size=24,
                num_hidden_layers=layers,
                num_attention_heads=4,
                num_key_value_heads=2,
                head_dim=8,
                max_position_embeddings=2048,
                tie_word_embeddings=True,
                eos_token_id=tokenizer.eos_token_id,
                pad_token_id=tokenizer.pad_token_id,
                bos_token_id=None,
            )
        )

    return build
