"""``lockstep evaluate``: how good a release is on examples."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.commands.common import HERE, JsonOption, Opened, WorkspaceOption, active_release, opened, own_searcher

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from retrieval.search import Searcher
    from training.data.examples import Example

ExamplesOption = Annotated[
    list[Path], typer.Option("--examples", metavar="FILE", help="Examples, JSON Lines; may be given several times.")
]


class SplitChoice(StrEnum):
    """Which examples are measured."""

    test = "test"
    validation = "validation"
    all = "all"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("evaluate")(evaluate)


def evaluate(
    context: typer.Context,
    examples: ExamplesOption,
    split: Annotated[SplitChoice, typer.Option("--split", help="Which of the examples.")] = SplitChoice.test,
    release: Annotated[str | None, typer.Option("--release", help="Default: the active one.")] = None,
    retrieval_only: Annotated[bool, typer.Option("--retrieval-only", help="Search, but generate no answers.")] = False,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Measure a release on examples: retrieval, answers and outcomes. Works while a service runs."""
    from training.answering.answerer import Answerer
    from training.evaluation.evaluate import Arm
    from training.evaluation.evaluate import evaluate as run
    from training.releases.release import read_release
    from training.releases.runtime import open_demonstrations, open_generator

    with opened(context, workspace, as_json) as here:
        found = read_release(here.workspace, here.ledger, release) if release else active_release(here)
        with here.console.progress() as progress, own_searcher(here, found, progress) as searcher:
            chosen = _examples(here, searcher, examples, split)
            manifest = found.manifest
            answerer, generator = None, None
            if not retrieval_only:
                generator = open_generator(here.workspace, found)
                generator.start()
                answerer = Answerer(
                    searcher,
                    generator,
                    manifest.prompt,
                    found.id,
                    max_new_tokens=manifest.max_new_tokens,
                    demonstrations=open_demonstrations(found, searcher.embedder),
                )
            try:
                scorer: Any = generator if generator is not None and generator.can_score else None
                arm = Arm(found.id, searcher, answerer, scorer=scorer, release=found.id)
                metrics = run(
                    arm, chosen, groups={}, progress=progress
                ).metrics()  # what belongs together is for comparisons
            finally:
                if generator is not None:
                    generator.stop()
        here.console.finish(metrics, lambda: show_metrics(here, {found.id: metrics}))


def show_metrics(here: Opened, systems: "Mapping[str, Mapping[str, Any]]") -> None:
    """A table with a column for each system."""
    first = next(iter(systems.values()))
    rows = [("questions", *(str(one["questions"]) for one in systems.values()))]
    for part in ("retrieval", "generation", "outcomes"):
        for name in first[part]:
            rows.append((name, *(_number(one[part][name]) for one in systems.values())))
    here.console.table(("metric", *systems), rows)


def interval(comparison: "Mapping[str, Any]") -> str:
    """The interval of a comparison's difference, for a table."""
    if comparison["low"] is None:
        return "not known"
    if comparison.get("method") == "rule of three":
        return "same on every question"
    return f"[{comparison['low']:+.3f}, {comparison['high']:+.3f}]"


def _number(value: float | int | None) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.3f}"


def _examples(here: Opened, searcher: "Searcher", paths: "Sequence[Path]", split: SplitChoice) -> "Sequence[Example]":
    """The examples to measure."""
    from retrieval.errors import InputError

    if split is SplitChoice.all:
        from training.data.examples import check_documents, link_documents, load_examples

        loaded = load_examples(paths)
        check_documents(loaded, {document.id for document in here.catalog.documents()})
        linked, _ = link_documents(loaded, searcher.search_batch)
        return linked
    from training.data.preparation import prepare_examples

    training = here.settings.training
    prepared = prepare_examples(
        here.workspace, here.catalog, searcher, paths, training.data, seed=training.seed, freeze=False
    )
    chosen = prepared.examples["test" if split is SplitChoice.test else "validation"]
    if not chosen:
        raise InputError(f"found no example in the {split.value} split, expected some: add some, or use --split all")
    return chosen
