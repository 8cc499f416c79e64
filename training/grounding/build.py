"""Makes the grounding adapter with Lockstep's own ingest, rows and generator training.

    python -m training.grounding.build --work DIR --squad DIR [--squad-json FILE…] [--qamr FILE…] [--fairytales DIR]

The adapter's card tells where the sets are from. It stops at any time; the same command goes on from the last
checkpoint. At the end the adapter is published to ``training/grounding/adapter`` with the curve of its training.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any

from retrieval.catalog import Catalog
from retrieval.chunking import Chunker
from retrieval.documents import Passage
from retrieval.embedder import load_embedder, packaged_minilm
from retrieval.files import publish_json, publish_rows
from retrieval.index.edge import open_edge
from retrieval.ingest import ingest
from retrieval.prompt import Prompt, is_abstention, strip_marks
from retrieval.search import Searcher
from retrieval.search_settings import SearchSettings
from retrieval.sync import sync
from retrieval.workspace import Workspace
from training.data.candidates import DEPTH, SearcherCandidates
from training.data.examples import Example
from training.data.reading.load import load_examples
from training.data.supervised import SupervisedRow, build_supervised
from training.generator.generation import Generator
from training.generator.packaged import BASE, grounding_adapter, packaged_generator
from training.generator.training import train_generator
from training.grounding.conversations import converse
from training.grounding.sets import Asked, evaluation_data, fairytales, held_out, qamr, squad_json
from training.scoring.answer_metrics import score_answer
from training.settings import GeneratorTraining

SEED = 17
CHUNK_TOKENS = 96
"""Short passages: more questions in the same time."""
ANSWER_TOKENS = 32


@dataclass(frozen=True)
class Round:
    """Rows of one kind, and how they are trained on."""

    rows: int
    turns: int
    refused: float
    """Share of the questions that the passages do not answer."""
    passages: tuple[int, ...]
    """How many a row shows, each as often."""
    training: GeneratorTraining


TRAINING = GeneratorTraining(
    epochs=1,
    batch_size=4,
    learning_rate=6e-4,
    rank=16,
    alpha=32,
    averaging=(),
    evaluations=4,
    patience=4,
    warmup_ratio=0.05,
)
ROUNDS = (
    Round(1600, 6, 0.2, (2, 3, 4, 4), TRAINING),
    # What serving sends: one question, four passages; and a refusal counts as much as an answer.
    Round(800, 3, 0.3, (3, 4, 4, 4), TRAINING.model_copy(update={"learning_rate": 4e-4, "abstention_weight": 1.0})),
)
"""Each trains the adapter of the one before further."""


def collect(arguments: argparse.Namespace) -> None:
    """Write the sets as a corpus and examples in Lockstep's own form."""
    forbidden, random = held_out(arguments.squad), Random(SEED)
    train = list(evaluation_data(arguments.squad, "train"))
    others = chain(
        *(squad_json(file, forbidden) for file in arguments.squad_json),
        *(qamr(file, forbidden) for file in arguments.qamr),
        fairytales(arguments.fairytales, forbidden) if arguments.fairytales else (),
    )
    more = [asked for asked in others if asked.questions]
    train += random.sample(more, min(len(more), max(0, arguments.documents - len(train))))
    splits = {"train": train, "validation": list(evaluation_data(arguments.squad, "validation"))}
    corpus = [{"id": one.id, "title": one.title, "text": one.text} for own in splits.values() for one in own]
    examples = [row for split, own in splits.items() for one in own for row in _examples(one, split)]
    for name, rows in (("corpus.jsonl", corpus), ("examples.jsonl", examples)):
        publish_rows(arguments.work / name, rows)


def _examples(asked: Asked, split: str) -> Iterator[dict[str, Any]]:
    for number, (question, answer) in enumerate(asked.questions):
        document = {"document_ids": [asked.id]} if answer else {"metadata": {"seems_answered_by": asked.id}}
        answers = [answer] if answer else []
        yield {"id": f"{asked.id}#{number}", "question": question, "answers": answers, "split": split, **document}


