"""``lockstep releases``: which there are, what they hold, which one answers."""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.commands.common import HERE, JsonOption, Opened, WorkspaceOption, opened
from service.commands.console import Console

if TYPE_CHECKING:
    from training.releases.ledger import Entry

app = typer.Typer(no_args_is_help=True)
ReleaseArgument = Annotated[
    str, typer.Argument(metavar="RELEASE", help="Its id, or a beginning that only it has.", show_default=False)
]


@app.command("list")
def list_releases(context: typer.Context, workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> None:
    """List the releases, oldest first, each with its verdict and what it was measured to do."""
    from training.releases.overview import overview

    with opened(context, workspace, as_json) as here:
        active = here.ledger.active()
        releases = [
            {
                "id": entry.id,
                "number": entry.number,
                "created_at": entry.created_at.isoformat(),
                "active": entry.id == active,
                **asdict(overview(here.workspace, entry)),
            }
            for entry in here.ledger.entries()
        ]

        def show() -> None:
            if not releases:
                here.console.write("No releases yet: run `lockstep ingest PATH`, which makes the first.")
                return
            columns = ("  release", "made", "verdict", "nDCG@10", "answer score", "made up")
            here.console.table(columns, [_row(one) for one in releases])
            if any(one["figures"] for one in releases):
                here.console.note(
                    "→ answers now. Figures: on the test questions, before → after; ▲ better, ▼ worse, no mark: may be "
                    "chance. `lockstep releases show ID` names the directory with the report."
                )

        here.console.finish({"active": active, "releases": releases}, show)


@app.command("show")
def show_release(
    context: typer.Context,
    release: ReleaseArgument,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Its report as Markdown, for a pull request, and nothing else.")
    ] = False,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
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
        if not markdown:
            here.console.finish(value, lambda: _show(here, value))
            return
        text = markdown_of(found.directory, found.id)
        here.console.finish({**value, "markdown": text}, lambda: here.console.write(text))


@app.command("promote")
def promote_release(
    context: typer.Context,
    release: ReleaseArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Also if its verdict is kept or rejected.")] = False,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Make a release the one that answers; a running service takes it over. Asks first where it is not better."""
    from training.releases.promotion import promote

    with opened(context, workspace, as_json) as here:
        before = here.ledger.active()
        entry = here.ledger.entry(release)
        if not yes and entry.id != before:
            _confirm(here, entry)
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


def markdown_of(directory: Path, release: str) -> str:
    """The report in a release's directory as Markdown.

    Raises:
        InputError: no retraining has made this release.
    """
    from retrieval.errors import InputError
    from training.report.markdown import render_markdown

    path = directory / "report.json"
    if not path.is_file():
        raise InputError(f"found no report in release {release}, expected one that a retraining has made: name another")
    return render_markdown(json.loads(path.read_bytes())).rstrip()


def _confirm(here: Opened, entry: "Entry") -> None:
    """Ask whether a release that was not found better shall answer.

    Raises:
        VerdictRefused: the answer is no, or there is nobody to ask.
    """
    from retrieval.errors import VerdictRefused
    from training.releases.overview import overview

    found = overview(here.workspace, entry)
    if found.verdict in (None, "promoted"):
        return
    reason = f" ({found.reasons[0].rstrip('.')})" if found.reasons else ""
    verdict = f"found the verdict {found.verdict!r} on release {entry.id}{reason}"
    if not _somebody_there(here.console):
        raise VerdictRefused(f"{verdict}, expected 'promoted': give --yes to make it answer all the same")
    if not typer.confirm(f"F{verdict[1:]}.\nMake it answer all the same?", err=True):
        raise VerdictRefused(f"not promoted: {here.ledger.active()} goes on answering")


def _somebody_there(console: Console) -> bool:
    return not console.as_json and sys.stdin.isatty() and console.err.isatty()


def _row(one: Mapping[str, Any]) -> tuple[str, ...]:
    figures = one["figures"]
    made_up = figures.get("hallucinated")
    return (
        f"{'→' if one['active'] else ' '} {one['id']}",
        one["created_at"][:10],
        "damaged" if one["problem"] else one["verdict"] or "-",
        _change(figures.get("ndcg@10")),
        _change(figures.get("answer_score")),
        f"{made_up['candidate'] * made_up['n']:.0f} of {made_up['n']}" if made_up else "-",
    )


def _change(one: Mapping[str, Any] | None) -> str:
    if one is None:
        return "-"
    mark = {"better": " ▲", "worse": " ▼"}.get(one["direction"], "")
    return f"{one['baseline']:.2f}→{one['candidate']:.2f}{mark}"


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
