"""Fine-tunes a reranker on contrastive rows.

The right passage of a question against its hard negatives and some passages of its batch, which are of one topic:
localized contrastive estimation (Gao, Dai and Callan 2021, arXiv 2101.08751). The checkpoint is chosen by the
caller's metric. Knows nothing about where rows come from or how retrieval is measured.
"""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieval.embedder import Embedder
from retrieval.files import new_directory
from retrieval.reranker import Reranker, load_reranker
from training.data.contrastive import ContrastiveRow
from training.embedder import contrast
from training.embedder.contrast import METRIC
from training.fine_tuning import Counts, Events
from training.settings import RerankerTraining

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder


@dataclass(frozen=True)
class RerankerResult:
    """How a training went."""

    steps: int
    best_metric: float
    unranked_metric: float
    """Of the candidates in the order in which search brings them."""


def train_reranker(
    model: "CrossEncoder",
    rows: Sequence[ContrastiveRow],
    metric: Callable[[Reranker | None], float],
    output: Path,
    settings: RerankerTraining,
    *,
    embedder: Embedder,
    seed: int,
    events: Events,
    resume: bool = False,
) -> RerankerResult:
    """Fine-tune ``model`` and publish the best checkpoint at ``output``.

    Args:
        metric: nDCG@10 of the validation questions' candidates as a reranker orders them, loaded as serving will
            load it; of None as search does. Higher is better.
        output: directory of the result; its checkpoints lie beside it while it trains.
        embedder: tells which passages are of one topic.
        resume: go on from the last checkpoint that is whole, if there is one.

    Raises:
        TrainingError: too few rows, or a loss that is not finite; nothing is published.
    """
    from sentence_transformers.cross_encoder import CrossEncoderTrainer, CrossEncoderTrainingArguments

    checkpoints = output.with_name(f"{output.name}-checkpoints")
    if not resume:
        shutil.rmtree(checkpoints, ignore_errors=True)
    rows, table = contrast.columns(rows, "reranker")
    batches = contrast.of_one_topic(embedder, rows, settings.batch_size, seed)

    def measure(model: "CrossEncoder") -> float:
        checkpoints.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=checkpoints) as temporary:
            model.save_pretrained(temporary, create_model_card=False)
            return metric(load_reranker(Path(temporary), device=model.device.type))

    unranked, counts = metric(None), Counts()
    events({"stage": "reranker", "step": 0, "steps": 0, f"eval_{METRIC}": unranked})
    steps, best = contrast.fit(
        (CrossEncoderTrainer, CrossEncoderTrainingArguments),
        model,
        table,
        _loss(model, settings, counts),
        measure,
        batches,
        settings,
        checkpoints,
        part="reranker",
        counts=counts,
        seed=seed,
        events=events,
        resume=resume,
    )
    with new_directory(output) as directory:
        model.save_pretrained(str(directory), create_model_card=False)
        shutil.rmtree(output, ignore_errors=True)
    shutil.rmtree(checkpoints, ignore_errors=True)
    return RerankerResult(steps, best, unranked)


def _loss(model: "CrossEncoder", settings: RerankerTraining, counts: Counts) -> Any:
    from sentence_transformers.cross_encoder.losses import MultipleNegativesRankingLoss

    class Counted(MultipleNegativesRankingLoss):  # type: ignore[misc]
        """Tells what it reads."""

        def call_model_with_pairs(self, pairs: Any, **options: Any) -> Any:
            inputs = self.model.preprocess(pairs, **options)
            counts.read(inputs["input_ids"].numel())
            inputs = {name: one.to(self.model.device) if hasattr(one, "to") else one for name, one in inputs.items()}
            return self.model(inputs)["scores"].squeeze(1)

    # Log odds as they are: a sigmoid within the softmax would leave next to no gradient where it is most wrong.
    return Counted(model, num_negatives=settings.batch_negatives, scale=1.0, activation_fn=None)
