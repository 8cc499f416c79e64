"""Fine-tunes the embedder on contrastive rows.

In-batch contrastive loss with hard negatives (InfoNCE; cached gradients after Gao et al. 2021,
arXiv 2101.06983) over batches of one topic, with targets that BM25 softens and a teacher's scores where rows have
them, and the checkpoint chosen by the caller's metric.
Knows nothing about where rows come from or how retrieval is measured.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from retrieval.embedder import Embedder, load_embedder
from retrieval.files import new_directory
from training.data.contrastive import ContrastiveRow
from training.embedder import contrast
from training.embedder.contrast import METRIC
from training.embedder.lexical_targets import LexicalScores
from training.fine_tuning import Counts, Events, choose_share
from training.settings import EmbedderTraining

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import Tensor


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
    from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments

    checkpoints = output.with_name(f"{output.name}-checkpoints")
    if not resume:
        shutil.rmtree(checkpoints, ignore_errors=True)
    rows, table = contrast.columns(rows, "embedder")
    with _served(model, checkpoints) as embedder:
        size = settings.batch_size
        batches = contrast.in_order(len(rows), size) if in_order else contrast.of_one_topic(embedder, rows, size, seed)
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

    steps, best = contrast.fit(
        (SentenceTransformerTrainer, SentenceTransformerTrainingArguments),
        model,
        [line | {"label": i} for i, line in enumerate(table)],
        _loss(model, settings, table, contrast.taught(rows, len(table[0]) - 2)),
        measure,
        batches,
        settings,
        checkpoints,
        part="embedder",
        counts=Counts(),
        seed=seed,
        events=events,
        resume=resume,
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
    return EmbedderResult(steps, best, untouched, share)


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


def _loss(
    model: "SentenceTransformer",
    settings: EmbedderTraining,
    table: Sequence[Mapping[str, str]],
    taught: np.ndarray | None = None,
) -> Any:
    from sentence_transformers.sentence_transformer.losses import (
        CachedMultipleNegativesRankingLoss,
        MatryoshkaLoss,
        MultipleNegativesRankingLoss,
    )

    # Both ways, each with its own softmax: the question among passages, and the passage among questions.
    options: dict[str, Any] = {
        "scale": settings.scale,
        "directions": ("query_to_doc", "doc_to_query"),
        "partition_mode": "per_direction",
    }
    if settings.batch_size <= settings.mini_batch_size:
        # One mini-batch: caching would compute every embedding twice for the same gradient.
        base = _softened(table, settings) if settings.lexical_share else MultipleNegativesRankingLoss
        if taught is not None and settings.teacher_weight:
            base = _distilled(base, model, settings, taught)
        loss: Any = base(model, **options)
    else:
        loss = CachedMultipleNegativesRankingLoss(model, mini_batch_size=settings.mini_batch_size, **options)
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


def _distilled(base: Any, model: "SentenceTransformer", settings: EmbedderTraining, taught: np.ndarray) -> Any:
    """A loss with the distance from a teacher's distribution over each row's own passages beside it.

    Listwise distillation from a cross-encoder: how much better the right passage is than each negative, instead of
    right and wrong alone (Ren et al. 2021, RocketQAv2, arXiv 2110.07367).
    """
    import torch
    from sentence_transformers.sentence_transformer.losses import DistillKLDivLoss
    from sentence_transformers.util import pairwise_cos_sim

    distance = DistillKLDivLoss(
        model,
        similarity_fct=lambda questions, passages: pairwise_cos_sim(questions, passages) * settings.scale,
        teacher_temperature=settings.teacher_temperature,
    )
    scores = torch.from_numpy(taught)

    class Distilled(base):  # type: ignore[misc]
        """Labels are the numbers of rows."""

        def compute_loss_from_embeddings(self, embeddings: list["Tensor"], labels: "Tensor") -> "Tensor":
            wanted = scores[labels.cpu()].to(embeddings[0].device)
            further: Tensor = distance.compute_loss_from_embeddings(embeddings, wanted)
            return super().compute_loss_from_embeddings(embeddings, labels) + settings.teacher_weight * further  # type: ignore[no-any-return]

    return Distilled


def _set_dropout(model: "SentenceTransformer", dropout: float | None) -> None:
    if dropout is None:
        return
    import torch

    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = dropout
