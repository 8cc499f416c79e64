"""Search in each language of XQuAD, and in English SQuAD: BM25 alone and hybrid, before and after languages were told.

"Before" is the encoder as it was: English stems and stop words for every text, the engine's own tokenizer. Both
search the same chunks with the same dense vectors through the same engine; titles, which XQuAD has in English only,
are left out. Also the time of encoding 1000 English chunks, measured in turns.

    python tests/benchmarks/bench_languages.py XQUAD SQUAD WORK [DOCUMENTS]

XQUAD and SQUAD are folders of corpus.jsonl.gz and qa.jsonl.gz; of each language only so many documents are taken.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import gzip
import json
import math
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np
import qdrant_edge

from retrieval.catalog import Catalog
from retrieval.catalog_changes import text_hash
from retrieval.chunking import Chunker
from retrieval.documents import Document
from retrieval.embedder import Embedder, load_embedder, packaged_minilm
from retrieval.index.base import Point, Query, SparseVector
from retrieval.index.edge import EdgeIndex, open_edge
from retrieval.index.sparse import Encoder
from retrieval.languages import spoken
from retrieval.normalisation import normalise, normalise_document
from retrieval.search_settings import SearchSettings
from retrieval.sync import LANGUAGE_SAMPLE, MIN_SHARE

Encode = Callable[[str], SparseVector]
PER_QUERY = 30
"""Chunks asked for, so that ten documents are among them."""
BEFORE = qdrant_edge.Bm25(qdrant_edge.Bm25Config(k=1.2, b=0.75, avg_len=256.0, language="english"))


def before_document(text: str) -> SparseVector:
    vector = BEFORE.embed_document(text)
    return SparseVector(vector.indices, vector.values)


def before_question(text: str) -> SparseVector:
    vector = BEFORE.embed_query(text)
    return SparseVector(vector.indices, vector.values)


def rows(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def ndcg(found: Sequence[str], wanted: str) -> float:
    """nDCG@10 with one relevant document: 1 / log2(rank + 1)."""
    ranked = list(dict.fromkeys(found))[:10]
    return 1 / math.log2(ranked.index(wanted) + 2) if wanted in ranked else 0.0


def measure(
    index: EdgeIndex, owners: dict[int, str], asked: list[tuple[str, str, np.ndarray]], encode: Encode, kind: str
) -> list[float]:
    served = SearchSettings()
    fused: dict[str, dict[str, Any]] = {
        "BM25": {},
        "hybrid": {"fusion": "rrf"},
        "served": {
            "fusion": served.fusion,
            "dense_weight": served.dense_weight,
            "sparse_weight": served.sparse_weight,
        },
    }
    queries = [
        Query(
            None if kind == "BM25" else vector,
            encode(question),
            limit=PER_QUERY,
            candidates=served.candidates if kind == "served" else 50,
            **fused[kind],
        )
        for question, _, vector in asked
    ]
    return [
        ndcg([owners[hit.id] for hit in hits], wanted)
        for hits, (_, wanted, _) in zip(index.query_batch(queries), asked, strict=True)
    ]


def compare(
    name: str, documents: list[Document], questions: list[tuple[str, str]], embedder: Embedder, work: Path
) -> list[str]:
    """One line of figures; returns the texts of the chunks."""
    chunker = Chunker(embedder.tokenizer_path, 128)
    chunks = [chunk for document in documents for chunk in chunker.chunk(normalise_document(document))]
    texts = [chunk.indexed_text for chunk in chunks]
    owners = {id: chunk.document_id for id, chunk in enumerate(chunks)}
    dense = cached(work, embedder, texts, embedder.encode_passages)
    asked_dense = cached(work, embedder, [normalise(question) for question, _ in questions], embedder.encode_questions)
    asked = [(*pair, vector) for pair, vector in zip(questions, asked_dense, strict=True)]
    found = spoken(texts[:: max(1, -(-len(texts) // LANGUAGE_SAMPLE))])
    encoder = Encoder(tuple(code for code, share in found.items() if share >= MIN_SHARE))
    result: dict[str, list[float]] = {}
    for when, encode, ask in (
        ("before", before_document, before_question),
        ("after", encoder.encode_document, lambda text: encoder.encode_question(normalise(text))),
    ):
        index = open_edge(
            work / f"{name}-{when}-{time.time_ns()}",
            embedder=embedder.fingerprint,
            dimension=embedder.dimension,
            create=True,
        )
        index.upsert(Point(id, dense[id], encode(text), {}) for id, text in enumerate(texts))
        for kind in ("BM25", "hybrid", "served"):
            result[f"{kind} {when}"] = measure(index, owners, asked, ask, kind)
        index.close()
    columns = ("BM25 before", "BM25 after", "hybrid before", "hybrid after", "served after")
    figures = [f"{mean(result[column]):.4f}" for column in columns]
    print(f"| {name} | {len(questions)} | {' '.join(encoder.languages)} | {' | '.join(figures)} |", flush=True)
    return texts


def cached(work: Path, embedder: Embedder, texts: list[str], encode: Callable[[list[str]], np.ndarray]) -> np.ndarray:
    """Vectors (texts, dimension), kept in a catalog of the work directory."""
    catalog = Catalog(work / "vectors.db")
    keys = [text_hash(text) for text in texts]
    known = catalog.cached_vectors(keys, embedder.fingerprint)
    missing = [text for key, text in dict(zip(keys, texts, strict=True)).items() if key not in known]
    if missing:
        fresh = dict(zip(map(text_hash, missing), encode(missing), strict=True))
        catalog.store_vectors(embedder.fingerprint, fresh)
        known |= fresh
    catalog.close()
    return np.stack([known[key] for key in keys])


def speed(texts: list[str]) -> None:
    """CPU milliseconds for 1000 chunks, in turns; the median of nine and of their ratios."""
    portion, encoder = (texts * (1 + 1000 // len(texts)))[:1000], Encoder(("en",))
    taken: dict[str, list[float]] = {"before": [], "after": []}
    for _ in range(9):
        for when, encode in (("before", before_document), ("after", encoder.encode_document)):
            started = time.process_time()
            for text in portion:
                encode(text)
            taken[when].append(1000 * (time.process_time() - started))
    ratio = median(after / before for before, after in zip(taken["before"], taken["after"], strict=True))
    print(
        f"encoding 1000 English chunks: {median(taken['before']):.0f} ms before, {median(taken['after']):.0f} ms after"
    )
    print(f"median ratio {ratio:.2f}")


def main(xquad: Path, squad: Path, work: Path, limit: int) -> None:
    work.mkdir(parents=True, exist_ok=True)
    embedder = load_embedder(packaged_minilm())
    print(
        "| language | questions | detected | BM25 before | after | hybrid by ranks before | after | by scores after |"
    )
    print("|---|---|---|---|---|---|---|---|", flush=True)
    corpus, asked = rows(xquad / "corpus.jsonl.gz"), rows(xquad / "qa.jsonl.gz")
    languages = sorted({row["lang"] for row in corpus})
    parts = {language: [row for row in corpus if row["lang"] == language][:limit] for language in languages}
    for language, part in parts.items():
        compare(language, *of(part, asked, titles=False), embedder, work)
    documents, questions = of([row for part in parts.values() for row in part], asked, titles=False)
    compare("all together", documents, questions[:: len(languages)], embedder, work)
    tested = [row for row in rows(squad / "qa.jsonl.gz") if row["split"] == "test"]
    asked_of = {row["doc_ids"][0] for row in tested}
    part = sorted(rows(squad / "corpus.jsonl.gz"), key=lambda row: row["id"] not in asked_of)[: 10 * limit]
    speed(compare("squad", *of(part, tested, titles=True), embedder, work))


def of(
    part: list[dict[str, Any]], asked: list[dict[str, Any]], *, titles: bool
) -> tuple[list[Document], list[tuple[str, str]]]:
    """Documents, and the questions on them."""
    documents = [Document(row["id"], row["text"].strip(), row.get("title", "") if titles else "") for row in part]
    known = {document.id for document in documents}
    return documents, [(row["question"], row["doc_ids"][0]) for row in asked if row["doc_ids"][0] in known]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else 10_000)
