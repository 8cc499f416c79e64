"""The prompt that a run starts from, and its worked examples."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from retrieval.embedder import Embedder
from retrieval.prompt import Demonstration, Prompt
from retrieval.search import Searcher
from retrieval.workspace import Workspace
from training.answering.demonstrations import FILE, load_pool, save_pool
from training.data.examples import Example
from training.data.splits import Split
from training.evaluation.compared_systems import Asking
from training.releases.release import Release
from training.settings import TrainingSettings
from training.study.demonstrating import demonstration_pool
from training.study.results import best_prompt
from training.tasks.task import Task


def start_from(
    workspace: Workspace,
    baseline: Release,
    searcher: Searcher,
    examples: Sequence[Example],
    split: Split,
    training: TrainingSettings,
    directory: Path,
    tasks: Mapping[str, Task],
) -> dict[str, Any]:
    """The prompt that a study of this generator on this split found best, else the baseline's.

    Args:
        examples: of the training split; worked examples are made of them.
        directory: of the run, which keeps the worked examples.

    Returns:
        ``prompt``, ``study`` (None where there was none) and how many worked examples there are.
    """
    found = best_prompt(workspace, baseline.manifest.generator.fingerprint, split.fingerprint)
    prompt, study = (found[0], found[1].name) if found else (baseline.manifest.prompt, None)
    pool = []
    if prompt.examples:
        pool = demonstration_pool(
            searcher, examples, split, training.data, prompt=prompt, seed=training.seed, tasks=tasks
        )
        save_pool(pool, directory / FILE)
    return {"prompt": prompt.model_dump(), "study": study, "worked examples": len(pool)}


def asking(prompt: Prompt, directory: Path, tasks: Mapping[str, Task]) -> Asking:
    """A prompt with the tasks, and with the worked examples that a run or a release keeps for it."""
    path = directory / FILE
    return Asking(prompt, load_pool(path) if prompt.examples and path.is_file() else (), tasks)


def shown_beside(asked: Asking, embedder: Embedder, split: Split) -> Callable[[Example], Sequence[Demonstration]]:
    """The worked examples that a training row shows: none of its own group, which may hold its answer."""
    demonstrations = asked.demonstrations(embedder)

    def shown(example: Example) -> Sequence[Demonstration]:
        if demonstrations is None:
            return ()
        group = split.group_of_example[example.id]
        task = example.task if example.task in asked.tasks else None
        return demonstrations.nearest(example.question, asked.prompt.examples, without={group}, task=task)

    return shown
