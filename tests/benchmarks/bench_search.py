"""Search over many chunks: what the index adds to the raw engine and to the embedding of the question.

    python tests/benchmarks/bench_search.py CORPUS [--points 100000] [--directory DIR]

CORPUS is a ``.jsonl.gz`` with the field ``text``. Chunks are its words drawn again, vectors are mixtures of
its paragraphs' vectors, so that both are distributed as in a real collection. With ``--directory`` the
collection is kept and used again. Above 50,000 points the graph is built first, which takes long.
"""

import argparse
import gzip
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import qdrant_edge

from retrieval.batches import batched
from retrieval.embedder import load_embedder, packaged_minilm
from retrieval.index.base import DENSE, Point, Query
from retrieval.index.edge import EdgeIndex, open_edge
from retrieval.index.sparse import Encoder

QUESTIONS = 200
ENGLISH = Encoder(("en",))


def points(paragraphs: list[str], vectors: np.ndarray, count: int) -> Iterator[Point]:
    """Chunks of 40 to 160 words, with a vector between those of three paragraphs."""
    rng = np.random.default_rng(3)
    words = np.array(" ".join(paragraphs).split())
    for id in range(count):
        start, length = rng.integers(0, len(words) - 160), rng.integers(40, 160)
        mixture = rng.dirichlet([0.5, 0.5, 0.5]) @ vectors[rng.integers(0, len(vectors), 3)]
        dense = mixture + 0.02 * rng.standard_normal(vectors.shape[1])
        sparse = ENGLISH.encode_document(" ".join(words[start : start + length]))
        payload = {"document_id": f"document-{id // 8}", "store": "default"}
        yield Point(id, (dense / np.linalg.norm(dense)).astype(np.float32), sparse, payload)


def fill(index: EdgeIndex, paragraphs: list[str], vectors: np.ndarray, count: int) -> None:
    """Write the points in portions, so that making them is not in the figure."""
    made = points(paragraphs, vectors, count)
    writing = 0.0
    for portion in batched(made, 10_000):
        start = time.perf_counter()
        index.upsert(portion)
        writing += time.perf_counter() - start
    print(f"upsert: {count / writing:.0f} points/s")
    start = time.perf_counter()
    index.optimize()
    index.flush()
    print(f"optimize: {time.perf_counter() - start:.1f} s")


def median_ms(run: Callable[[Any], Any], arguments: list[Any]) -> float:
    """Median over one call with each argument, after a tenth of them as warm-up."""
    for argument in arguments[: len(arguments) // 10]:
        run(argument)
    seconds = []
    for argument in arguments:
        start = time.perf_counter()
        run(argument)
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds)) * 1e3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--directory", type=Path, default=None)
    arguments = parser.parse_args()
    with gzip.open(arguments.corpus, "rt", encoding="utf-8") as file:
        paragraphs = [json.loads(line)["text"] for line in file][:500]
    embedder = load_embedder(packaged_minilm())
    vectors = embedder.encode_passages(paragraphs)
    questions = [" ".join(paragraph.split()[5:17]) for paragraph in paragraphs[:QUESTIONS]]
    encoded = embedder.encode_questions(questions)
    with tempfile.TemporaryDirectory() as temporary:
        directory = arguments.directory or Path(temporary) / "collection"
        index = open_edge(directory, embedder=embedder.fingerprint, dimension=embedder.dimension, create=True)
        if index.count() != arguments.points:
            fill(index, paragraphs, vectors, arguments.points)

        def hybrid(i: int) -> None:
            index.query(Query(encoded[i], ENGLISH.encode_question(questions[i]), limit=10, candidates=50))

        shard = index._shard
        raw_requests = [
            qdrant_edge.QueryRequest(limit=10, query=qdrant_edge.Query.Nearest(vector.tolist(), using=DENSE))
            for vector in encoded
        ]
        numbers = list(range(len(questions)))
        embedding = median_ms(lambda i: embedder.encode_questions([questions[i]]), numbers)
        raw = median_ms(lambda i: shard.query(raw_requests[i]), numbers)
        dense = median_ms(lambda i: index.query(Query(encoded[i], None, limit=10)), numbers)
        fused = median_ms(hybrid, numbers)
        print(f"{index.count()} points, medians of {len(questions)} questions, ms:")
        print(f"one question embedded      {embedding:7.2f}")
        print(f"raw engine, dense          {raw:7.2f}")
        print(f"Index.query, dense         {dense:7.2f}")
        print(f"Index.query, hybrid        {fused:7.2f}")
        print(f"(embedded + hybrid) / (embedded + raw) = {(embedding + fused) / (embedding + raw):.2f}")
        index.close()


if __name__ == "__main__":
    main()
