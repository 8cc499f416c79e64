"""A causal language model and its adapter, read from directories.

Only safetensors, JSON and text are read; code that lies beside a model is never run.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import TemplateError

from retrieval.errors import InputError
from training.library_output import quiet_libraries


def encode_completion(tokenizer: Any, text: str) -> list[int]:
    """Token ids of an answer as it follows the prompt; special tokens that it spells stay text."""
    ids = tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    return list(ids)


def context_length(config: Any, tokenizer: Any) -> int:
    """Tokens that the model takes, as its own and its tokenizer's configuration say."""
    limits = [int(config.get_text_config().max_position_embeddings)]
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
    check_template(path, tokenizer)
    return model, tokenizer


def check_template(path: Path, tokenizer: Any = None) -> None:
    """Refuse a model whose chat template Lockstep cannot work with.

    Args:
        tokenizer: the directory's, where it is loaded already.

    Raises:
        InputError: there is no template, or no token that ends the assistant's turn.
    """
    if tokenizer is None:
        tokenizer = load_tokenizer(path)
    if not tokenizer.chat_template:
        raise InputError(f"{path}: found a tokenizer without a chat template, expected a chat model: use one")
    end_of_turn(tokenizer)


def load_tokenizer(path: Path) -> Any:
    """The tokenizer of a directory.

    Raises:
        InputError: files are missing or of another kind.
    """
    from transformers import AutoTokenizer

    _require(path, ("tokenizer*.json",), "a causal language model")
    try:
        return AutoTokenizer.from_pretrained(path, trust_remote_code=False, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{path}: found no tokenizer that transformers can load ({str(error).splitlines()[0]}), expected one that "
            "needs no code of its own"
        ) from error


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


def end_of_turn(tokenizer: Any) -> int:
    """The token with which the chat template ends the assistant's turn: what rows teach, and where generation stops.

    It need not be the tokenizer's eos token: that may end documents, not turns.

    Raises:
        InputError: the template ends the turn with no token of its own, or cannot render one.
    """
    return _end_of_turn(tokenizer, tokenizer.chat_template)


@lru_cache(maxsize=4)
def _end_of_turn(tokenizer: Any, template: Any) -> int:
    name, said = tokenizer.name_or_path or "the model", "lockstep-answer"
    turns = [{"role": "user", "content": "lockstep-question"}, {"role": "assistant", "content": said}]
    try:
        rendered = str(tokenizer.apply_chat_template(turns, tokenize=False, enable_thinking=False))
    except (TemplateError, TypeError, ValueError) as error:
        raise InputError(
            f"{name}: found a chat template that cannot render a turn of the assistant ({error}), expected one that "
            "can: use another chat model"
        ) from error
    tail = rendered.rpartition(said)[2].lstrip()
    tokens = sorted((token for token in tokenizer.get_added_vocab() if token), key=len, reverse=True)
    found = next((token for token in tokens if tail.startswith(token)), None)
    if found is None:
        raise InputError(
            f"{name}: found a chat template that follows the assistant's answer with {tail[:40]!r}, expected a special "
            "token that ends the turn: without it answers would run on; use another chat model"
        )
    return int(tokenizer.convert_tokens_to_ids(found))


def eos_token_ids(model: Any, tokenizer: Any) -> list[int]:
    """Every token that ends an answer: the template's end of turn, the model's own and the tokenizer's."""
    configured = getattr(model.generation_config, "eos_token_id", None)
    listed = configured if isinstance(configured, list) else [configured]
    ends = [end_of_turn(tokenizer), *listed, tokenizer.eos_token_id]
    return list(dict.fromkeys(one for one in ends if one is not None))
