"""Fine-tunes the embedder on contrastive rows.

In-batch contrastive loss with hard negatives (InfoNCE; cached gradients after Gao et al. 2021,
arXiv 2101.06983) over batches of one topic, with targets that BM25 softens, and the checkpoint
chosen by the caller's metric.
Knows nothing about where rows come from or how retrieval is measured.
"""

import math
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from retrieval.embedder import Embedder, load_embedder
from retrieval.errors import TrainingError
from retrieval.files import new_directory
from training.data.contrastive import ContrastiveRow
from training.embedder.batches import topical_batches
from training.embedder.lexical_targets import LexicalScores
from training.fine_tuning import Counts, Events, choose_share, resumable_checkpoint, trainer_arguments, watch
from training.library_output import quiet_libraries
from training.settings import EmbedderTraining

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import Tensor

METRIC = "ndcg@10"


@dataclass(frozen=True)
class EmbedderResult:
    """How a training went."""

    steps: int
    best_metric: float
    untouched_metric: float
    share: float
    """Of the tuned weights in the published ones; the untouched ones have the rest."""


def train_embedder(
    model: "SentenceTransformer",
    rows: Sequence[ContrastiveRow],
    metric: Callable[[Embedder], float],
    output: Path,
    settings: EmbedderTraining,
    *,
    seed: int,
    events: Events,
    resume: bool = False,
    in_order: bool = False,
) -> EmbedderResult:
    """Fine-tune ``model`` and publish the best checkpoint at ``output``.

    Args:
        metric: nDCG@10 over the validation questions of the model as serving will load it, higher is
            better; called before the first step, at each evaluation and for each share of
            ``settings.averaging``.
        output: directory of the result; its checkpoints lie beside it while it trains.
        resume: go on from the last checkpoint that is whole, if there is one.
        in_order: take the rows as they come, instead of in batches of one topic.

    Raises:
        TrainingError: too few rows, or a loss that is not finite; nothing is published.
    """
    from datasets import Dataset
    from sentence_transformers import SentenceTransformerTrainingArguments
    from transformers import EarlyStoppingCallback, PrinterCallback

    if len(rows) < 2:
        raise TrainingError(
            f"found {len(rows)} contrastive rows, expected at least 2: add examples whose documents are known, "
            "or switch the embedder's training off (embedder_enabled = false)"
        )
    checkpoints = output.with_name(f"{output.name}-checkpoints")
    if not resume:
        shutil.rmtree(checkpoints, ignore_errors=True)
    rows, table = _columns(rows)
    with _served(model, checkpoints) as embedder:
        batches = _in_order(len(rows), settings.batch_size) if in_order else _batches(embedder, rows, settings, seed)
        untouched = metric(embedder)
    events({"stage": "embedder", "step": 0, "steps": 0, f"eval_{METRIC}": untouched})
    before = {name: weight.detach().clone() for name, weight in model.state_dict().items()}
    _set_dropout(model, settings.dropout)
    if settings.lora_rank:
        from peft import LoraConfig, TaskType

        model.add_adapter(
            LoraConfig(
                task_type=TaskType.FEATURE_EXTRACTION,
                r=settings.lora_rank,
                lora_alpha=2 * settings.lora_rank,
                target_modules="all-linear",
            )
        )

    def measure(model: "SentenceTransformer") -> float:
        with _served(model, checkpoints) as embedder:
            return metric(embedder)

    arguments = trainer_arguments(
        settings, checkpoints, METRIC, steps_per_epoch=len(batches(0)), seed=seed, on_cpu=model.device.type == "cpu"
    )
    counts = Counts()
    trainer = _trainer_of(batches, counts)(
        model=model,
        args=SentenceTransformerTrainingArguments(**arguments),
        train_dataset=Dataset.from_list([line | {"label": i} for i, line in enumerate(table)]),
        loss=_loss(model, settings, table),
        evaluator=_evaluator(measure),
        callbacks=[watch(events, "embedder", counts), EarlyStoppingCallback(settings.patience)],
    )
    trainer.remove_callback(PrinterCallback)  # standard output belongs to the command
    model.model_card_data.generate_widget_examples = False  # no card is written, and it shows a bar of its own
    with quiet_libraries():
        trainer.train(resume_from_checkpoint=resumable_checkpoint(checkpoints) if resume else None)
    best = trainer.state.best_metric
    if best is None:
        raise TrainingError(f"found no evaluation in {trainer.state.global_step} steps, expected one: use more rows")
    # The trainer only logs it when the best checkpoint cannot be loaded, and keeps the last weights.
    if not math.isclose(measure(model), best, abs_tol=2e-3):
        raise TrainingError(
            f"found the best checkpoint of {checkpoints} not loaded, expected {METRIC} {best:.4f} again"
        )
    if settings.lora_rank:
        _merge_lora(model)
    tuned = {name: weight.detach().clone() for name, weight in model.state_dict().items()}

    def take(share: float) -> None:
        mixed = {
            name: before[name].lerp(weight, share) if weight.is_floating_point() else weight
            for name, weight in tuned.items()
        }
        model.load_state_dict(mixed)

    share, best = choose_share(take, lambda: measure(model), settings.averaging, best)
    events({"stage": "embedder", "averaging": share, METRIC: best})
    with new_directory(output) as directory:
        model.save_pretrained(str(directory), create_model_card=False)
        shutil.rmtree(output, ignore_errors=True)
    shutil.rmtree(checkpoints, ignore_errors=True)
    return EmbedderResult(trainer.state.global_step, best, untouched, share)


