"""``POST /v1/embeddings``: vectors of the active release's embedder."""

import base64
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from fastapi import APIRouter, Request, Response

from service.http.answers import Embeddings, described
from service.http.frame import told_of
from service.http.models import check_embeddings_model
from service.http.problems import Problem
from service.http.schemas import MAX_ITEMS, EmbeddingsRequest
from service.http.shared import live_of, read

router = APIRouter()


@router.post("/v1/embeddings", response_model=None, responses=described(Embeddings))
async def create_embeddings(request: Request, body: EmbeddingsRequest) -> Response:
    """Embed texts."""
    texts = _texts(body.input)
    with live_of(request).use() as runtime:
        check_embeddings_model(body.model, runtime)
        told = told_of(request)
        told.release = runtime.release.id

        def answer() -> tuple[bytes, int]:
            vectors, tokens = _embed(runtime.embedder, texts, body)
            return _rendered(vectors, tokens, runtime.release.id, as_base64=body.encoding_format == "base64"), tokens

        content, tokens = await read(request, answer)
        told.tokens = lambda: (tokens, 0)
    return Response(content, media_type="application/json")


def _rendered(vectors: np.ndarray, tokens: int, model: str, *, as_base64: bool) -> bytes:
    """The answer's JSON, made vector by vector: all at once, up to a million numbers, it would stop every thread."""
    rest = {"model": model, "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}
    data = (
        json.dumps(
            {
                "object": "embedding",
                "index": index,
                "embedding": _base64(vector) if as_base64 else vector.tolist(),
            }
        )
        for index, vector in enumerate(vectors)
    )
    return f'{{"object": "list", "data": [{", ".join(data)}], {json.dumps(rest)[1:]}'.encode()


def _texts(value: Any) -> list[str]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not texts:
        raise Problem("found no text, expected a string or a list of strings", param="input")
    if len(texts) > MAX_ITEMS:
        raise Problem(f"found {len(texts)} texts, expected at most {MAX_ITEMS}: send several requests", param="input")
    for position, text in enumerate(texts):
        if isinstance(text, int | list):
            raise Problem(
                "found tokens, expected a string or a list of strings: token ids mean nothing to another tokenizer "
                "(langchain: check_embedding_ctx_length=False)",
                param="input",
            )
        if not isinstance(text, str) or not text.strip():
            found = "an empty text" if isinstance(text, str) else type(text).__name__
            raise Problem(f"found {found} at {position}, expected text", param=f"input[{position}]")
    return texts


def _embed(embedder: Any, texts: list[str], body: EmbeddingsRequest) -> tuple[np.ndarray, int]:
    """Unit vectors (n, dimensions) float32, and the number of tokens read."""
    dimensions = body.dimensions or embedder.dimension
    if dimensions > embedder.dimension:
        raise Problem(
            f"found dimensions = {dimensions}, expected at most the embedder's {embedder.dimension}", param="dimensions"
        )
    tokenizer = _tokenizer(embedder.tokenizer_path)
    lengths = [len(encoding.ids) for encoding in tokenizer.encode_batch_fast(texts)]
    longest = max(range(len(texts)), key=lengths.__getitem__)
    if lengths[longest] > embedder.max_tokens:
        raise Problem(
            f"found a text of {lengths[longest]} tokens, expected at most the {embedder.max_tokens} that the embedder "
            "reads: cut it, or its end would be left out silently",
            param=f"input[{longest}]",
            code="context_length_exceeded",
        )
    encode = embedder.encode_questions if body.input_type == "question" else embedder.encode_passages
    vectors: np.ndarray = encode(texts)[:, :dimensions]
    if dimensions < embedder.dimension:  # as OpenAI does; of use only where training was Matryoshka
        vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32), sum(lengths)


@lru_cache(maxsize=4)
def _tokenizer(path: Path) -> Any:
    """The embedder's tokenizer without truncation, to count."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _base64(vector: np.ndarray) -> str:
    """Little-endian float32, as OpenAI's clients read it."""
    return base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii")
