"""``lockstep releases``: which there are, what they hold, which one answers."""

from typing import Annotated, Any

import typer

from service.commands.common import HERE, JsonOption, Opened, WorkspaceOption, opened

app = typer.Typer(no_args_is_help=True)
ReleaseArgument = Annotated[
    str, typer.Argument(metavar="RELEASE", help="Its id, or a beginning that only it has.", show_default=False)
]


@app.command("list")
def list_releases(context: typer.Context, workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> None:
    """List the releases, oldest first."""
    with opened(context, workspace, as_json) as here:
        active = here.ledger.active()
        releases = [
            {
                "id": entry.id,
                "number": entry.number,
                "created_at": entry.created_at.isoformat(),
                "active": entry.id == active,
            }
            for entry in here.ledger.entries()
        ]

        def show() -> None:
            if not releases:
                here.console.write("No releases yet: run `lockstep ingest PATH`, which makes the first.")
                return
            rows = [("→" if one["active"] else "", str(one["id"]), f"{one['created_at']} UTC") for one in releases]
            here.console.table(("", "release", "made"), rows)

        here.console.finish({"active": active, "releases": releases}, show)


@app.command("show")
def show_release(
    context: typer.Context, release: ReleaseArgument, workspace: WorkspaceOption = HERE, as_json: JsonOption = False
) -> None:
    """Show a release, after checking its files."""
    from training.releases.release import read_release

    with opened(context, workspace, as_json) as here:
        found = read_release(here.workspace, here.ledger, release)
        value = {
            "id": found.id,
            "active": found.id == here.ledger.active(),
            "directory": str(found.directory),
            "manifest": found.manifest.model_dump(mode="json"),
        }
        here.console.finish(value, lambda: _show(here, value))


@app.command("promote")
def promote_release(
    context: typer.Context, release: ReleaseArgument, workspace: WorkspaceOption = HERE, as_json: JsonOption = False
) -> None:
    """Make a release the one that answers; a running service takes it over."""
    from training.releases.promotion import promote

    with opened(context, workspace, as_json) as here:
        before = here.ledger.active()
        with here.console.progress() as progress:
            found = promote(here.workspace, here.catalog, here.ledger, here.settings.index, release, progress=progress)
        _finish(here, found.id, before)


@app.command("rollback")
def rollback_release(context: typer.Context, workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> None:
    """Go back to the release that answered before the present one was promoted."""
    from training.releases.promotion import rollback

    with opened(context, workspace, as_json) as here:
        before = here.ledger.active()
        with here.console.progress() as progress:
            found = rollback(here.workspace, here.catalog, here.ledger, here.settings.index, progress=progress)
        _finish(here, found.id, before)


def _finish(here: Opened, release: str, before: str | None) -> None:
    text = f"Release {release} is active" + (f"; before it was {before}." if before not in (None, release) else ".")
    here.console.finish({"release": release, "previous": before}, lambda: here.console.write(text))


def _show(here: Opened, value: dict[str, Any]) -> None:
    manifest = value["manifest"]
    here.console.write(f"{value['id']}{' (active)' if value['active'] else ''}  {value['directory']}")
    rows = []
    for name, content in manifest.items():
        if name == "files":
            content = f"{len(content)} files, all with the sha256 of the manifest"
        elif isinstance(content, dict):
            content = ", ".join(f"{key}={part}" for key, part in content.items() if part is not None)
        rows.append((name, str(content) if content is not None else "-"))
    here.console.table(("field", "value"), rows)
