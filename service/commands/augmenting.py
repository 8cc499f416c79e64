"""``lockstep examples augment``: the training questions said otherwise."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.commands.common import HERE, JsonOption, Opened, WorkspaceOption, active_release, opened, own_searcher
from service.commands.evaluation import EXAMPLES_HELP, ColumnOption
from service.commands.generating import ModelOption, UrlOption, expect_both_or_neither, writer_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.synthesis.augment import Method


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("augment")(augment)


def augment(
    context: typer.Context,
    examples: Annotated[list[Path], typer.Argument(metavar="EXAMPLES", help=EXAMPLES_HELP)],
    output: Annotated[Path, typer.Option("--output", metavar="FILE", dir_okay=False, help="Where the rows go.")],
    without: Annotated[
        list[str] | None,
        typer.Option("--without", metavar="METHOD", help="Leave out typos, noise, paraphrase or negation; repeatable."),
    ] = None,
    within: Annotated[
        int, typer.Option("--within", min=1, help="Retrieval must find a question's document among so many.")
    ] = 10,
    seed: Annotated[int | None, typer.Option("--seed", help="Default: that of [training].")] = None,
    url: UrlOption = None,
    model: ModelOption = None,
    column: ColumnOption = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Say the training questions otherwise; validation and test are left as they are. Freezes the split."""
    from retrieval.files import publish_rows
    from training.synthesis.augment import augment as run

    methods = _methods(without or ())
    expect_both_or_neither(url, model)
    with opened(context, workspace, as_json) as here:
        from service.commands.training_ground import training_ground

        release = active_release(here)
        drawn = here.settings.training.seed if seed is None else seed
        with here.console.progress() as progress, own_searcher(here, release, progress) as searcher:
            ground = training_ground(here, searcher, examples, column or ())
            writer = writer_of(here, url, model, drawn, 0) if "paraphrase" in methods else None
            result = run(
                ground.examples,
                methods,
                lambda questions: searcher.search_batch(questions, top_k=2 * within),
                ground.held_out,
                ground.groups,
                seed=drawn,
                within=within,
                paraphrase=writer.paraphrase if writer else None,
            )
        publish_rows(output, result.rows)
        value = {
            "output": str(output),
            "of": len(ground.examples),
            "examples": len(result.rows),
            "methods": dict(result.methods),
            "dropped": dict(result.dropped),
        }
        here.console.finish(value, lambda: _show(here, value))


def _methods(without: "Sequence[str]") -> "tuple[Method, ...]":
    from training.synthesis.augment import METHODS

    if unknown := [one for one in without if one not in METHODS]:
        raise typer.BadParameter(f"found --without {unknown[0]}, expected one of {', '.join(METHODS)}")
    return tuple(one for one in METHODS if one not in without)


def _show(here: Opened, value: dict[str, Any]) -> None:
    console = here.console
    console.table(("method", "rows"), [(name, str(count)) for name, count in value["methods"].items()])
    if value["dropped"]:
        console.table(("dropped", ""), [(name, str(count)) for name, count in value["dropped"].items()])
    console.write(f"{value['examples']} rows of {value['of']} training examples in {value['output']}")
