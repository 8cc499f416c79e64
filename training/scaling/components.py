"""The embedder and the generator as components of a scaling curve: trained on a part of their rows, then measured.

Each is measured by its own metric, on what the release that answers now returns. Nothing is kept of the trainings.
"""

import tempfile
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieval.catalog import Catalog
from retrieval.embedder import load_embedder
from retrieval.search import Searcher
from training.data.contrastive import ContrastiveRow, Teacher
from training.data.examples import Example
from training.data.preparation import Prepared, contrastive_rows, supervised_rows
from training.data.supervised import SupervisedRow
from training.evaluation.checkpoint_metrics import EmbedderMetric, GeneratorMetric
from training.evaluation.compared_systems import Asking
from training.scaling.curve import Component
from training.settings import TrainingSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from training.generator.generation import Generator


def embedder_component(
    catalog: Catalog,
    searcher: Searcher,
    prepared: Prepared,
    base: Path,
    training: TrainingSettings,
    teacher: Teacher | None = None,
) -> tuple[Component[ContrastiveRow], Sequence[Example]]:
    """The embedder, and the validation questions that its scores are of: those whose documents are known."""
    from training.embedder.training import train_embedder

    train = prepared.examples["train"]
    rows, _ = contrastive_rows(searcher, train, prepared.split, training.data, teacher=teacher)
    asked = [example for example in prepared.examples["validation"] if example.document_ids]
    metric = EmbedderMetric(catalog, searcher, asked)

    def trained(part: Sequence[ContrastiveRow]) -> list[float]:
        with tempfile.TemporaryDirectory() as directory:
            output = Path(directory) / "embedder"
            train_embedder(
                load_embedder(base).sentence_transformer(),
                part,
                metric,
                output,
                training.embedder,
                seed=training.seed,
                events=_unheard,
            )
            return metric.values(load_embedder(output))

    component = Component(
        name="embedder",
        metric="nDCG@10",
        rows=rows,
        group_of=_groups(prepared, lambda row: row.example_id),
        untouched=lambda: metric.values(load_embedder(base)),
        trained=trained,
    )
    return component, asked


def generator_component(
    searcher: Searcher, prepared: Prepared, asking: Asking, base: Path, max_new_tokens: int, training: TrainingSettings
) -> tuple[Component[SupervisedRow], Sequence[Example]]:
    """The generator, and the validation questions that its scores are of."""
    from training.generator.rows import join_questions
    from training.generator.training import train_generator

    train, asked = prepared.examples["train"], prepared.examples["validation"]
    rows, _ = supervised_rows(
        searcher, train, prepared.split, asking.prompt, training.data, seed=training.seed, tasks=asking.tasks
    )

    def trained(part: Sequence[SupervisedRow]) -> list[float]:
        with tempfile.TemporaryDirectory() as directory:
            output, kept = Path(directory) / "adapter", Path(directory) / "answers.jsonl"
            metric = GeneratorMetric(searcher, asked, asking, max_new_tokens, kept)
            train_generator(
                base,
                join_questions(base, part, train, training.generator, seed=training.seed, weights=asking.weights),
                metric,
                output,
                training.generator,
                abstention=asking.prompt.abstention,
                seed=training.seed,
                events=_unheard,
            )
            with _started(base, output) as generator:
                return metric.values(generator)

    def untouched() -> list[float]:
        with tempfile.TemporaryDirectory() as directory, _started(base, None) as generator:
            return GeneratorMetric(searcher, asked, asking, max_new_tokens, Path(directory) / "a").values(generator)

    component = Component(
        name="generator",
        metric="answer score",
        rows=rows,
        group_of=_groups(prepared, lambda row: row.example_id),
        untouched=untouched,
        trained=trained,
    )
    return component, asked


@contextmanager
def _started(base: Path, adapter: Path | None) -> "Iterator[Generator]":
    from training.generator.generation import load_generator

    generator = load_generator(base, adapter)
    generator.start()
    try:
        yield generator
    finally:
        generator.stop()


def _groups(prepared: Prepared, example_of: Callable[[Any], str]) -> Callable[[Any], str]:
    groups = prepared.split.group_of_example
    return lambda row: groups.get(example_of(row), example_of(row))


def _unheard(event: dict[str, Any]) -> None:
    """Nobody looks at the steps of these trainings."""
