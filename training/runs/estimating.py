"""What a run is estimated by: its rows as they will be, or nearly, before anything is trained."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from retrieval.catalog import Catalog
from retrieval.progress import Progress
from retrieval.search import Searcher
from retrieval.workspace import Workspace
from training.data.contrastive import ContrastiveRow
from training.data.examples import Example, SplitName
from training.data.preparation import supervised_rows
from training.data.splits import Split
from training.estimate.estimate import Material, estimate
from training.generator.rows import join_questions
from training.releases.release import Release
from training.releases.runtime import open_generator
from training.runs.models import Bases
from training.runs.prompting import asking
from training.runs.targeting import NOTHING, OnTop
from training.settings import TrainingSettings
from training.tasks.task import Task


def estimate_run(
    workspace: Workspace,
    catalog: Catalog,
    baseline: Release,
    bases: Bases,
    searcher: Searcher,
    examples: "dict[SplitName, list[Example]]",
    split: Split,
    contrastive: list[ContrastiveRow],
    training: TrainingSettings,
    tasks: Mapping[str, Task],
    progress: Progress,
    on_top: OnTop = NOTHING,
) -> dict[str, Any]:
    """What a retraining of these examples will take, see :func:`training.estimate.estimate.estimate`.

    Args:
        searcher: untouched; the generator's rows are built over what it returns, a tuned one's are as long.
        examples: of validation and test those that are measured.
        on_top: what a targeted round trains on besides.

    Raises:
        ConfigurationError: a training does not fit into memory.
    """
    manifest, supervised = baseline.manifest, []
    if training.generator_enabled and bases.generator is not None:
        rows, _ = supervised_rows(
            searcher,
            examples["train"],
            split,
            manifest.prompt,
            training.data,
            seed=training.seed,
            answered=on_top.made,
            tasks=tasks,
        )
        own, more = on_top.divide(rows)
        supervised = join_questions(
            bases.generator,
            own,
            examples["train"],
            training.generator,
            seed=training.seed,
            weights={name: task.weight for name, task in tasks.items()},
            more=more,
        )
    material = Material(
        catalog=catalog,
        searcher=searcher,
        embedder=Path(bases.embedder),
        generator=bases.generator,
        open_generator=lambda: open_generator(workspace, baseline),
        contrastive=contrastive,
        supervised=supervised,
        train=len(examples["train"]),
        validation=examples["validation"],
        test=examples["test"],
        asking=asking(manifest.prompt, baseline.directory, tasks),
        max_new_tokens=manifest.max_new_tokens,
    )
    return estimate(material, training, progress=progress)
