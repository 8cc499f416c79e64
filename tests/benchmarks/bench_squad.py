"""The embedder's training beside the plain sentence-transformers recipe, on a data set with given splits.

Both start from the packaged MiniLM, with the same epochs, batch size, seed and precision, and are
measured on the same chunks through the same engine. Everything is kept in the work directory, so
a second call goes on.

    python tests/benchmarks/bench_squad.py DATA WORK      # DATA holds corpus.jsonl.gz and qa.jsonl.gz
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import json
import sys
import time
from pathlib import Path
from typing import Any

from retrieval.catalog import Catalog
from retrieval.chunking import Chunker
from retrieval.embedder import Embedder, load_embedder, packaged_minilm
from retrieval.index.edge import open_edge
from retrieval.ingest import ingest
from retrieval.search import Searcher
from retrieval.search_settings import SearchSettings
from retrieval.settings import ChunkingSettings
from retrieval.sync import sync
from retrieval.workspace import Workspace
from training.data.contrastive import ContrastiveRow
from training.data.preparation import Prepared, contrastive_rows, prepare_examples
from training.embedder.training import train_embedder
from training.evaluation.checkpoint_metrics import EmbedderMetric
from training.evaluation.comparison import compare_arms
from training.evaluation.evaluate import Arm, ArmResult, evaluate
from training.evaluation.settings_choice import choose_search_settings, grid
from training.settings import DataSettings, EmbedderTraining

SEED = 17
DENSE = SearchSettings(mode="dense")


def main(data: Path, work: Path) -> None:
    work.mkdir(parents=True, exist_ok=True)
    (work / "lockstep.toml").touch()
    workspace = Workspace(work)
    catalog = Catalog(workspace.catalog)
    base = load_embedder(packaged_minilm())
    took = ingest(
        catalog, base, Chunker(base.tokenizer_path, ChunkingSettings().max_tokens), [data / "corpus.jsonl.gz"]
    )
    print(json.dumps({"ingest": took.as_json()}), flush=True)
    untouched = searcher_of(catalog, workspace, base)
    settings = DataSettings()
    prepared = prepare_examples(
        workspace, catalog, untouched, [data / "qa.jsonl.gz"], settings, seed=SEED, freeze=False, warn=print
    )
    rows, stats = contrastive_rows(untouched, prepared.examples["train"], prepared.split, settings)
    print(json.dumps({"rows": stats.rows, "negatives": stats.negatives, "dropped": stats.dropped}), flush=True)
    training = EmbedderTraining()
    if not (work / "plain").is_dir():
        timed("plain", lambda: train_plain(base, rows, training, work / "plain"))
    if not (work / "ours").is_dir():
        metric = EmbedderMetric(catalog, untouched, prepared.examples["validation"])
        timed(
            "ours",
            lambda: train_embedder(
                base.sentence_transformer(),
                rows,
                metric,
                work / "ours",
                training,
                seed=SEED,
                events=lambda event: print(json.dumps(event), flush=True) if "eval_ndcg@10" in event else None,
                resume=True,
            ),
        )
    searchers = {
        "untouched": untouched,
        "plain": searcher_of(catalog, workspace, load_embedder(work / "plain")),
        "ours": searcher_of(catalog, workspace, load_embedder(work / "ours")),
    }
    results = measure(catalog, searchers, prepared)
    for one, other in (
        ("plain, dense", "ours, dense"),
        ("untouched, dense", "ours, dense"),
        ("untouched, hybrid at equal weights", "ours, as served"),
        ("untouched, as served", "ours, as served"),
        ("plain, as served", "ours, as served"),
    ):
        for found in compare_arms(results[one], results[other]):
            if found.metric in ("ndcg@10", "recall@1"):
                print(
                    f"{other} against {one}: {found.metric} {found.baseline:.4f} -> {found.candidate:.4f} "
                    f"({found.difference:+.4f}, 95 % interval {found.low:+.4f} to {found.high:+.4f}, n = {found.n})",
                    flush=True,
                )


def searcher_of(catalog: Catalog, workspace: Workspace, embedder: Embedder) -> Searcher:
    """A searcher over a collection of its own."""
    directory = workspace.collection(f"e-{embedder.fingerprint[:24]}")
    index = open_edge(directory, embedder=embedder.fingerprint, dimension=embedder.dimension, create=True)
    sync(catalog, index, embedder)
    return Searcher(catalog, index, embedder, DENSE)


def train_plain(
    base: Embedder,
    rows: list[ContrastiveRow],
    training: EmbedderTraining,
    output: Path,
    *,
    seed: int = SEED,
    steps: int = -1,
) -> None:
    """The recipe of sentence-transformers' documentation: in-batch negatives only, 2e-5, linear decay.

    Args:
        steps: of the optimizer; by default as many as the epochs have.
    """
    from datasets import Dataset
    from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    from retrieval.hardware import best_device, cpu_has_bf16

    model = base.sentence_transformer()
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(output.with_name(f"{output.name}-checkpoints")),
        num_train_epochs=training.epochs,
        max_steps=steps,
        per_device_train_batch_size=training.batch_size,
        learning_rate=2e-5,
        bf16=cpu_has_bf16() or best_device() != "cpu",
        use_cpu=best_device() == "cpu",
        save_strategy="no",
        seed=seed,
        data_seed=seed,
        report_to=[],
        disable_tqdm=True,
    )
    SentenceTransformerTrainer(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_list([{"anchor": row.anchor, "positive": row.positive} for row in rows]),
        loss=MultipleNegativesRankingLoss(model),
    ).train()
    model.save_pretrained(str(output), create_model_card=False)


def measure(catalog: Catalog, searchers: dict[str, Searcher], prepared: Prepared) -> dict[str, ArmResult]:
    """Every system on the test questions; fusion weights chosen on validation."""
    asked = prepared.examples["validation"]
    arms: list[Arm] = [Arm("BM25", searchers["untouched"].at(SearchSettings(mode="sparse")))]
    for name, searcher in searchers.items():
        served, _ = choose_search_settings(
            catalog,
            searcher.index,
            searcher.embedder,
            {one.id: one.question for one in asked},
            {one.id: one.document_ids for one in asked},
            grid(SearchSettings()),
        )
        print(f"{name}: chosen on validation: {served.model_dump(exclude_defaults=True)}", flush=True)
        for label, settings in (("dense", DENSE), ("hybrid at equal weights", SearchSettings()), ("as served", served)):
            arms.append(Arm(f"{name}, {label}", searcher.at(settings)))
    results = {}
    for arm in arms:
        found = evaluate(arm, prepared.examples["test"], prepared.split.group_of_example)
        results[arm.name] = found
        figures = {metric: round(value or 0.0, 4) for metric, value in found.metrics()["retrieval"].items()}
        print(f"{arm.name}: {figures}", flush=True)
    return results


def timed(name: str, work: Any) -> None:
    started = time.monotonic()
    work()
    print(json.dumps({"trained": name, "seconds": round(time.monotonic() - started)}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
