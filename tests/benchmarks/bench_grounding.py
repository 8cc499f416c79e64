"""How a generator reads: SQuAD's test questions over the oracle and three distractors, and over four distractors alone.

    python tests/benchmarks/bench_grounding.py DATA WORK [MODEL [QUESTIONS]]

DATA holds corpus.jsonl.gz and qa.jsonl.gz; WORK is kept (bench_squad.py makes the same); MODEL is as under
[generator], with the default's grounding if it is left out; QUESTIONS of the test split are drawn at random.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

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
from retrieval.prompt import Prompt, cited_marks, is_abstention, strip_marks
from retrieval.settings import ChunkingSettings
from retrieval.workspace import Workspace
from training.data.candidates import DEPTH, SearcherCandidates
from training.data.examples import Example
from training.data.preparation import prepare_examples
from training.data.supervised import SupervisedRow, build_supervised
from training.evaluation.comparison import compare
from training.generator.generation import load_generator
from training.generator.packaged import GROUNDED
from training.releases.release import ModelReference
from training.releases.runtime import model_directory
from training.scoring.answer_metrics import score_answer
from training.settings import DataSettings

TOKENS = 32


def main(data: Path, work: Path, model: str, most: int | None) -> None:
    work.mkdir(parents=True, exist_ok=True)
    (work / "lockstep.toml").touch()
    workspace, prompt = Workspace(work), Prompt()
    catalog = Catalog(workspace.catalog)
    base = load_embedder(packaged_minilm())
    ingest(catalog, base, Chunker(base.tokenizer_path, ChunkingSettings().max_tokens), [data / "corpus.jsonl.gz"])
    searcher = searcher_of(catalog, workspace, base)
    prepared = prepare_examples(
        workspace, catalog, searcher, [data / "qa.jsonl.gz"], DataSettings(), seed=SEED, freeze=False, warn=print
    )
    test = list(prepared.examples["test"])
    asked = test if most is None else Random(SEED).sample(test, min(most, len(test)))

    def rows(abstention_share: float) -> list[SupervisedRow]:
        found, _ = build_supervised(
            [replace(example, split=None) for example in asked],
            lambda questions: searcher.search_batch(questions, top_k=DEPTH),
            prompt,
            chunks_of=SearcherCandidates(searcher).chunks_of,
            groups=prepared.split.group_of,
            seed=SEED,
            abstention_share=abstention_share,
        )
        return found

    by_id: dict[str, Example] = {example.id: example for example in asked}
    shown, hidden = rows(0.0), rows(1.0)
    with load_generator(model_directory(ModelReference(model=model, fingerprint=""), Path.cwd())) as generator:

        def said(given: Sequence[SupervisedRow]) -> list[str]:
            return generator.generate([generator.encode(row.messages) for row in given], TOKENS)

        answers, refusals = said(shown), said(hidden)
    refused = np.array([is_abstention(text, prompt) for text in answers])
    rightly = np.array([is_abstention(text, prompt) for text in refusals])
    scores = [
        score_answer(strip_marks(text), by_id[row.example_id].answers, abstained=bool(abstained))
        for text, row, abstained in zip(answers, shown, refused, strict=True)
    ]
    cited = [
        cited_marks(text, len(row.passages))[:1] == [row.oracle_position]
        for text, row, abstained in zip(answers, shown, refused, strict=True)
        if not abstained
    ]
    f1 = np.array([one.squad_f1 for one in scores])
    groups = [prepared.split.group_of_example[row.example_id] for row in shown]
    interval = compare("f1", np.zeros(len(f1)), f1, groups)
    abstention_f1 = 2 * rightly.sum() / max(1, 2 * rightly.sum() + refused.sum() + (~rightly).sum())
    print(f"{model}: n = {len(shown)}")
    print(f"SQuAD's F1 {f1.mean():.3f} (95 % interval {interval.low:.3f} to {interval.high:.3f})")
    print(f"exact match {np.mean([one.squad_exact_match for one in scores]):.3f}", end=", ")
    print(f"answer score {np.mean([one.answer_score for one in scores]):.3f}, refused {refused.mean():.3f}")
    print(f"citation accuracy {np.mean(cited) if cited else 0:.3f} of {len(cited)} answers")
    print(f"abstention F1 {abstention_f1:.3f}: refuses {rightly.mean():.3f} of {len(hidden)} without their oracle")


if __name__ == "__main__":
    main(
        Path(sys.argv[1]),
        Path(sys.argv[2]),
        sys.argv[3] if len(sys.argv) > 3 else GROUNDED,
        int(sys.argv[4]) if len(sys.argv) > 4 else None,
    )
