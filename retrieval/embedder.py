"""The embedder: texts to unit vectors, fast on CPU and GPU.

Loads a sentence-transformers model (the commonest kind without that library) and runs its modules on batches of its
own making: tokenised once, sorted by length, bounded by tokens, bfloat16 where the processor has it, pooled and
normalised in float32. Importing this module imports no torch; the first encode does.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from retrieval.cpu_attention import use_cpu_attention
from retrieval.embedder_files import EmbedderFiles, fingerprint, inspect, packaged_minilm
from retrieval.errors import TrainingError
from retrieval.hardware import best_device, core_threads, cpu_has_bf16
from retrieval.models import loading, resolve

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["Embedder", "fingerprint", "load_embedder", "packaged_minilm"]

_CPU_BATCH_TOKENS = 1024
_GPU_BATCH_TOKENS = 65536


def load_embedder(path: Path | str, *, revision: str | None = None, device: str | None = None) -> "Embedder":
    """An embedder from a directory, or from the hub at a pinned revision; its weights are loaded when needed.

    Raises:
        InputError: a model that is not safe to load.
        ConfigurationError: no such model, or a hub id without a revision.
    """
    return Embedder(inspect(resolve(str(path), revision, root=Path.cwd())), device=device)


class Embedder:
    """Turns questions and passages into vectors, with the model's own prompts.

    Safe to use from several threads.
    """

    def __init__(self, files: EmbedderFiles, *, device: str | None = None) -> None:
        self.path = files.path
        self.dimension = files.dimension
        self.max_tokens = files.max_tokens
        self.tokenizer_path = files.path / "tokenizer.json"
        self._files = files
        self._device = device
        self._lock = threading.Lock()
        self._encoder: _Encoder | None = None

    @cached_property
    def fingerprint(self) -> str:
        """Content hash of the files that determine the vectors, 64 hexadecimal digits."""
        return fingerprint(self.path)

    def encode_questions(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors of questions, (len(texts), dimension) float32.

        Raises:
            TrainingError: the model gives a vector that is zero or not finite.
        """
        return self._encode(texts, self._files.question_prompt, None)

    def encode_passages(self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None) -> np.ndarray:
        """Unit vectors of chunks, (len(texts), dimension) float32.

        Args:
            progress: called after each batch with the number of texts in it.

        Raises:
            TrainingError: the model gives a vector that is zero or not finite.
        """
        return self._encode(texts, self._files.passage_prompt, progress)

    def load(self) -> None:
        """Load the weights now, so that the first encode does not wait for them."""
        with self._lock:
            if self._encoder is None:
                self._encoder = _Encoder(self._files, self._device)

    def sentence_transformer(self) -> "SentenceTransformer":
        """A new float32 instance of the underlying model, for training."""
        return _load_model(self._files, self._device or best_device(), "float32")

    def _encode(self, texts: Sequence[str], prompt: str, progress: Callable[[int], None] | None) -> np.ndarray:
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        if self._encoder is None:
            self.load()
        assert self._encoder is not None
        return self._encoder.encode(texts, prompt, progress)


