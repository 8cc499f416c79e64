"""Fusion of ranks beside fusion of scores, on test questions, both with their weights chosen on validation.

The packaged MiniLM embeds, untouched. Everything is kept in the work directory: a second call embeds no
document again.

    python tests/benchmarks/bench_fusion.py WORK DOCUMENTS EXAMPLES...     # one data set, a WORK for each
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import sys
import time
from pathlib import Path

import numpy as np

from retrieval.catalog import Catalog
from retrieval.chunking import Chunker
from retrieval.embedder import load_embedder, packaged_minilm
from retrieval.index.edge import open_edge
from retrieval.ingest import ingest
from retrieval.search import Searcher
from retrieval.search_settings import SearchSettings
from retrieval.settings import ChunkingSettings
from retrieval.sync import sync
from retrieval.workspace import Workspace
from training.data.preparation import prepare_examples
from training.evaluation.comparison import compare_arms
from training.evaluation.evaluate import Arm, ArmResult, evaluate
from training.evaluation.settings_choice import choose_search_settings, grid
from training.settings import DataSettings

SEED = 17
EQUAL = SearchSettings(fusion="rrf", candidates=50)
SCORES = SearchSettings()
RANKS = [EQUAL] + [
    SearchSettings(fusion="rrf", candidates=50, dense_weight=share, sparse_weight=round(1 - share, 3), rrf_k=k)
    for share in (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
    for k in (1, 5, 20, 60)
]
SHOWN = {"mode", "fusion", "dense_weight", "sparse_weight", "rrf_k"}
TIMED = 200


def main(work: Path, documents: Path, examples: list[Path]) -> None:
    work.mkdir(parents=True, exist_ok=True)
    (work / "lockstep.toml").touch()
    workspace = Workspace(work)
    catalog = Catalog(workspace.catalog)
    embedder = load_embedder(packaged_minilm())
    ingest(catalog, embedder, Chunker(embedder.tokenizer_path, ChunkingSettings().max_tokens), [documents])
    directory = workspace.collection(f"e-{embedder.fingerprint[:24]}")
    index = open_edge(directory, embedder=embedder.fingerprint, dimension=embedder.dimension, create=True)
    sync(catalog, index, embedder)
    searcher = Searcher(catalog, index, embedder, SearchSettings())
    prepared = prepare_examples(
        workspace, catalog, searcher, examples, DataSettings(), seed=SEED, freeze=False, warn=print
    )
    asked = [one for one in prepared.examples["validation"] if one.document_ids]
    print(f"{work.name}: {catalog.counts()[0]} documents, chosen on {len(asked)} questions", flush=True)
    questions = {one.id: one.question for one in asked}
    relevant = {one.id: one.document_ids for one in asked}
    _, tried = choose_search_settings(catalog, index, embedder, questions, relevant, RANKS)
    chosen, _ = choose_search_settings(catalog, index, embedder, questions, relevant, grid(EQUAL))
    arms = {
        "ranks, equal weights": EQUAL,
        "ranks, best on validation": max(tried, key=lambda one: one.score).settings,
        "scores, equal weights": SCORES,
        "as chosen": chosen,
    }
    results: dict[str, ArmResult] = {}
    for name, settings in arms.items():
        arm = Arm(name, searcher.at(settings), settings)
        results[name] = evaluate(arm, prepared.examples["test"], prepared.split.group_of_example)
        test = results[name].mean_retrieval("ndcg@10")
        print(f"{name}: test nDCG@10 {test:.4f}, {settings.model_dump(include=SHOWN)}", flush=True)
    for baseline in list(arms)[:2]:
        for name in list(arms)[2:]:
            for found in compare_arms(results[baseline], results[name]):
                if found.metric == "ndcg@10":
                    print(
                        f"{name} against {baseline}: {found.difference:+.4f} {interval(found.low, found.high)}, "
                        f"n = {found.n} in {found.groups} groups",
                        flush=True,
                    )
    time_searches(searcher, [one.question for one in prepared.examples["test"]][:TIMED])
    index.close()


def interval(low: float | None, high: float | None) -> str:
    """An interval as text."""
    return "no interval" if low is None or high is None else f"95 % interval {low:+.4f} to {high:+.4f}"


def time_searches(searcher: Searcher, questions: list[str]) -> None:
    """Milliseconds of ``search``, both ways in turn for each question, the question's embedding included."""
    arms = {"ranks": searcher.at(EQUAL), "scores": searcher.at(SCORES)}
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in arms}
    for question in questions:
        for name, arm in arms.items():
            wall, processor = time.perf_counter(), time.process_time()
            arm.search(question)
            spent[name].append((time.perf_counter() - wall, time.process_time() - processor))
    taken = {name: np.array(values) * 1e3 for name, values in spent.items()}  # (questions, 2)
    for column, what in enumerate(("wall", "processor")):
        ranks, scores = (np.median(taken[name][:, column]) for name in arms)
        difference = np.median(taken["scores"][:, column] - taken["ranks"][:, column])
        print(f"search, {what} time, median ms: ranks {ranks:.2f}, scores {scores:.2f}, difference {difference:+.2f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), [Path(one) for one in sys.argv[3:]])
