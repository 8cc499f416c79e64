"""``lockstep serve`` and ``lockstep demo``."""

from typing import Annotated

import typer

from service.commands.common import HERE, JsonOption, WorkspaceOption, console_of, opened


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("serve")(serve)
    app.command("demo")(demo)


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on; 127.0.0.1 by default.")] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65535, help="8000 by default; 0 takes a free one.")
    ] = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Answer over HTTP, in OpenAI's shapes. Follows promotions and ingests without a restart."""
    from service.http.server import serve as run

    with opened(context, workspace, as_json) as here:
        given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
        settings = here.settings.service.model_copy(update=given)

        def started(url: str, release: str) -> None:
            value = {"url": url, "release": release}
            here.console.finish(value, lambda: here.console.note(f"release {release} answers at {url}/v1"))

        run(here.workspace, here.catalog, here.ledger, here.settings.index, settings, started=started)


def demo(context: typer.Context, as_json: JsonOption = False, workspace: WorkspaceOption = HERE) -> int:
    """Run the main job on the demo workspace: ingest, measure, train, measure again, promote, ask."""
    from service.commands.demo import run

    return run(workspace, console_of(context, as_json))
