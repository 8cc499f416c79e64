"""A reranker trained from the embedder's own encoder: what it gains over hybrid search, and what it takes of time.

No cross-encoder comes with Lockstep, so this is what `reranker_enabled` does where none is configured.

    python tests/benchmarks/bench_reranker.py WORK SET [SET …] [--rows 512] [--questions 300] [--seed 17]

A SET is as for bench_embedder.py. What was trained stays in WORK, so a second call goes on.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import argparse
import json
import time
from pathlib import Path
from statistics import median
from typing import Any

from bench_embedder import DataSet

from retrieval.hardware import best_device
from retrieval.reranker import load_cross_encoder, load_reranker
from retrieval.search import Searcher
from training.data.sampling import spread
from training.evaluation.checkpoint_metrics import RerankerMetric
from training.evaluation.comparison import compare_arms
from training.evaluation.evaluate import Arm, evaluate
from training.evaluation.settings_choice import choose_search_settings, grid
from training.reranker.training import train_reranker
from training.settings import RerankerTraining


def measure(data: DataSet, settings: RerankerTraining, questions: int, seed: int) -> dict[str, Any]:
    """Figures of one set."""
    asked = [one for one in data.prepared.examples["validation"] if one.document_ids]
    chosen, _ = choose_search_settings(
        data.catalog,
        data.untouched.index,
        data.base,
        {one.id: one.question for one in asked},
        {one.id: one.document_ids for one in asked},
        grid(data.untouched.settings),
    )
    hybrid = data.untouched.at(chosen.model_copy(update={"reranked": settings.candidates}))
    output, groups = data.work / f"reranker-{seed}", data.prepared.split.group_of_example
    began = time.process_time()
    if not output.is_dir():
        train_reranker(
            load_cross_encoder(data.base.path, device=best_device(), new_head=True, max_length=settings.max_length),
            data.rows,
            RerankerMetric(hybrid, spread(asked, groups, questions, seed=seed), settings.candidates),
            output,
            settings,
            embedder=data.base,
            seed=seed,
            events=lambda event: print(json.dumps(event), flush=True) if "eval_ndcg@10" in event else None,
        )
    trained = time.process_time() - began
    reranking = hybrid.reranking(load_reranker(output))
    examples = spread([one for one in data.prepared.examples["test"] if one.document_ids], groups, questions, seed=seed)
    results = [
        evaluate(Arm(name, searcher), examples, groups)
        for name, searcher in (("hybrid", hybrid), ("reranked", reranking))
    ]
    found = next(one for one in compare_arms(*results) if one.metric == "ndcg@10")
    return {
        "set": data.name,
        "training rows": len(data.rows),
        "training seconds of processor": round(trained),
        "test questions": found.n,
        "hybrid": round(found.baseline, 4),
        "reranked": round(found.candidate, 4),
        "interval": [found.low, found.high],
        "milliseconds of processor": {
            name: round(milliseconds(searcher, [one.question for one in examples[:30]]), 1)
            for name, searcher in (("hybrid", hybrid), ("reranked", reranking))
        },
    }


def milliseconds(searcher: Searcher, questions: list[str]) -> float:
    """Of processor for a search, the median: other work on the machine does not count."""
    taken = []
    for question in [questions[0], *questions]:  # the first loads
        began = time.process_time()
        searcher.search(question)
        taken.append(time.process_time() - began)
    return 1000 * median(taken[1:])


def main() -> None:
    """Print a line for each set."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("sets", type=Path, nargs="+")
    parser.add_argument("--rows", type=int, default=512, help="contrastive rows at most")
    parser.add_argument("--questions", type=int, default=300, help="of validation and of test at most")
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--settings", type=json.loads, default={}, help="JSON of settings under [training.reranker]")
    given = parser.parse_args()
    for source in given.sets:
        data = DataSet(source, given.work / source.name, given.rows)
        print(json.dumps(measure(data, RerankerTraining(**given.settings), given.questions, given.seed)), flush=True)


if __name__ == "__main__":
    main()
