"""``lockstep retrain``: from examples to a verdict, and to a release that answers if it is better."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.commands.common import HERE, JsonOption, Opened, WorkspaceOption, opened
from service.commands.console import Console
from service.commands.estimates import estimate_line
from service.commands.evaluation import EXAMPLES_HELP, AcceptOption, ColumnOption, interval, show_metrics
from service.commands.releases import markdown_of
from service.commands.training_table import TrainingTable

if TYPE_CHECKING:
    from retrieval.workspace import Workspace


REQUESTED = {
    "promote": "promote",
    "require_better": "require_better",
    "seeds": "seeds",
    "column": "columns",
    "accept_test_changes": "accept_test_changes",
}
"""Option to what a run keeps of it."""


STDOUT = Path("-")


class Promote(StrEnum):
    """When the candidate becomes the active release."""

    auto = "auto"
    never = "never"
    always = "always"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("retrain")(retrain)


def retrain(
    context: typer.Context,
    examples: Annotated[
        list[Path] | None,
        typer.Option("--examples", metavar="FILE", help=EXAMPLES_HELP),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the newest unfinished run.")] = False,
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            metavar="BUCKET",
            help="Make rows for one kind of error of the last run's validation, such as not-retrieved; or largest.",
        ),
    ] = None,
    promote: Annotated[
        Promote, typer.Option("--promote", help="auto: if it is better; always: unless it is worse.")
    ] = Promote.auto,
    require_better: Annotated[
        bool, typer.Option("--require-better", help="Exit with 3 unless the verdict is promoted.")
    ] = False,
    seeds: Annotated[
        int,
        typer.Option("--seeds", min=1, max=20, help="Train what is chosen so often, and tell what hangs on the seed."),
    ] = 1,
    column: ColumnOption = None,
    accept_test_changes: AcceptOption = False,
    markdown: Annotated[
        Path | None,
        typer.Option(
            "--markdown",
            metavar="FILE",
            help="Write the verdict as Markdown, for a pull request, whatever it is; - prints that and nothing else.",
        ),
    ] = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Fine-tune embedder and generator, measure them on the test split, and promote what is better."""
    if bool(examples or target) == resume:
        found = "both" if resume else "neither"
        raise typer.BadParameter(f"found {found} of --examples (or --target) and --resume, expected one of them")
    if target is not None:
        _check_target(target)
    if markdown is not None:
        _check_place(markdown, as_json)
    from service.bootstrap import ensure_release, retraining_bases
    from training.data.reading.columns import parse_columns
    from training.runs.retrain import Request
    from training.runs.retrain import retrain as run

    table = TrainingTable()
    columns = parse_columns(column or ())
    with opened(context, workspace, as_json) as here:
        settings, request = here.settings, None
        if resume:
            _refuse_other_options(context, here.workspace, columns)
        else:
            price = settings.generator.price_per_million
            request = Request(
                tuple(examples or ()),
                promote.value,
                require_better,
                columns,
                target=target,
                seeds=seeds,
                accept_test_changes=accept_test_changes,
                price=price.model_dump() if price else None,
            )
        with here.console.progress(above=table) as progress:
            ensure_release(here.workspace, here.catalog, here.ledger, settings, progress=progress)
            value = run(
                here.workspace,
                here.catalog,
                settings.index,
                settings.training,
                retraining_bases(here.workspace, settings),
                request,
                progress=progress,
                warn=here.console.warn,
                listen=listener(here.console, table),
                tell=None if markdown is None else lambda result: _write_markdown(here, result, markdown),
            )
        here.console.finish(value, lambda: None if markdown == STDOUT else _show(here, value))


def _refuse_other_options(context: typer.Context, workspace: "Workspace", columns: dict[str, str]) -> None:
    """A run goes on as it was begun: other options beside --resume would be left aside unseen."""
    from training.runs.directory import unfinished_run

    asked = {**context.params, "columns": columns}
    for parameter, name in REQUESTED.items():
        source = context.get_parameter_source(parameter)
        if source is None or source.name != "COMMANDLINE":
            continue
        begun, option = unfinished_run(workspace).request.get(name), f"--{parameter.replace('_', '-')}"
        if asked[name] != begun:
            raise typer.BadParameter(
                f"found {option} with --resume and a run that was begun with {begun!r} there, expected the same or "
                f"none, since a run goes on as it was begun: leave {option} away, or begin a new run"
            )


def _check_place(markdown: Path, as_json: bool) -> None:
    """Before hours of training, and not after them."""
    if markdown == STDOUT and as_json:
        raise typer.BadParameter(
            "found --markdown - with --json, expected a file: standard output holds the JSON object and nothing else"
        )
    if markdown == STDOUT:
        return
    if markdown.exists() and not markdown.is_file():
        raise typer.BadParameter(
            f"found --markdown {markdown}, which is no file, expected the path of one; - prints it"
        )
    if not markdown.parent.is_dir():
        raise typer.BadParameter(f"found no directory {markdown.parent} for --markdown, expected it: make it first")


def _write_markdown(here: Opened, result: dict[str, Any], place: Path) -> None:
    from retrieval.files import publish_bytes

    text = markdown_of(Path(result["report"]).parent, result["release"])
    if place == STDOUT:
        here.console.write(text)
    else:
        publish_bytes(place, f"{text}\n".encode())


def _check_target(target: str) -> None:
    from training.runs.targeting import BUCKETS, LARGEST, bucket_named

    if target != LARGEST and bucket_named(target) is None:
        names = ", ".join(one.replace(" ", "-") for one in BUCKETS)
        raise typer.BadParameter(f"found --target {target!r}, expected {LARGEST} or one of {names}")


def listener(console: Console, table: TrainingTable) -> Callable[[dict[str, Any]], None]:
    """Takes a run's events: the table shows them, and an estimate is told once."""

    def listen(event: dict[str, Any]) -> None:
        table.take(event)
        if "estimated" in event:
            console.note(estimate_line(event["estimated"]))

    return listen


def _show(here: Opened, value: dict[str, Any]) -> None:
    show_metrics(here, value["metrics"])
    rows = [
        (
            one["label"] if ":" in one["metric"] else one["metric"],
            f"{one['difference']:+.3f}",
            interval(one),
            str(one["n"]),
        )
        for one in value["comparisons"]
    ]
    here.console.table(("candidate against baseline", "difference", "interval", "n"), rows)
    here.console.write(f"Verdict: {value['verdict']}")
    for reason in value["reasons"]:
        here.console.write(f"  - {reason}")
    if found := value.get("target"):
        _show_target(here, found)
    here.console.write(f"Release {value['release']}, report {value['report']}")


def _show_target(here: Opened, found: dict[str, Any]) -> None:
    """Whether the kind of error that the round was aimed at became rarer."""
    from training.report.aimed import aimed_lines

    if not found["questions"]:
        here.console.write(f"Aimed at {found['bucket']!r}: no validation question is in both rounds")
        return
    rows = [
        (
            one["errors"],
            f"{one['system']} ({one['role']})",
            str(one["before"]),
            str(one["after"]),
            f"{one['difference']:+.3f}",
            interval(one),
        )
        for one in aimed_lines(found)
    ]
    title = f"The same {found['questions']} validation questions before and after rows for {found['bucket']!r}"
    here.console.table(("errors", "system", "before", "after", "difference", "interval"), rows, title=title)
