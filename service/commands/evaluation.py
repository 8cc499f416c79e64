"""``lockstep evaluate``: how good a release is on examples."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from service.commands.common import HERE, JsonOption, Opened, WorkspaceOption, active_release, opened, own_searcher

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from retrieval.search import Searcher
    from training.data.examples import Example
    from training.data.preparation import Prepared

EXAMPLES_HELP = "Examples: JSON Lines, a JSON array, CSV, TSV, XLSX or Parquet; may be given several times."
ExamplesOption = Annotated[list[Path], typer.Option("--examples", metavar="FILE", help=EXAMPLES_HELP)]
ColumnOption = Annotated[
    list[str] | None,
    typer.Option(
        "--column", metavar="FIELD=NAME", help="Which column of the examples is which, as question=Frage; repeatable."
    ),
]
AcceptOption = Annotated[
    bool,
    typer.Option(
        "--accept-test-changes",
        help="Take a frozen test set that was changed on purpose; its figures are not comparable with earlier ones.",
    ),
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
    column: ColumnOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", metavar="FILE", dir_okay=False, writable=True, help="One row per question, as JSON Lines."
        ),
    ] = None,
    retrieval_only: Annotated[bool, typer.Option("--retrieval-only", help="Search, but generate no answers.")] = False,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Measure a release on examples: retrieval, answers and outcomes, with 95 % intervals over independent groups.

    Works while a service runs.
    """
    from training.answering.answerer import Answerer
    from training.evaluation.evaluate import Arm
    from training.evaluation.evaluate import evaluate as run
    from training.evaluation.intervals import metric_intervals
    from training.evaluation.question_rows import question_rows
    from training.releases.release import read_release
    from training.releases.runtime import open_demonstrations, open_generator
    from training.tasks.files import load_tasks

    with opened(context, workspace, as_json) as here:
        found = read_release(here.workspace, here.ledger, release) if release else active_release(here)
        with here.console.progress() as progress, own_searcher(here, found, progress) as searcher:
            chosen, groups = _examples(here, searcher, examples, split, column or ())
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
                    tasks=load_tasks(here.workspace.tasks) | manifest.tasks,
                )
            try:
                scorer: Any = generator if generator is not None and generator.can_score else None
                arm = Arm(found.id, searcher, answerer, scorer=scorer, release=found.id)
                result = run(arm, chosen, groups, progress=progress)
            finally:
                if generator is not None:
                    generator.stop()
        metrics = {**result.metrics(), "intervals": metric_intervals(result)}
        if output is not None:
            from retrieval.files import publish_rows

            publish_rows(output, question_rows(result, here.catalog, shown=manifest.prompt.max_passages))
            metrics["output"] = str(output)

        def show() -> None:
            _show(here, metrics)
            if output is not None:
                here.console.write(f"{metrics['questions']} questions, one a row, in {output}")

        here.console.finish(metrics, show)


def _figures(metrics: "Mapping[str, Any]", part: str) -> "Mapping[str, Any]":
    """The figures of a part of the metrics by their names; those of tasks as ``metric:task``."""
    if part != "tasks":
        return cast("Mapping[str, Any]", metrics[part])
    return {
        f"{name}:{task}": value
        for task, own in metrics.get("tasks", {}).items()
        for name, value in own.items()
        if name not in ("kind", "questions")
    }


def _show(here: Opened, metrics: "Mapping[str, Any]") -> None:
    """The metrics of one release with their intervals; an outcome's is that of its share."""
    from training.evaluation.comparison import task_label

    rows = [("questions", str(metrics["questions"]), "", "")]
    for part in ("retrieval", "generation", "outcomes", "tasks"):
        for name, value in _figures(metrics, part).items():
            one = metrics["intervals"].get(name)
            name = task_label(name) if part == "tasks" else name
            rows.append((name, _number(value), _interval(one, share=part == "outcomes"), str(one["n"]) if one else ""))
    here.console.table(("metric", metrics["release"], "95 % interval", "n"), rows)
    if any(one["low"] is None and one["method"] == "none" for one in metrics["intervals"].values()):
        groups = max(one["groups"] for one in metrics["intervals"].values())
        here.console.write(
            f"The questions are {groups} independent groups at most: too few for an interval everywhere."
        )


def _interval(one: "Mapping[str, Any] | None", *, share: bool) -> str:
    if one is None:
        return ""
    if one["low"] is None and one["high"] is None:
        return "not known"
    low, high = ("…" if bound is None else f"{bound:.1%}" if share else f"{bound:.3f}" for bound in
                 (one["low"], one["high"]))  # fmt: skip
    return f"{low} to {high}"


def show_metrics(here: Opened, systems: "Mapping[str, Mapping[str, Any]]") -> None:
    """A table with a column for each system."""
    from training.evaluation.comparison import task_label

    first = next(iter(systems.values()))
    rows = [("questions", *(str(one["questions"]) for one in systems.values()))]
    for part in ("retrieval", "generation", "outcomes", "tasks"):
        for name in _figures(first, part):
            label = task_label(name) if part == "tasks" else name
            rows.append((label, *(_number(_figures(one, part).get(name)) for one in systems.values())))
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


def prepare(
    here: Opened,
    searcher: "Searcher",
    paths: "Sequence[Path]",
    column: "Sequence[str]",
    *,
    freeze: bool = False,
    accept_test_changes: bool = False,
) -> "Prepared":
    """The examples that a command was given, with their documents, divided; see ``prepare_examples``."""
    from training.data.preparation import prepare_examples
    from training.data.reading.columns import parse_columns
    from training.tasks.files import load_tasks

    training = here.settings.training
    return prepare_examples(
        here.workspace,
        here.catalog,
        searcher,
        paths,
        training.data,
        seed=training.seed,
        freeze=freeze,
        columns=parse_columns(column),
        accept_test_changes=accept_test_changes,
        tasks=load_tasks(here.workspace.tasks),
        warn=here.console.warn,
    )


def _examples(
    here: Opened, searcher: "Searcher", paths: "Sequence[Path]", split: SplitChoice, column: "Sequence[str]"
) -> "tuple[Sequence[Example], Mapping[str, str]]":
    """The examples to measure, and by their ids what they hang together with."""
    from retrieval.errors import InputError

    if split is SplitChoice.all:
        from training.data.grouping import near_duplicate_groups
        from training.data.preparation import linked_examples
        from training.data.reading.columns import parse_columns
        from training.data.splits import question_groups
        from training.tasks.files import load_tasks

        columns = parse_columns(column)
        tasks = load_tasks(here.workspace.tasks)
        linked, _, texts = linked_examples(
            here.catalog, searcher, paths, columns=columns, tasks=tasks, warn=here.console.warn
        )
        return linked, question_groups(linked, near_duplicate_groups(texts))
    prepared = prepare(here, searcher, paths, column)
    chosen = prepared.examples["test" if split is SplitChoice.test else "validation"]
    if not chosen:
        raise InputError(f"found no example in the {split.value} split, expected some: add some, or use --split all")
    return chosen, prepared.split.group_of_example