class _Encoder:
    """The loaded model and its tokenizer.

    On a CPU several batches run at once, each on one core: their matrices are too small to be worth
    dividing, and a core never waits for another within a layer.
    """

    def __init__(self, files: EmbedderFiles, device: str | None) -> None:
        import torch
        from tokenizers import Tokenizer

        self._device = device or best_device()
        self._on_cpu = self._device == "cpu"
        bf16 = cpu_has_bf16() if self._on_cpu else self._device.startswith("cuda")
        modules, tokenizer = _load_modules(files, self._device, "bfloat16" if bf16 else "float32")
        self._dimension = files.dimension
        self._transformer, *self._heads = modules
        if self._on_cpu and bf16:
            use_cpu_attention(self._transformer.model)
        for head in self._heads:
            head.float()
        self._lower = bool(getattr(self._transformer, "do_lower_case", False))
        self._exclude_prompt = any(getattr(head, "include_prompt", True) is False for head in self._heads)
        # A copy with its own settings: transformers sets truncation on a shared tokenizer at each
        # call, which fails ("Already borrowed") when two threads do so at once.
        self._tokenizer = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_length=files.max_tokens)
        self._pad = int(tokenizer.pad_token_id or 0)
        self._streams = core_threads(torch.get_num_threads(), "lockstep-embed", cores=1) if self._on_cpu else None

    def encode(self, texts: Sequence[str], prompt: str, progress: Callable[[int], None] | None) -> np.ndarray:
        prompted = [prompt + text for text in texts] if prompt else list(texts)
        if self._lower:
            prompted = [text.lower() for text in prompted]
        ids = [encoding.ids for encoding in self._tokenizer.encode_batch_fast(prompted)]
        prompt_length = self._prompt_length(prompt) if prompt and self._exclude_prompt else 0
        budget = _CPU_BATCH_TOKENS if self._on_cpu else _GPU_BATCH_TOKENS
        batches = list(_batches([len(row) for row in ids], budget))
        vectors = np.empty((len(ids), self._dimension), dtype=np.float32)

        def forward(batch: list[int]) -> np.ndarray:
            return self._forward([ids[i] for i in batch], prompt_length)

        streamed = self._streams is not None and len(batches) > 1
        results = self._streams.map(forward, batches) if self._streams and streamed else map(forward, batches)
        for batch, result in zip(batches, results, strict=True):
            vectors[batch] = result
            if progress is not None:
                progress(len(batch))
        return _unit(vectors)

    def _forward(self, rows: list[list[int]], prompt_length: int) -> np.ndarray:
        import torch

        lengths = np.fromiter((len(row) for row in rows), dtype=np.int64, count=len(rows))
        width = int(lengths.max())
        ids = np.full((len(rows), width), self._pad, dtype=np.int64)  # (B, T)
        for row, target in zip(rows, ids, strict=True):
            target[: len(row)] = row
        mask = (np.arange(width) < lengths[:, None]).astype(np.int64)  # (B, T)
        features: dict[str, Any] = {
            "input_ids": torch.from_numpy(ids).to(self._device),
            "attention_mask": torch.from_numpy(mask).to(self._device),
        }
        if prompt_length:
            features["prompt_length"] = prompt_length
        with torch.inference_mode():
            features = self._transformer(features)
            features["token_embeddings"] = features["token_embeddings"].float()  # (B, T, H)
            for head in self._heads:
                features = head(features)
            vectors: np.ndarray = features["sentence_embedding"][:, : self._dimension].float().cpu().numpy()  # (B, D)
        return vectors

    def _prompt_length(self, prompt: str) -> int:
        """How many leading tokens are the prompt, as sentence-transformers counts: less a closing special token."""
        encoding = self._tokenizer.encode(prompt)
        closing = encoding.special_tokens_mask[-1] if encoding.ids else 0
        return len(encoding.ids) - closing


def _batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Positions in batches of similar length, the longest first, at most ``budget`` padded tokens each."""
    order = sorted(range(len(lengths)), key=lambda i: lengths[i], reverse=True)
    start = 0
    while start < len(order):
        size = max(1, budget // max(1, lengths[order[start]]))
        yield order[start : start + size]
        start += size


def _unit(vectors: np.ndarray) -> np.ndarray:
    """The vectors at length 1; refused where they have none."""
    norms = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))
    bad = ~np.isfinite(norms) | (norms == 0)
    if bad.any():
        raise TrainingError(
            f"found {int(bad.sum())} of {len(vectors)} vectors zero or not finite, expected unit vectors: "
            "the embedder is damaged or its training diverged; use an earlier release"
        )
    vectors /= norms[:, None]
    return vectors


def _load_modules(files: EmbedderFiles, device: str, dtype: str) -> tuple[list[Any], Any]:
    """The modules of an embedder in their order, and its tokenizer."""
    if files.pooling is None:
        model = _load_model(files, device, dtype)
        return list(model), model.tokenizer
    import torch

    with loading(files.path, "embedder", "sentence-transformers model"):
        from retrieval.plain_embedder import load_plain

        return load_plain(files.transformer, files.pooling, device=device, dtype=getattr(torch, dtype))


def _load_model(files: EmbedderFiles, device: str, dtype: str) -> "SentenceTransformer":
    import torch
    from sentence_transformers import SentenceTransformer

    with loading(files.path, "embedder", "sentence-transformers model"):
        model = SentenceTransformer(
            str(files.path),
            device=device,
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"dtype": getattr(torch, dtype), "use_safetensors": True},
        )
    model.max_seq_length = files.max_tokens
    return model.eval()