def _merge_lora(model: "SentenceTransformer") -> None:
    """Put the trained layers' sums into the model's own, and take the adapter out."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    for name, module in list(model.named_modules()):
        if isinstance(module, BaseTunerLayer):
            module.merge()
            parent, _, child = name.rpartition(".")
            setattr(model.get_submodule(parent), child, module.get_base_layer())
    model[0].auto_model._hf_peft_config_loaded = False


@contextmanager
def _served(model: "SentenceTransformer", directory: Path) -> Iterator[Embedder]:
    """A model as serving will load it, a LoRA merged: other bits than in training, and on a CPU in less time."""
    if any("lora_" in name for name, _ in model.named_parameters()):
        model = deepcopy(model)
        _merge_lora(model)
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory) as temporary:
        model.save_pretrained(temporary, create_model_card=False)
        yield load_embedder(Path(temporary), device=model.device.type)


def _columns(rows: Sequence[ContrastiveRow]) -> tuple[list[ContrastiveRow], list[dict[str, str]]]:
    """Rows as columns of equal number, which the loss wants, and the rows that could be brought into them.

    A row with fewer negatives than the others repeats its own; one without any takes the positive
    of another row, which is what it would be contrasted with in a batch anyway.
    """
    width = max(len(row.negatives) for row in rows)
    kept, table = [], []
    for i, row in enumerate(rows):
        others = (rows[(i + step) % len(rows)].positive for step in range(1, len(rows)))
        own = row.negatives or tuple(text for text in others if text != row.positive)[:1]
        if width and not own:
            continue
        kept.append(row)
        negatives = {f"negative_{n}": own[n % len(own)] for n in range(width)}
        table.append({"anchor": row.anchor, "positive": row.positive} | negatives)
    return kept, table


def _in_order(rows: int, size: int) -> Callable[[int], list[list[int]]]:
    return lambda epoch: [list(range(first, min(first + size, rows))) for first in range(0, rows, size)]


def _batches(
    embedder: Embedder, rows: Sequence[ContrastiveRow], settings: EmbedderTraining, seed: int
) -> Callable[[int], list[list[int]]]:
    """The batches of an epoch, by what the untouched embedder takes for alike."""
    places = {passage: place for place, passage in enumerate(dict.fromkeys(row.positive for row in rows))}
    vectors = embedder.encode_passages(list(places))[[places[row.positive] for row in rows]]
    return cache(lambda epoch: topical_batches(rows, vectors, settings.batch_size, Random(f"{seed}:{epoch}")))


def _trainer_of(batches: Callable[[int], list[list[int]]], counts: Counts) -> Any:
    """The library's trainer with batches as they are given for each epoch; it counts what it reads."""
    from sentence_transformers import SentenceTransformerTrainer
    from sentence_transformers.base.sampler import DefaultBatchSampler

    class Given(DefaultBatchSampler):  # type: ignore[misc]
        """In the library's form."""

        def __iter__(self) -> Iterator[list[int]]:
            yield from batches(self.epoch)

        def __len__(self) -> int:
            return len(batches(0))

    class Trainer(SentenceTransformerTrainer):  # type: ignore[misc]
        """Takes no sampler by its arguments: those are pickled into every checkpoint."""

        def get_batch_sampler(self, dataset: Any, *arguments: Any, **options: Any) -> Given:
            return Given(dataset, *arguments, **options)

        def compute_loss(self, model: Any, inputs: Any, *arguments: Any, **options: Any) -> Any:
            counts.read(sum(tensor.numel() for name, tensor in inputs.items() if name.endswith("input_ids")))
            return super().compute_loss(model, inputs, *arguments, **options)

    return Trainer


