"""The commonest kind of embedder, an encoder whose token vectors are averaged, without sentence-transformers.

To import that library takes longer than to answer a question. Imports torch and transformers at once.
"""

from pathlib import Path
from typing import Any

import torch
from transformers import AutoModel, AutoTokenizer

from retrieval.transformers_models import load_transformers_model


class Encoder(torch.nn.Module):
    """The transformer, as sentence-transformers' module of that name: adds ``token_embeddings``."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        """Token ids and mask, (B, T) each, to token vectors (B, T, H)."""
        output = self.model(input_ids=features["input_ids"], attention_mask=features["attention_mask"])
        return features | {"token_embeddings": output.last_hidden_state}


class Pool(torch.nn.Module):
    """Token vectors to one vector, as sentence-transformers' ``Pooling``: their mean, or the first."""

    def __init__(self, mode: str) -> None:
        super().__init__()
        self.mode = mode

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        """Token vectors (B, T, H) to ``sentence_embedding`` (B, H); padding does not count."""
        tokens = features["token_embeddings"]
        if self.mode == "cls":
            return features | {"sentence_embedding": tokens[:, 0]}
        mask = features["attention_mask"].unsqueeze(-1).to(tokens.dtype)  # (B, T, 1)
        return features | {"sentence_embedding": (tokens * mask).sum(1) / mask.sum(1).clamp(min=1e-9)}


def load_plain(path: Path, mode: str, *, device: str, dtype: torch.dtype) -> tuple[list[torch.nn.Module], Any]:
    """Transformer and pooling, and the tokenizer.

    Args:
        path: of the transformer's files.
        mode: ``mean`` or ``cls``.
    """
    model = load_transformers_model(AutoModel, path, dtype=dtype)
    tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True, trust_remote_code=False)
    return [Encoder(model.to(device)), Pool(mode)], tokenizer
