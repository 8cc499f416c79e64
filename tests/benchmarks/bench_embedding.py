"""Embedding throughput beside ``SentenceTransformer.encode`` at its defaults, in one run.

    python tests/benchmarks/bench_embedding.py PATH [--model DIRECTORY] [--limit N]

PATH is whatever ``lockstep ingest`` takes; a sample of its chunks is embedded. The two take turns and
the best round of each counts, so that other work on the machine disturbs both alike. CPU seconds are
printed too: they bear a busy machine better.
"""

import argparse
import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import numpy as np

from retrieval.chunking import Chunker
from retrieval.corpus_files import find_files
from retrieval.documents import Document
from retrieval.embedder import Embedder, load_embedder, packaged_minilm
from retrieval.errors import InputError
from retrieval.parsing.parse import ParseLimits, parse_file, parser_pool
from retrieval.settings import ChunkingSettings


def chunks_of(path: Path, embedder: Embedder) -> Iterator[str]:
    """The texts that an ingest embeds."""
    chunker, limits = Chunker(embedder.tokenizer_path, ChunkingSettings().max_tokens), ParseLimits()
    with parser_pool(limits) as pool:
        for source in find_files([path]):
            with contextlib.suppress(InputError):  # a file that an ingest would name and leave out
                for document in parse_file(source, limits, pool):
                    if isinstance(document, Document):
                        yield from (chunk.indexed_text for chunk in chunker.chunk(document))


def measured(run: Callable[[], np.ndarray]) -> tuple[np.ndarray, float, float]:
    """What it returns, seconds, CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    vectors = run()
    return vectors, time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("path", type=Path)
    parser.add_argument("--model", type=Path, default=None)
    parser.add_argument("--limit", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    embedder = load_embedder(arguments.model or packaged_minilm())
    texts = list(chunks_of(arguments.path, embedder))
    texts = Random(0).sample(texts, min(arguments.limit, len(texts)))
    reference = embedder.sentence_transformer()
    lengths = [
        len(row) for row in reference.tokenizer(texts, truncation=True, max_length=embedder.max_tokens).input_ids
    ]
    embedder.load()
    theirs, ours = [], []
    for _ in range(arguments.rounds):
        expected, *seconds = measured(lambda: reference.encode(texts))
        theirs.append(seconds)
        found, *seconds = measured(lambda: embedder.encode_passages(texts))
        ours.append(seconds)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    deviation = 1 - np.einsum("nd,nd->n", expected, found)
    print(f"{len(texts)} texts, {sum(lengths)} tokens, {min(lengths)} to {max(lengths)} each")
    for name, column in (("wall", 0), ("CPU", 1)):
        best = min(row[column] for row in theirs), min(row[column] for row in ours)
        print(
            f"{name:5} tokens/s: sentence-transformers {sum(lengths) / best[0]:8.0f}   "
            f"lockstep {sum(lengths) / best[1]:8.0f}   ratio {best[0] / best[1]:.2f}"
        )
    print(f"cosine deviation: largest {deviation.max():.2e}, mean {deviation.mean():.2e}")
    latencies = []
    for text in texts[:50]:
        question = " ".join(text.split()[:12])
        for encode in (reference.encode, embedder.encode_questions):
            latencies.append(measured(lambda encode=encode, question=question: encode([question]))[1] * 1e3)
    print(f"one question, median ms: {np.median(latencies[0::2]):.1f} and {np.median(latencies[1::2]):.1f}")


if __name__ == "__main__":
    main()
