"""Where the shipped starter lies. Knows nothing about how it was made."""

from pathlib import Path


def starter_path() -> Path:
    """The directory of the starter's model: config, bf16 safetensors, tokenizer, chat template, model card."""
    return Path(__file__).parent / "model"
