"""End-to-end ingest of a folder beside pure embedding of the same chunks, and a second ingest of the same folder.

python tests/benchmarks/bench_ingest.py FOLDER
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import json
import sys
import tempfile
import time
from pathlib import Path

from retrieval.catalog import Catalog
from retrieval.chunking import Chunker
from retrieval.embedder import load_embedder, packaged_minilm
from retrieval.index.edge import open_edge
from retrieval.ingest import ingest
from retrieval.settings import ChunkingSettings
from retrieval.sync import sync


def main(folder: Path) -> None:
    embedder = load_embedder(packaged_minilm())
    embedder.load()
    chunker = Chunker(embedder.tokenizer_path, ChunkingSettings().max_tokens)
    with tempfile.TemporaryDirectory() as place:
        catalog = Catalog(Path(place) / "catalog.db")
        index = open_edge(
            Path(place) / "index", embedder=embedder.fingerprint, dimension=embedder.dimension, create=True
        )

        def once() -> tuple[float, int]:
            started = time.perf_counter()
            result = ingest(catalog, embedder, chunker, [folder])
            sync(catalog, index, embedder)
            return time.perf_counter() - started, result.chunks

        first, chunks = once()
        second, again = once()
        texts = [stored.chunk.indexed_text for stored in catalog.live_chunks()]
        started = time.perf_counter()
        embedder.encode_passages(texts)
        pure = time.perf_counter() - started
        index.close()
        catalog.close()
    figures = {
        "chunks": chunks,
        "ingest_seconds": round(first, 2),
        "pure_embedding_seconds": round(pure, 2),
        "ingest_share_of_pure_throughput": round(pure / first, 3),
        "second_ingest_seconds": round(second, 3),
        "second_ingest_chunks": again,
        "second_over_first": round(second / first, 4),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
