"""A causal language model and its adapter, read from directories.

Only safetensors, JSON and text are read; code that lies beside a model is never run.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from retrieval.errors import InputError
from training.quiet import quiet_libraries


def encode_completion(tokenizer: Any, text: str) -> list[int]:
    """Token ids of an answer as it follows the prompt; special tokens that it spells stay text."""
    ids = tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    return list(ids)


def context_length(model: Any, tokenizer: Any) -> int:
    """Tokens that the model takes, as its own and its tokenizer's configuration say."""
    limits = [int(model.config.get_text_config().max_position_embeddings)]
    if 0 < (most := tokenizer.model_max_length) < 10**9:
        limits.append(int(most))
    return min(limits)


def load_model(path: Path, *, attention: str | None = None) -> tuple[Any, Any]:
    """Model (float32, on the CPU) and tokenizer of a directory.

    Args:
        attention: name of an implementation; None takes transformers' choice.

    Raises:
        InputError: files are missing or of another kind.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    _require(path, ("config.json", "*.safetensors", "tokenizer*.json"), "a causal language model")
    safe: Mapping[str, Any] = {"trust_remote_code": False, "local_files_only": True}
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, **safe)
        with quiet_libraries():
            model = AutoModelForCausalLM.from_pretrained(
                path, use_safetensors=True, dtype=torch.float32, attn_implementation=attention, **safe
            )
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{path}: found no model that transformers can load ({str(error).splitlines()[0]}), expected a causal "
            "language model in safetensors that needs no code of its own"
        ) from error
    if not tokenizer.chat_template:
        raise InputError(f"{path}: found a tokenizer without a chat template, expected a chat model: use one")
    return model, tokenizer


def merge_adapter(model: Any, adapter: Path) -> Any:
    """The model with an adapter merged into its weights.

    Raises:
        InputError: files are missing, or the adapter belongs to another model.
    """
    from peft import PeftModel

    _require(adapter, ("adapter_config.json", "adapter_model.safetensors"), "a LoRA adapter")
    try:
        with quiet_libraries():
            return PeftModel.from_pretrained(model, str(adapter), use_safetensors=True).merge_and_unload()
    except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
        raise InputError(
            f"{adapter}: found an adapter that does not fit {model.config.name_or_path or 'the model'} "
            f"({str(error).splitlines()[0]}), expected one that was trained on it"
        ) from error


def _require(path: Path, patterns: Sequence[str], what: str) -> None:
    missing = [pattern for pattern in patterns if not any(path.glob(pattern))]
    if missing:
        found = ", ".join(sorted(one.name for one in path.iterdir())[:8]) if path.is_dir() else "no such directory"
        raise InputError(f"{path}: found {found or 'nothing'}, expected {what} with {', '.join(missing)}")


def eos_token_ids(model: Any, tokenizer: Any) -> list[int]:
    """Every token that ends a turn: the model's own and the tokenizer's."""
    configured = getattr(model.generation_config, "eos_token_id", None)
    listed = configured if isinstance(configured, list) else [configured]
    found = dict.fromkeys(one for one in [*listed, tokenizer.eos_token_id] if one is not None)
    if not found:
        raise InputError("found no token that ends a turn, expected `eos_token_id` in the tokenizer or the model")
    return list(found)