def _loss(model: "SentenceTransformer", settings: EmbedderTraining, table: Sequence[Mapping[str, str]]) -> Any:
    from sentence_transformers.sentence_transformer.losses import (
        CachedMultipleNegativesRankingLoss,
        MatryoshkaLoss,
        MultipleNegativesRankingLoss,
    )

    # Both ways, each with its own softmax: the question among passages, and the passage among questions.
    contrast: dict[str, Any] = {
        "scale": settings.scale,
        "directions": ("query_to_doc", "doc_to_query"),
        "partition_mode": "per_direction",
    }
    if settings.batch_size <= settings.mini_batch_size:
        # One mini-batch: caching would compute every embedding twice for the same gradient.
        base = _softened(table, settings) if settings.lexical_share else MultipleNegativesRankingLoss
        loss: Any = base(model, **contrast)
    else:
        loss = CachedMultipleNegativesRankingLoss(model, mini_batch_size=settings.mini_batch_size, **contrast)
    if settings.matryoshka:
        dimension = model.get_embedding_dimension()
        loss = MatryoshkaLoss(model, loss, matryoshka_dims=sorted({dimension, *settings.matryoshka}, reverse=True))
    return loss


def _softened(table: Sequence[Mapping[str, str]], settings: EmbedderTraining) -> Any:
    """The library's loss, with part of each target spread over the batch as BM25 scores it, in both directions.

    One right passage among all others says too little of the others: BM25 tells the embedder which
    words make a difference, and being good at those is what it lacks most (distillation after
    Hofstätter et al. 2020, arXiv 2010.02666, from the other half of the hybrid search).
    """
    import torch
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    columns = [name for name in table[0] if name != "anchor"]
    lexical = LexicalScores([line[name] for line in table for name in columns])

    class Softened(MultipleNegativesRankingLoss):  # type: ignore[misc]
        """Labels are the numbers of rows."""

        def compute_loss_from_embeddings(self, embeddings: list["Tensor"], labels: "Tensor") -> "Tensor":
            lines = [table[row] for row in labels.tolist()]
            found = lexical([line["anchor"] for line in lines], [line[name] for name in columns for line in lines])
            bm25 = torch.from_numpy(found).to(embeddings[0]) / settings.lexical_temperature  # (B, B * columns)
            there = self._further(embeddings[0], torch.cat(embeddings[1:]), bm25.softmax(dim=1))
            back = self._further(embeddings[1], embeddings[0], bm25[:, : len(lines)].T.softmax(dim=1))
            # Half: the library's loss is the mean over both directions.
            loss: Tensor = settings.lexical_share * (there + back) / 2
            return loss + super().compute_loss_from_embeddings(embeddings, labels)  # type: ignore[no-any-return]

        def _further(self, anchors: "Tensor", candidates: "Tensor", targets: "Tensor") -> "Tensor":
            """Cross-entropy against the targets less that against the right one: the normaliser cancels."""
            scores: Tensor = self.similarity_fct(anchors, candidates) * self.scale  # (B, candidates)
            return (scores.diagonal() - (targets * scores).sum(dim=1)).mean()

    return Softened


def _evaluator(measure: Callable[["SentenceTransformer"], float]) -> Any:
    from sentence_transformers.base.evaluation import BaseEvaluator

    class Validation(BaseEvaluator):  # type: ignore[misc]
        """The metric in the trainer's form."""

        def __call__(self, model: Any, *_: Any, **__: Any) -> dict[str, float]:
            self.primary_metric = METRIC
            return {METRIC: measure(model)}

    return Validation()


def _set_dropout(model: "SentenceTransformer", dropout: float | None) -> None:
    if dropout is None:
        return
    import torch

    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = dropout
