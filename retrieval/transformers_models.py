"""Models of transformers out of directories, read without the library's search for weights of other names.

``from_pretrained`` compiles more than a thousand patterns that rename the weights of every architecture, which takes
longer than to read a small model. Where a file has exactly the model's own names, there is nothing to rename.
"""

from pathlib import Path
from typing import Any

_FILE, _INDEX = "model.safetensors", "model.safetensors.index.json"


def load_transformers_model(kind: Any, path: Path, *, dtype: Any, attention: str | None = None) -> Any:
    """A model in evaluation mode on the CPU; only safetensors and JSON are read, and no code is run.

    Args:
        kind: one of transformers' ``AutoModel`` classes.
        dtype: of its weights, a ``torch.dtype``.
        attention: name of an implementation; None takes transformers' choice.

    Raises:
        OSError, ValueError, ...: what transformers raises over a model that it cannot load.
    """
    safely = {"trust_remote_code": False, "local_files_only": True}
    model = _exact(kind, path, dtype, attention, safely)
    if model is None:
        model = kind.from_pretrained(path, use_safetensors=True, dtype=dtype, attn_implementation=attention, **safely)
    return model.eval()


def _exact(kind: Any, path: Path, dtype: Any, attention: str | None, safely: dict[str, bool]) -> Any | None:
    """The model whose weights have the names and shapes of the file's; None where any differs."""
    if not (path / _FILE).is_file() or (path / _INDEX).exists():
        return None
    from accelerate import init_empty_weights
    from safetensors.torch import load_file
    from transformers import AutoConfig, GenerationConfig

    config = AutoConfig.from_pretrained(path, **safely)
    if getattr(config, "quantization_config", None) is not None:
        return None
    config.name_or_path = str(path)
    with init_empty_weights(include_buffers=False):
        model = kind.from_config(config, dtype=dtype, attn_implementation=attention, trust_remote_code=False)
    computed = {name for name, _ in model.named_buffers()} - model.state_dict().keys()  # earlier versions saved them
    read = {name: tensor for name, tensor in load_file(path / _FILE).items() if name not in computed}
    expected = model.state_dict()
    if any(name not in expected or expected[name].shape != tensor.shape for name, tensor in read.items()):
        return None
    cast = {name: one.to(dtype) if one.is_floating_point() else one for name, one in read.items()}
    model.load_state_dict(cast, assign=True, strict=False)
    model.tie_weights()
    if any(tensor.is_meta for tensor in model.state_dict().values()):
        return None  # the file lacks some
    if (path / "generation_config.json").is_file() and model.can_generate():
        model.generation_config = GenerationConfig.from_pretrained(path, local_files_only=True)
    return model
