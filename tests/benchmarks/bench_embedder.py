"""The embedder's training beside the plain in-batch recipe at equal compute, on several data sets and seeds.

Plain is the documented recipe of sentence-transformers: in-batch negatives, 2e-5. It gets half as many steps again, for
a row of ours has a negative beside its pair. Dense search alone is measured: fusion hides what embedders differ in.

    python tests/benchmarks/bench_embedder.py WORK SET [SET …] [--seeds 3] [--rows 1024]

A SET is a directory with `corpus.jsonl.gz` and `qa.jsonl.gz`, or a workspace's with `documents/` and `examples/`. What
was trained stays in WORK, so a second call goes on.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from statistics import fmean, stdev

from bench_squad import DENSE, searcher_of, train_plain

from retrieval.catalog import Catalog
from retrieval.chunking import Chunker
from retrieval.embedder import load_embedder, packaged_minilm
from retrieval.ingest import ingest
from retrieval.search import Searcher
from retrieval.settings import ChunkingSettings
from retrieval.workspace import Workspace
from training.data.contrastive import ContrastiveRow
from training.data.preparation import Prepared, contrastive_rows, prepare_examples
from training.embedder.training import train_embedder
from training.evaluation.checkpoint_metrics import EmbedderMetric
from training.evaluation.evaluate import Arm, evaluate
from training.settings import DataSettings, EmbedderTraining


class DataSet:
    """Documents in a catalog, questions in splits, and contrastive rows."""

    def __init__(self, source: Path, work: Path, most_rows: int) -> None:
        work.mkdir(parents=True, exist_ok=True)
        (work / "lockstep.toml").touch()
        self.name, self.work, self.workspace = source.name, work, Workspace(work)
        self.catalog, self.base = Catalog(self.workspace.catalog), load_embedder(packaged_minilm())
        files = [source / "documents"] if (source / "documents").is_dir() else [source / "corpus.jsonl.gz"]
        asked = sorted((source / "examples").glob("*.jsonl")) or [source / "qa.jsonl.gz"]
        ingest(self.catalog, self.base, Chunker(self.base.tokenizer_path, ChunkingSettings().max_tokens), files)
        self.untouched, settings = searcher_of(self.catalog, self.workspace, self.base), DataSettings()
        self.prepared: Prepared = prepare_examples(
            self.workspace, self.catalog, self.untouched, asked, settings, seed=17, freeze=False, warn=print
        )
        rows, _ = contrastive_rows(self.untouched, self.prepared.examples["train"], self.prepared.split, settings)
        self.rows: list[ContrastiveRow] = Random(17).sample(rows, min(most_rows, len(rows)))

    def train(self, recipe: str, seed: int) -> Path:
        """The directory of a trained embedder."""
        output, training = self.work / f"{recipe}-{seed}", EmbedderTraining()
        if output.is_dir():
            return output
        if recipe == "plain":
            steps = -(-len(self.rows) // training.batch_size) * training.epochs
            train_plain(self.base, self.rows, training, output, seed=seed, steps=-(-3 * steps // 2))
        else:
            metric = EmbedderMetric(self.catalog, self.untouched, self.prepared.examples["validation"])
            model = self.base.sentence_transformer()
            train_embedder(model, self.rows, metric, output, training, seed=seed, events=lambda _: None, resume=True)
        return output

    def measure(self, searcher: Searcher) -> float:
        """Mean nDCG@10 of dense search over the test questions."""
        arm = Arm("dense", searcher.at(DENSE))
        found = evaluate(arm, self.prepared.examples["test"], self.prepared.split.group_of_example)
        return float(found.metrics()["retrieval"]["ndcg@10"])


def compare(data: DataSet, seeds: Sequence[int]) -> dict[str, object]:
    """Means over seeds, and the spread of what ours has more."""
    scores: dict[str, list[float]] = {"plain": [], "ours": []}
    for seed in seeds:
        for recipe, own in scores.items():
            embedder = load_embedder(data.train(recipe, seed))
            own.append(data.measure(searcher_of(data.catalog, data.workspace, embedder)))
        print(f"{data.name}, seed {seed}: { ({name: round(own[-1], 4) for name, own in scores.items()}) }", flush=True)
    gains = [after - before for before, after in zip(scores["plain"], scores["ours"], strict=True)]
    return {
        "set": data.name,
        "training rows": len(data.rows),
        "test questions": len(data.prepared.examples["test"]),
        "untouched": round(data.measure(data.untouched), 4),
        **{name: round(fmean(own), 4) for name, own in scores.items()},
        "gain over plain": round(fmean(gains), 4),
        "its standard deviation": round(stdev(gains), 4) if len(gains) > 1 else None,
    }


def main() -> None:
    """Print a line for each set."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("sets", type=Path, nargs="+")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=1024, help="contrastive rows at most")
    given = parser.parse_args()
    for source in given.sets:
        data = DataSet(source, given.work / source.name, given.rows)
        print(json.dumps(compare(data, range(17, 17 + given.seeds))), flush=True)


if __name__ == "__main__":
    main()
