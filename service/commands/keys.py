"""``lockstep keys``: who may call a service of this workspace."""

from typing import Annotated

import typer

from service.commands.common import HERE, JsonOption, WorkspaceOption, console_of

app = typer.Typer(no_args_is_help=True)


@app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Option("--name", help="Whose it is, for the list.")] = "",
    scopes: Annotated[
        list[str] | None,
        typer.Option("--scope", metavar="SCOPE", help="chat, ingest, train or admin (everything); can be repeated."),
    ] = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Make a key and show it, once. Its scope is chat unless others are given."""
    from retrieval.errors import InputError
    from retrieval.workspace import Workspace
    from service.keys import Keys

    try:
        key, shown = Keys(Workspace(workspace).keys).create(name, scopes or ["chat"])
    except InputError as error:
        raise typer.BadParameter(str(error)) from error
    console = console_of(context, as_json)
    value = {"id": key.id, "name": key.name, "scopes": list(key.scopes), "created_at": key.created_at, "key": shown}

    def show() -> None:
        console.write(shown)
        console.note(f"key {key.id} with scope {', '.join(key.scopes)}: keep it now, it is not shown again")

    console.finish(value, show)


@app.command("list")
def list_keys(context: typer.Context, workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> None:
    """Show the keys, without their secrets."""
    from retrieval.workspace import Workspace
    from service.keys import Keys

    keys = Keys(Workspace(workspace).keys).all()
    console = console_of(context, as_json)
    value = {
        "keys": [
            {"id": key.id, "name": key.name, "scopes": list(key.scopes), "created_at": key.created_at} for key in keys
        ]
    }
    rows = [(key.id, key.name, ", ".join(key.scopes), key.created_at) for key in keys]

    def show() -> None:
        if rows:
            console.table(("id", "name", "scopes", "created"), rows)
        else:
            console.write("No keys: a service answers whoever is on this machine, and does not start beyond it.")

    console.finish(value, show)


@app.command()
def revoke(
    context: typer.Context,
    id: Annotated[str, typer.Argument(metavar="ID", help="As `lockstep keys list` shows it.", show_default=False)],
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Make a key worthless, also for a service that runs."""
    from retrieval.workspace import Workspace
    from service.keys import Keys

    key = Keys(Workspace(workspace).keys).revoke(id)
    console = console_of(context, as_json)
    console.finish({"id": key.id, "revoked": True}, lambda: console.write(f"Revoked key {key.id}."))