def build(arguments: argparse.Namespace) -> None:
    """Rows out of retrieval, training, and the adapter published."""
    work, prompt = arguments.work, Prompt()
    if not (work / "examples.jsonl").is_file():
        work.mkdir(parents=True, exist_ok=True)
        collect(arguments)
    (work / "lockstep.toml").touch()
    workspace, embedder = Workspace(work), load_embedder(packaged_minilm())
    catalog = Catalog(workspace.catalog)
    ingest(catalog, embedder, Chunker(embedder.tokenizer_path, CHUNK_TOKENS), [work / "corpus.jsonl"])
    index = open_edge(
        workspace.collection("grounding"), embedder=embedder.fingerprint, dimension=embedder.dimension, create=True
    )
    sync(catalog, index, embedder)
    searcher = Searcher(catalog, index, embedder, SearchSettings())
    documents = {document.id for document in catalog.documents()}
    examples = [one for one in load_examples([work / "examples.jsonl"]) if set(one.document_ids) <= documents]
    train = [one for one in examples if one.split == "train"]
    validation = [one for one in examples if one.split == "validation"]

    def rows(asked: Sequence[Example], passages: int, refused: float = 0.2) -> list[SupervisedRow]:
        found, _ = build_supervised(
            asked,
            lambda questions: searcher.search_batch(questions, top_k=DEPTH),
            prompt,
            chunks_of=SearcherCandidates(searcher).chunks_of,
            groups={},
            seed=SEED,
            passages=passages,
            abstention_share=refused,
            held_out={document for one in validation for document in one.document_ids}
            if asked[0].split == "train"
            else (),
        )
        return found

    asked_on = defaultdict(list)
    for example in train:
        for document in example.document_ids or [example.metadata["seems_answered_by"]]:
            asked_on[document].append(example)
    chunks = {
        one.chunk.id: Passage(one.chunk.document_id, one.chunk.id, one.chunk.text, one.chunk.context, 0.0, 0, 0.0)
        for one in catalog.live_chunks()
    }
    checked = rows(Random(SEED).sample([one for one in validation if one.answerable], arguments.validation), 4)
    answers = {example.id: example.answers for example in validation}

    def score(generator: Generator) -> float:
        texts = generator.generate([generator.encode(row.messages) for row in checked], ANSWER_TOKENS)
        found = [
            score_answer(
                strip_marks(text),
                answers[row.example_id] if row.oracle_present else (),
                abstained=is_abstention(text, prompt),
            ).answer_score
            for row, text in zip(checked, texts, strict=True)
        ]
        return sum(found) / len(found)

    def told(event: dict[str, Any]) -> None:
        with (work / "curve.jsonl").open("a") as file:
            file.write(json.dumps(event) + "\n")
        print(json.dumps(event), flush=True)

    before: Path | None = None
    histories = []
    for number, one in enumerate(ROUNDS, start=1):
        adapter, seed = work / f"adapter-{number}", SEED + number - 1
        history = adapter.with_suffix(".json")
        if not history.is_file():
            first = _first_turns(train, one.rows, seed)
            single = [
                row
                for share, count in enumerate(one.passages)
                for row in rows(first[share :: len(one.passages)], count, one.refused)
            ]
            result = train_generator(
                packaged_generator(BASE),
                converse(single, asked_on, chunks, prompt, turns=one.turns, refused_share=one.refused, seed=seed),
                score,
                adapter,
                one.training,
                abstention=prompt.abstention,
                seed=seed,
                events=told,
                resume=True,
                start=before,
            )
            own = {"rows": result.rows, "tokens": result.tokens, "steps": result.steps, "losses": result.losses}
            publish_json(history, own | {"settings": one.training.model_dump()})
        before = adapter
        histories.append(json.loads(history.read_text()))
    index.close()
    curve = [json.loads(line) for line in (work / "curve.jsonl").read_text().splitlines()]
    scores = [[event["step"], event["eval_score"]] for event in curve if "eval_score" in event]
    publish(adapter, {"rounds": histories, "validation questions": len(checked), "scores": scores})


def _first_turns(examples: Sequence[Example], rows: int, seed: int) -> list[Example]:
    """So many examples, of as many documents as there are: the others on a document follow in its conversation."""
    drawn = [one for one in examples if one.answerable]
    Random(seed).shuffle(drawn)
    seen: dict[str, int] = defaultdict(int)
    order = []
    for number, example in enumerate(drawn):
        order.append((seen[example.document_ids[0]], number))
        seen[example.document_ids[0]] += 1
    return [drawn[number] for _, number in sorted(order)[:rows]]


def publish(adapter: Path, history: dict[str, Any]) -> None:
    """The adapter in bfloat16 and its history at their place among Lockstep's files."""
    import torch
    from safetensors.torch import load_file, save_file

    place = grounding_adapter()
    place.mkdir(exist_ok=True)
    weights = {
        name: tensor.to(torch.bfloat16) for name, tensor in load_file(adapter / "adapter_model.safetensors").items()
    }
    save_file(weights, place / "adapter_model.safetensors", metadata={"format": "pt"})
    (place / "adapter_model.safetensors").chmod(0o644)
    publish_json(
        place / "adapter_config.json",
        json.loads((adapter / "adapter_config.json").read_text()) | {"base_model_name_or_path": BASE},
    )
    publish_json(place / "history.json", history)


def main() -> None:
    """Read the arguments, and build."""
    parser = argparse.ArgumentParser(prog="python -m training.grounding.build", description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--squad", type=Path, required=True, help="Lockstep's evaluation data of SQuAD")
    parser.add_argument("--squad-json", type=Path, nargs="*", default=[])
    parser.add_argument("--qamr", type=Path, nargs="*", default=[])
    parser.add_argument("--fairytales", type=Path)
    parser.add_argument("--documents", type=int, default=2400, help="of all sets together")
    parser.add_argument("--validation", type=int, default=80, help="questions by which a checkpoint is chosen")
    build(parser.parse_args())


if __name__ == "__main__":
    main()
