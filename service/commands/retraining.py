"""``lockstep retrain``: from examples to a verdict, and to a release that answers if it is better."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from service.commands.common import HERE, JsonOption, Opened, WorkspaceOption, opened
from service.commands.evaluation import EXAMPLES_HELP, AcceptOption, ColumnOption, interval, show_metrics


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
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Fine-tune embedder and generator, measure them on the test split, and promote what is better."""
    if bool(examples) == resume:
        found = "both" if resume else "neither"
        raise typer.BadParameter(f"found {found} of --examples and --resume, expected one of them")
    from service.bootstrap import ensure_release, retraining_bases
    from training.data.reading.columns import parse_columns
    from training.runs.retrain import Request
    from training.runs.retrain import retrain as run

    request = None
    if not resume:
        columns = parse_columns(column or ())
        request = Request(
            tuple(examples or ()),
            promote.value,
            require_better,
            columns,
            seeds=seeds,
            accept_test_changes=accept_test_changes,
        )
    with opened(context, workspace, as_json) as here:
        settings = here.settings
        with here.console.progress() as progress:
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
            )
        here.console.finish(value, lambda: _show(here, value))


def _show(here: Opened, value: dict[str, Any]) -> None:
    show_metrics(here, value["metrics"])
    rows = [
        (
            one["metric"],
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
    here.console.write(f"Release {value['release']}, report {value['report']}")
