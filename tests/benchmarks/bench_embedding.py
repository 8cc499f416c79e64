"""Embedding throughput beside ``SentenceTransformer.encode`` at its defaults, in one run.

    python tests/benchmarks/bench_embedding.py PATH [--model DIRECTORY] [--limit N]

PATH is a corpus (``.jsonl`` or ``.jsonl.gz`` with the field ``text``) or a folder, of which the Markdown
and text files are read. The two take turns and the best round of each counts, so that other work on
the machine disturbs both alike. CPU seconds are printed too: they bear a busy machine better.
"""

import argparse
import gzip
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from retrieval.embedder import load_embedder, packaged_minilm


def texts_of(path: Path, words: int = 170) -> Iterator[str]:
    """Pieces of at most ``words`` words, about what fits the window of a small embedder."""
    if path.is_dir():
        files = [file for file in sorted(path.rglob("*")) if file.suffix in (".md", ".txt")]
        sources = (file.read_text(errors="replace") for file in files)
    else:
        open_text = gzip.open if path.suffix == ".gz" else open
        with open_text(path, "rt", encoding="utf-8") as file:
            sources = iter([json.loads(line)["text"] for line in file])
    for source in sources:
        pieces = source.split()
        for start in range(0, len(pieces), words):
            yield " ".join(pieces[start : start + words])


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
    parser.add_argument("--limit", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    texts = list(texts_of(arguments.path))[: arguments.limit]
    embedder = load_embedder(arguments.model or packaged_minilm())
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
