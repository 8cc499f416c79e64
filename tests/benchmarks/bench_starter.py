"""The starter on SQuAD's test questions, untouched and tuned: the oracle among three distractors.

LoRA through Lockstep's own generator training, on the train split (or ROWS of it drawn at random), chosen on
validation.

    python tests/benchmarks/bench_starter.py DATA WORK [EPOCHS [ROWS]]      # WORK as bench_squad.py makes it
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
from bench_squad import SEED, searcher_of

from retrieval.catalog import Catalog
from retrieval.chunking import Chunker
from retrieval.embedder import load_embedder, packaged_minilm
from retrieval.ingest import ingest
from retrieval.prompt import Prompt, is_abstention, strip_marks
from retrieval.settings import ChunkingSettings
from retrieval.workspace import Workspace
from training.data.candidates import DEPTH, SearcherCandidates
from training.data.examples import Example
from training.data.preparation import prepare_examples
from training.data.supervised import SupervisedRow, build_supervised
from training.evaluation.comparison import compare
from training.generator.generation import Generator, load_generator
from training.generator.training import train_generator
from training.scoring.answer_metrics import score_answer
from training.settings import DataSettings, GeneratorTraining
from training.starter.paths import starter_path

TOKENS = 32


def main(data: Path, work: Path, epochs: int, most: int | None) -> None:
    work.mkdir(parents=True, exist_ok=True)
    (work / "lockstep.toml").touch()
    workspace, prompt = Workspace(work), Prompt()
    catalog = Catalog(workspace.catalog)
    base = load_embedder(packaged_minilm())
    ingest(catalog, base, Chunker(base.tokenizer_path, ChunkingSettings().max_tokens), [data / "corpus.jsonl.gz"])
    searcher = searcher_of(catalog, workspace, base)
    prepared = prepare_examples(
        workspace, catalog, searcher, [data / "qa.jsonl.gz"], DataSettings(), seed=SEED, freeze=False
    )

    def rows(examples: Sequence[Example], abstention_share: float) -> list[SupervisedRow]:
        found, _ = build_supervised(
            [replace(example, split=None) for example in examples],
            lambda questions: searcher.search_batch(questions, top_k=DEPTH),
            prompt,
            chunks_of=SearcherCandidates(searcher).chunks_of,
            groups=prepared.split.group_of,
            seed=SEED,
            abstention_share=abstention_share,
        )
        return found

    def scores(generator: Generator, asked: Sequence[SupervisedRow], answers: dict[str, Sequence[str]]) -> np.ndarray:
        """(rows, 4): answer score, SQuAD's F1 and exact match, and whether it refused to answer."""
        texts = generator.generate([generator.encode(row.messages) for row in asked], TOKENS)
        refused = [is_abstention(text, prompt) for text in texts]
        found = [
            score_answer(strip_marks(text), answers[row.example_id], abstained=abstained)
            for text, row, abstained in zip(texts, asked, refused, strict=True)
        ]
        return np.array(
            [
                [one.answer_score, one.squad_f1, one.squad_exact_match, abstained]
                for one, abstained in zip(found, refused, strict=True)
            ]
        )

    answers = {example.id: example.answers for split in prepared.examples.values() for example in split}
    validation = rows(prepared.examples["validation"], 0.0)[:300]
    settings = GeneratorTraining(epochs=epochs)
    training = rows(prepared.examples["train"], DataSettings().abstention_share)
    if most is not None:
        training = Random(SEED).sample(training, min(most, len(training)))
    result = train_generator(
        starter_path(),
        training,
        lambda generator: float(scores(generator, validation, answers)[:, 0].mean()),
        work / f"adapter-{epochs}-{len(training)}",
        settings,
        abstention=prompt.abstention,
        seed=SEED,
        events=lambda event: print(json.dumps(event), flush=True),
        resume=True,
    )
    print(f"trained on {result.rows} rows", flush=True)
    test = rows(prepared.examples["test"], 0.0)
    measured = {}
    for name, adapter in (("untouched", None), ("tuned", result.adapter)):
        with load_generator(starter_path(), adapter) as generator:
            measured[name] = scores(generator, test, answers)
        score, f1, exact, refused = measured[name].mean(axis=0)
        print(
            f"{name}: answer score {score:.3f}, SQuAD's F1 {f1:.3f}, exact match {exact:.3f}, refused {refused:.3f}, "
            f"n = {len(test)}",
            flush=True,
        )
    groups = [prepared.split.group_of_example[row.example_id] for row in test]
    found = compare("f1", measured["untouched"][:, 1], measured["tuned"][:, 1], groups)
    print(f"tuned against untouched: F1 {found.difference:+.3f} (95 % interval {found.low:+.3f} to {found.high:+.3f})")


if __name__ == "__main__":
    main(
        Path(sys.argv[1]),
        Path(sys.argv[2]),
        epochs=int(sys.argv[3]) if len(sys.argv) > 3 else 1,
        most=int(sys.argv[4]) if len(sys.argv) > 4 else None,
    )
