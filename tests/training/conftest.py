"""Models of the trainings' own: one with a context short enough to be overrun, and starters not yet trained."""

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
    """A function of a tokenizer that gives an untrained starter of six layers, as narrow as ``width``."""
    from transformers import Qwen3Config, Qwen3ForCausalLM

    def build(tokenizer: Any, *, width: int = 64) -> Any:
        return Qwen3ForCausalLM(
            Qwen3Config(
                vocab_size=len(tokenizer),
                hidden_size=width,
                intermediate_size=64,
                num_hidden_layers=6,
                num_attention_heads=8,
                num_key_value_heads=8,
                head_dim=64,
                max_position_embeddings=2048,
                rope_parameters={"rope_type": "default", "rope_theta": 1e8},
                tie_word_embeddings=False,
                eos_token_id=tokenizer.eos_token_id,
                pad_token_id=tokenizer.pad_token_id,
                bos_token_id=None,
            )
        )

    return build
