"""The trainings that are tried: each as a retraining would do it, from the same split, judged on validation alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from retrieval.catalog import Catalog
from retrieval.embedder import load_embedder
from retrieval.search import Searcher
from training.data.contrastive import ContrastiveRow, Teacher
from training.data.examples import Example, SplitName
from training.data.preparation import contrastive_rows, supervised_rows
from training.data.splits import Split
from training.evaluation.checkpoint_metrics import EmbedderMetric, GeneratorMetric
from training.evaluation.compared_systems import Asking
from training.fine_tuning import Events
from training.releases.release import ADAPTER, EMBEDDER
from training.runs.prompting import shown_beside
from training.settings import TrainingSettings
from training.tuning.space import Settings, applied


@dataclass(frozen=True)
class Materials:
    """What every trial works with."""

    catalog: Catalog
    searcher: Searcher
    """Of the active release: rows are mined with it."""
    examples: Mapping[SplitName, Sequence[Example]]
    split: Split
    training: TrainingSettings


class EmbedderTrials:
    """Trains embedders; nDCG@10 on validation.

    Args:
        base: directory of the embedder that every training starts from.
        teacher: judges the rows.
    """

    def __init__(self, materials: Materials, base: Path, teacher: Teacher | None = None) -> None:
        self.materials, self.base, self.teacher = materials, base, teacher
        self.metric = EmbedderMetric(materials.catalog, materials.searcher, materials.examples["validation"])
        self._rows: dict[int, list[ContrastiveRow]] = {}
        """By the number of hard negatives."""

    def __call__(self, settings: Settings, events: Events, directory: Path) -> float:
        """Train one."""
        from training.embedder.training import train_embedder

        own, training = self.materials, applied(self.materials.training, settings)
        if training.data.negatives not in self._rows:
            self._rows[training.data.negatives], _ = contrastive_rows(
                own.searcher, own.examples["train"], own.split, training.data, teacher=self.teacher
            )
        result = train_embedder(
            load_embedder(self.base).sentence_transformer(),
            self._rows[training.data.negatives],
            self.metric,
            directory / EMBEDDER,
            training.embedder,
            seed=training.seed,
            events=events,
        )
        return result.best_metric


class GeneratorTrials:
    """Trains adapters; answer score on validation.

    Args:
        base: directory of the model that every adapter belongs to.
        asking: the prompt, with its worked examples.
    """

    def __init__(self, materials: Materials, base: Path, asking: Asking, max_new_tokens: int) -> None:
        self.materials, self.base, self.asking, self.max_new_tokens = materials, base, asking, max_new_tokens

    def __call__(self, settings: Settings, events: Events, directory: Path) -> float:
        """Train one."""
        from training.generator.rows import join_questions
        from training.generator.training import train_generator

        own, training = self.materials, applied(self.materials.training, settings)
        rows, _ = supervised_rows(
            own.searcher,
            own.examples["train"],
            own.split,
            self.asking.prompt,
            training.data,
            seed=training.seed,
            demonstrate=shown_beside(self.asking, own.searcher.embedder, own.split),
            tasks=self.asking.tasks,
        )
        result = train_generator(
            self.base,
            join_questions(
                self.base,
                rows,
                own.examples["train"],
                training.generator,
                seed=training.seed,
                weights=self.asking.weights,
            ),
            GeneratorMetric(
                own.searcher,
                own.examples["validation"],
                self.asking,
                self.max_new_tokens,
                directory / "answers.jsonl",
            ),
            directory / ADAPTER,
            training.generator,
            abstention=self.asking.prompt.abstention,
            seed=training.seed,
            events=events,
        )
        return result.best_metric
