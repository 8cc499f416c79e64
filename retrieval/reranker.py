"""The reranker: a cross-encoder that reads a question and a passage together, and says how well they fit.

What it gains over comparing vectors it costs in time: it reads every candidate anew for each question.
"""

import json
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from retrieval.errors import InputError
from retrieval.hardware import best_device, cpu_has_bf16
from retrieval.models import content_fingerprint, loading

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

BATCH = 32
"""Pairs that are read at a time."""


class Reranker:
    """Scores passages for a question. Safe to use from several threads."""

    def __init__(self, path: Path, *, device: str | None = None) -> None:
        self.path, self._device = path, device
        self._lock = threading.Lock()

    @cached_property
    def fingerprint(self) -> str:
        """Content hash of the files that determine the scores, 64 hexadecimal digits."""
        return content_fingerprint(self.path)

    def load(self) -> None:
        """Load the weights now, so that the first question does not wait for them.

        Raises:
            InputError: no cross-encoder with one score that is safe to load.
        """
        with self._lock:
            _ = self._model

    def __call__(self, question: str, texts: Sequence[str]) -> list[float]:
        """How likely each text answers the question, in [0, 1]."""
        relevance: list[float] = (1 / (1 + np.exp(-self.logits(question, texts)))).tolist()
        return relevance

    def logits(self, question: str, texts: Sequence[str]) -> np.ndarray:
        """The same as log odds, (len(texts),) float64."""
        import torch

        if not texts:
            return np.empty(0)
        with self._lock:  # the tokenizer's truncation is a state of it
            scores = self._model.predict(
                [(question, text) for text in texts],
                batch_size=BATCH,
                show_progress_bar=False,
                activation_fn=torch.nn.Identity(),
            )
        return np.asarray(scores, dtype=np.float64)

    @cached_property
    def _model(self) -> "CrossEncoder":
        device = self._device or best_device()
        bf16 = cpu_has_bf16() if device == "cpu" else device.startswith("cuda")
        model = load_cross_encoder(self.path, device=device, dtype="bfloat16" if bf16 else "float32").eval()
        if bf16:
            import torch

            # Eight bits would make many scores alike.
            layers = model.named_modules()
            model.set_keep_in_fp32_modules(
                [name for name, layer in layers if isinstance(layer, torch.nn.Linear) and layer.out_features == 1]
            )
        return model


def load_reranker(path: Path, *, device: str | None = None) -> Reranker:
    """A reranker from a directory; its weights are loaded when needed.

    Raises:
        InputError: its modules are not sentence-transformers' own, or it has no safetensors file.
    """
    _check_files(path)
    return Reranker(path, device=device)


def load_cross_encoder(
    path: Path, *, device: str, dtype: str = "float32", new_head: bool = False, max_length: int | None = None
) -> "CrossEncoder":
    """The library's model; safetensors only, no remote code.

    Args:
        new_head: put a head with random weights on whatever encoder there is.
        max_length: tokens of question and passage together; None takes the model's own.

    Raises:
        InputError: it does not load, or gives another number of scores than one.
    """
    import torch
    from sentence_transformers import CrossEncoder

    _check_files(path)
    with loading(path, "reranker", "cross-encoder of sentence-transformers"):
        model = CrossEncoder(
            str(path),
            device=device,
            local_files_only=True,
            trust_remote_code=False,
            num_labels=1 if new_head else None,
            max_length=max_length,
            model_kwargs={"dtype": getattr(torch, dtype), "use_safetensors": True},
        )
    if model.num_labels != 1:
        raise InputError(f"found a cross-encoder with {model.num_labels} scores in {path}, expected one with one score")
    return model


def _check_files(path: Path) -> None:
    """Refuse modules from elsewhere than the library, and pickled weights."""
    if not any(path.glob("*.safetensors")):
        raise InputError(f"found no .safetensors file in {path}, expected a reranker's weights in that format only")
    modules = path / "modules.json"
    for entry in json.loads(modules.read_bytes()) if modules.is_file() else []:
        if not str(entry.get("type", "")).startswith("sentence_transformers."):
            raise InputError(
                f"{modules}: found a module of type {entry.get('type')!r}, expected sentence-transformers' own: code "
                "from a model directory is never run"
            )
