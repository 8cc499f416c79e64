"""``lockstep init`` and ``lockstep ingest``: a workspace, and documents into it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.commands.common import HERE, JsonOption, Opened, WorkspaceOption, opened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrieval.ingest import IngestResult
    from retrieval.patterns import Selection
    from retrieval.progress import Progress
    from training.releases.release import Release


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("init")(init)
    app.command("ingest")(ingest)


def init(
    context: typer.Context,
    directory: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Where; made if need be.", show_default=False)
    ] = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Make a workspace: a lockstep.toml with every setting explained, and the first release."""
    from retrieval.files import publish_bytes
    from retrieval.workspace import CONFIGURATION
    from service.commands.template import configuration_text

    if directory is not None:
        # LOCKSTEP_WORKSPACE names the usual workspace, and not the new one.
        source = context.get_parameter_source("workspace")
        if source is not None and source.name == "COMMANDLINE" and workspace != directory:
            raise typer.BadParameter(f"found the two workspaces {directory} and {workspace}, expected one")
        workspace = directory
    path = workspace / CONFIGURATION
    created = not path.exists()
    if created:
        publish_bytes(path, configuration_text().encode())
    with opened(context, workspace, as_json) as here:
        with here.console.progress() as progress:
            release = first_release(here, progress)
        value = {"workspace": str(here.workspace.root), "created": created, "release": release.id}

        def show() -> None:
            what = "Made" if created else "Found"
            here.console.write(f"{what} the workspace {here.workspace.root}; its release is {release.id}.")
            where = "" if workspace == HERE else f" -w {workspace}"
            here.console.write(f"Next: lockstep ingest PATH{where}, then lockstep ask QUESTION{where}.")

        here.console.finish(value, show)


def ingest(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files and folders.", show_default=False)],
    prune: Annotated[bool, typer.Option("--prune", help="Delete documents that are no longer there.")] = False,
    include: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Only these files: a gitignore pattern; may be repeated."),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Not these: as in a folder's .lockstepignore; may be repeated."),
    ] = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> int:
    """Read documents. What has not changed costs nothing; a running service takes the changes over.

    A file that cannot be read is reported and the others are taken; the exit status is then 1.
    Files that can hold no text, and what a .lockstepignore names, are passed over and counted.
    """
    from retrieval.patterns import Selection

    selection = Selection(tuple(include or ()), tuple(exclude or ()))
    with opened(context, workspace, as_json) as here:
        with here.console.progress() as progress:
            result = take_in(here, paths, prune=prune, selection=selection, progress=progress)
        _tell(here, result)
        value = result.as_json()
        here.console.finish(value, lambda: _show(here, value))
        return 1 if result.failed else 0


def take_in(
    here: Opened,
    paths: "Sequence[Path]",
    *,
    prune: bool,
    selection: "Selection | None" = None,
    progress: "Progress",
) -> "IngestResult":
    """Bring catalog and index up to what lies under the paths."""
    from retrieval.chunking import Chunker
    from retrieval.errors import ConfigurationError
    from retrieval.index.open import index_name
    from retrieval.ingest import ingest as run
    from training.releases.runtime import open_embedder

    release = first_release(here, progress)
    with here.workspace.writing("ingest"):
        embedder = open_embedder(here.workspace, release)
        cut = here.settings.chunking
        size = min(cut.max_tokens, embedder.max_tokens)
        if cut.overlap > size // 4:
            raise ConfigurationError(
                f"found chunking.overlap = {cut.overlap}, expected at most {size // 4}, a quarter of the "
                f"{size} tokens of a chunk"
            )
        if size < cut.max_tokens:
            here.console.warn(
                f"found chunking.max_tokens = {cut.max_tokens}, but the embedder reads {size}: chunks are cut there"
            )
        chunker = Chunker(embedder.tokenizer_path, size, cut.overlap)
        result = run(
            here.catalog,
            embedder,
            chunker,
            paths,
            prune=prune,
            selection=selection,
            encoding=here.settings.ingest.encoding,
            progress=progress,
        )
        follow_index(here, release, progress)
        here.catalog.purge(index_name(here.settings.index, release.manifest.collection))
    return result


def first_release(here: Opened, progress: "Progress") -> "Release":
    """The active release; the first is made from the settings."""
    from service.bootstrap import ensure_release

    return ensure_release(here.workspace, here.catalog, here.ledger, here.settings, progress=progress)


def follow_index(here: Opened, release: "Release", progress: "Progress") -> None:
    """Bring the index up to the catalog, unless a running service holds it, which does so itself."""
    from retrieval.errors import Busy
    from retrieval.sync import sync
    from service.running import running_service
    from training.releases.runtime import open_collection, open_embedder

    embedder = open_embedder(here.workspace, release)
    try:
        index = open_collection(here.workspace, release, here.settings.index, embedder)
    except Busy:
        service = running_service(here.workspace)
        holder = f"the service at {service.url}" if service else "another process"
        here.console.note(f"{holder} holds the index; what was ingested is found as soon as it follows")
        return
    try:
        if sync(here.catalog, index, embedder, progress=progress):
            index.optimize()  # here and not in the service, whose other threads it would hold up
    finally:
        index.close()


def _tell(here: Opened, result: "IngestResult") -> None:
    """What was not taken as it is, on stderr."""
    for failure in result.failed:
        here.console.note(f"not taken: {failure['path']}: {failure['error']}")
    lines = [f"{one['path']}: {one['warning']}" for one in result.warned]
    for line in _first(lines):
        here.console.warn(line)
    lines = [
        f"{one['path']} is {one['reason']}; what it held stays ({one['documents']} documents) until you ingest with "
        "--prune, or remove it by `lockstep documents rm`"
        for one in result.gone
    ]
    for line in _first(lines):
        here.console.note(f"gone: {line}")
    lines = [f"{one['path']} has the id {one['id']}" for one in result.renamed]
    for line in _first(lines):
        here.console.note(f"the shorter id is another file's: {line}")


def _first(lines: list[str], most: int = 10) -> list[str]:
    """The first lines, and how many more there are."""
    rest = len(lines) - most
    return lines if rest <= 0 else [*lines[:most], f"and {rest} more (--json lists all)"]


def _show(here: Opened, value: dict[str, Any]) -> None:
    documents = value["documents"]
    counts = [documents[name] for name in ("added", "updated", "unchanged", "deleted")]
    parts = "{} added, {} updated, {} unchanged, {} deleted, {} not taken".format(*counts, len(documents["failed"]))
    for name, what in (("warned", "taken with a warning"), ("gone", "gone")):
        if value[name]:
            parts += f", {len(value[name])} {what}"
    here.console.write(parts)
    speed = f"{value['chunks_per_second']:.0f} a second"
    here.console.write(f"{value['chunks']} chunks in {value['seconds']:.1f} s ({speed})")
    for reason, count in value["skipped"].items():
        here.console.write(f"passed over: {count} × {reason}")
    if value["skipped"] or documents["failed"] or value["warned"]:
        here.console.write("`lockstep documents failed` lists what was not taken, passed over or cut.")
