"""A causal language model and its adapter, read from directories.

Only safetensors, JSON and text are read; code that lies beside a model is never run.
"""

import math
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from huggingface_hub.errors import StrictDataclassError
from jinja2 import TemplateError
from safetensors import SafetensorError

from retrieval.chat_template import encode
from retrieval.errors import InputError
from retrieval.files import sha256
from retrieval.prompt import Message
from retrieval.transformers_models import load_transformers_model
from training.library_output import quiet_libraries

_UNLOADABLE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RuntimeError,
    ImportError,  # a library that the model needs and that is not installed
    SafetensorError,
    StrictDataclassError,  # a configuration whose values have other types
)
"""What the libraries raise over files that are damaged, of another kind, or for other versions."""


SAFELY: Mapping[str, Any] = {"trust_remote_code": False, "local_files_only": True}
TEMPLATE_SECONDS, TEMPLATE_BYTES = 10, 4 << 30
"""What rendering a template for the first time may take."""


def _said(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def encode_completion(tokenizer: Any, text: str) -> list[int]:
    """Token ids of an answer as it follows the prompt; special tokens that it spells stay text."""
    ids = tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    return list(ids)


def encode_target(tokenizer: Any, completion: str) -> list[int]:
    """Token ids of an answer and of the end of the turn: what a row teaches."""
    return [*encode_completion(tokenizer, completion), end_of_turn(tokenizer)]


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
    from transformers import AutoModelForCausalLM

    _require(path, ("config.json", "*.safetensors", "tokenizer*.json"), "a causal language model")
    tokenizer = load_tokenizer(path)
    try:
        with quiet_libraries():
            model = load_transformers_model(AutoModelForCausalLM, path, dtype=torch.float32, attention=attention)
    except _UNLOADABLE as error:
        raise InputError(
            f"{path}: found no model that transformers can load ({_said(error)}), expected a causal "
            "language model in safetensors that needs no code of its own"
        ) from error
    _check_weights(path, model)
    check_template(path, tokenizer)
    return model, tokenizer


def _check_weights(path: Path, model: Any) -> None:
    """Refuse weights that say nothing: their answers would look like abstentions.

    Raises:
        InputError: a matrix with numbers that are not finite, or with nothing but zeros.
    """
    for name, weight in model.named_parameters():
        least, most = (float(one) for one in weight.detach().aminmax())  # one pass; what is no number comes through
        if not math.isfinite(least) or not math.isfinite(most):
            fault = "numbers that are not finite"
        elif weight.ndim > 1 and least == most == 0:
            fault = "nothing but zeros"
        else:
            continue
        raise InputError(f"{path}: found {fault} in {name}, expected trained weights: copy the model again")


def check_template(path: Path, tokenizer: Any = None) -> None:
    """Refuse a model whose chat template Lockstep cannot work with.

    Args:
        tokenizer: the directory's, where it is loaded already.

    Raises:
        InputError: there is no template, it fails, or no token of its own ends the assistant's turn.
    """
    if tokenizer is None:
        tokenizer = load_tokenizer(path)
    if not tokenizer.chat_template:
        raise InputError(f"{path}: found a tokenizer without a chat template, expected a chat model: use one")
    end_of_turn(tokenizer)


def try_template(path: Path) -> None:
    """Render a chat template of unknown origin for the first time, in a process that may be ended.

    Raises:
        InputError: it takes too long or too much memory, or fails; as :func:`check_template`.
    """
    program = f"""
import resource, sys
from pathlib import Path
from training.generator.files import render_template
from transformers import AutoTokenizer  # seconds, which are not the template's
from retrieval.errors import InputError
used = resource.getrusage(resource.RUSAGE_SELF)
seconds = int(used.ru_utime + used.ru_stime) + {TEMPLATE_SECONDS}
resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
resource.setrlimit(resource.RLIMIT_DATA, ({TEMPLATE_BYTES}, {TEMPLATE_BYTES}))
try:
    render_template(Path(sys.argv[1]))
except InputError as error:
    sys.exit(f"found: {{error}}")
"""
    command = [sys.executable, "-c", program, str(path.resolve())]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        fault = done.stderr.strip().rpartition("found: ")[2] if "found: " in done.stderr else ""
        raise InputError(
            fault
            or f"{path}: found a chat template that takes over {TEMPLATE_SECONDS} s or {TEMPLATE_BYTES >> 30} GiB, "
            "or fails, over four short messages; expected one that renders them: use another chat model"
        )


def render_template(path: Path) -> None:
    """Render a chat template over four short messages, in this process.

    Raises:
        InputError: as :func:`check_template`.
    """
    tokenizer = load_tokenizer(path)
    check_template(path, tokenizer)
    turns = [Message(role=role, content=role) for role in ("system", "user", "assistant", "user")]
    encode(tokenizer, turns[:2])
    encode(tokenizer, turns)


def load_tokenizer(path: Path) -> Any:
    """The tokenizer of a directory.

    Raises:
        InputError: files are missing or of another kind.
    """
    from transformers import AutoTokenizer

    _require(path, ("tokenizer*.json",), "a causal language model")
    try:
        return AutoTokenizer.from_pretrained(path, **SAFELY)
    except _UNLOADABLE as error:
        raise InputError(
            f"{path}: found no tokenizer that transformers can load ({_said(error)}), expected one that "
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
    except _UNLOADABLE as error:
        raise InputError(
            f"{adapter}: found an adapter that does not fit {model.config.name_or_path or 'the model'} "
            f"({_said(error)}), expected one that was trained on it"
        ) from error


def model_identity(path: Path, adapter: Path | None = None) -> str:
    """What tells a model from another that lies in the same place before or after: the base by the names and sizes of
    its files, the adapter by its weights."""
    files = sorted((one.name, one.stat().st_size) for one in path.iterdir() if one.is_file())
    return f"{files} {sha256(adapter / 'adapter_model.safetensors') if adapter else ''}"


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
