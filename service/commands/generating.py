"""``lockstep examples generate``: questions out of the training documents, where people have asked too little."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.commands.common import HERE, JsonOption, Opened, WorkspaceOption, active_release, opened, own_searcher
from service.commands.evaluation import EXAMPLES_HELP, ColumnOption

if TYPE_CHECKING:
    from training.synthesis.drafts import Kind
    from training.synthesis.writer import Writer

SHOWN = 5
UrlOption = Annotated[str | None, typer.Option("--url", help="Of a server with OpenAI's chat completions.")]
ModelOption = Annotated[str | None, typer.Option("--model", help="Its name there.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("generate")(generate)


def generate(
    context: typer.Context,
    output: Annotated[Path, typer.Option("--output", metavar="FILE", dir_okay=False, help="Where the rows go.")],
    examples: Annotated[
        list[Path] | None, typer.Option("--examples", metavar="FILE", help=f"Yours, if there are any. {EXAMPLES_HELP}")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Rows at most.")] = 300,
    kinds: Annotated[
        str | None,
        typer.Option(
            "--kinds",
            metavar="KIND,…",
            help="natural, keyword, cloze, claim, several, unanswerable or inverse cloze; all.",
        ),
    ] = None,
    within: Annotated[
        int, typer.Option("--within", min=1, help="Retrieval must find a question's document among so many.")
    ] = 5,
    seed: Annotated[int | None, typer.Option("--seed", help="Default: that of [training].")] = None,
    url: UrlOption = None,
    model: ModelOption = None,
    column: ColumnOption = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Make examples of the training documents: by rules, and by a generator behind a URL where one is named."""
    from retrieval.files import publish_rows
    from training.data.candidates import DEPTH
    from training.synthesis.filters import Filters
    from training.synthesis.generate import generate as run

    chosen = _kinds(kinds)
    expect_both_or_neither(url, model)
    with opened(context, workspace, as_json) as here:
        from service.commands.training_ground import training_ground

        release = active_release(here)
        drawn = here.settings.training.seed if seed is None else seed
        with here.console.progress() as progress, own_searcher(here, release, progress) as searcher:
            ground = training_ground(here, searcher, examples or (), column or ())
            filters = Filters(
                lambda questions: searcher.search_batch(questions, top_k=DEPTH),
                ground.held_out,
                ground.groups,
                within=within,
            )
            result = run(
                here.catalog,
                ground.documents,
                filters,
                limit=limit,
                seed=drawn,
                kinds=chosen,
                write=writer_of(here, url, model, drawn, limit),
                progress=progress,
            )
        rows = [one.draft.row() for one in result.made]
        publish_rows(output, rows)
        value = {
            "output": str(output),
            **result.counts(),
            "split": {"documents": len(ground.documents), "of": len(ground.groups), "origin": ground.origin},
        }
        if not rows:
            here.console.warn("found no draft that passes, expected some: the counts below tell what was dropped")
        here.console.finish(value, lambda: _show(here, value, rows))


def _kinds(named: str | None) -> "tuple[Kind, ...]":
    from training.synthesis.drafts import KINDS

    if named is None:
        return KINDS
    asked = [one.strip() for one in named.split(",") if one.strip()]
    if not asked or (unknown := [one for one in asked if one not in KINDS]):
        found = ", ".join(map(repr, unknown)) if asked else "none"
        raise typer.BadParameter(f"found the kinds {found}, expected of {', '.join(KINDS)}")
    return tuple(kind for kind in KINDS if kind in asked)


def expect_both_or_neither(url: str | None, model: str | None) -> None:
    """Refuse a server without a model, and a model without a server."""
    if (url is None) != (model is None):
        raise typer.BadParameter("found one of --url and --model, expected both or neither")


def writer_of(here: Opened, url: str | None, model: str | None, seed: int, limit: int) -> "Writer | None":
    """The generator that is named here, else the one of the workspace where it is behind a URL."""
    own = here.settings.generator
    if url is None and own.url is None:
        return None
    from training.generator.remote import RemoteGenerator
    from training.synthesis.writer import Writer

    return Writer(RemoteGenerator(url or str(own.url), model or own.model), seed=seed, drafts=2 * limit)


def _show(here: Opened, value: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    console, split = here.console, value["split"]
    console.write(f"{split['documents']} of {split['of']} documents may be trained on ({split['origin']})")
    for name in ("kinds", "methods"):
        console.table((name, "examples"), [(key, str(count)) for key, count in value[name].items()])
    dropped = {**value["dropped"], "not looked at, there were enough": value["not looked at"]}
    console.table((f"of {value['drafts']} drafts dropped", ""), [(key, str(count)) for key, count in dropped.items()])
    for row in rows[:SHOWN]:
        console.write(f"  {row['question']!r} → {row['answers'][0] if row['answers'] else '(no answer)'!r}")
    console.write(f"{value['examples']} examples in {value['output']}; look at some before you train on them")
