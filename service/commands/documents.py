"""``lockstep documents``: which there are, what one holds, removing some, and what was not taken."""

import os
import textwrap
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.commands.common import HERE, JsonOption, Opened, WorkspaceOption, opened

if TYPE_CHECKING:
    from retrieval.outcomes import Outcome

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_all(context: typer.Context, workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> None:
    """List the documents by id."""
    from retrieval.document_list import Listed, list_documents

    def as_value(one: Listed) -> dict[str, Any]:
        return {
            "id": one.id,
            "title": one.title,
            "source": one.source,
            "chunks": one.chunks,
            "at": f"{one.at.isoformat()}Z",
        }

    with opened(context, workspace, as_json) as here:
        value = [as_value(one) for one in list_documents(here.catalog)]

        def show() -> None:
            if not value:
                here.console.write("No documents yet: run `lockstep ingest PATH`.")
                return
            rows = [(one["id"], one["title"], one["source"], str(one["chunks"]), one["at"]) for one in value]
            here.console.table(("document", "title", "file", "chunks", "taken"), rows)

        here.console.finish({"documents": value}, show)


@app.command("show")
def show_one(
    context: typer.Context,
    document: Annotated[str, typer.Argument(metavar="ID", show_default=False)],
    text: Annotated[bool, typer.Option("--text", help="The whole text, as it was read from the file.")] = False,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Show a document with its chunks, and what was lost or guessed while it was read."""
    from retrieval.document_list import read_document
    from retrieval.file_records import FileRecords

    with opened(context, workspace, as_json) as here:
        listed, found, pieces = read_document(here.catalog, document)
        value = {
            "id": listed.id,
            "title": listed.title,
            "source": listed.source,
            "at": f"{listed.at.isoformat()}Z",
            "metadata": dict(found.metadata),
            "warnings": [one.detail for one in FileRecords(here.catalog).outcomes("warned", document_id=document)],
            "chunks": [
                {
                    "id": one.chunk.id,
                    "start": one.chunk.start,
                    "end": one.chunk.end,
                    "context": one.chunk.context,
                    "text": one.chunk.text,
                }
                for one in pieces
            ],
            **({"text": found.text} if text else {}),
        }
        here.console.finish(value, lambda: _show(here, value))


@app.command("rm")
def remove(
    context: typer.Context,
    documents: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", show_default=False)] = None,
    under: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="All documents of this file, or of the files in this folder."),
    ] = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Remove documents from catalog and index. A file that is still there is taken again by the next ingest."""
    from retrieval.document_list import documents_under
    from retrieval.errors import NotFound
    from retrieval.file_records import FileRecords
    from retrieval.files import path_key

    if not documents and under is None:
        raise typer.BadParameter("found no document to remove, expected an ID or --under PATH")
    with opened(context, workspace, as_json) as here:
        with here.workspace.writing("remove documents"):
            ids = list(dict.fromkeys(documents or []))
            if under is not None:
                root = path_key(os.path.realpath(under))
                below = documents_under(here.catalog, root)
                if not below and not documents:
                    raise NotFound(f"found no documents under {root}, expected some: see `lockstep documents list`")
                ids = list(dict.fromkeys([*ids, *below]))
            sources = {one: source for one, (source, _, _) in here.catalog.sources().items() if one in set(ids)}
            here.catalog.remove(ids)
            if under is not None:
                FileRecords(here.catalog).forget(root)
        _follow(here)
        _finish_removal(here, ids, sources)


@app.command("failed")
def failed(context: typer.Context, workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> None:
    """List files that were refused or passed over, and documents that were cut, each with the reason."""
    from retrieval.file_records import FileRecords

    with opened(context, workspace, as_json) as here:
        found = FileRecords(here.catalog).outcomes()
        kinds = ("refused", "skipped", "warned")
        of_kind = {kind: [one for one in found if one.kind == kind] for kind in kinds}
        value = {
            "counts": {kind: dict(Counter(one.reason for one in of_kind[kind]).most_common()) for kind in kinds},
            **{kind: [_outcome(one) for one in of_kind[kind]] for kind in kinds},
        }
        here.console.finish(value, lambda: _show_failed(here, value))


def _outcome(one: "Outcome") -> dict[str, str]:
    told = {"path": one.path, "reason": one.detail or one.reason}
    return told | ({"document_id": one.document_id} if one.document_id else {})


def _follow(here: Opened) -> None:
    """Bring the index of the active release up to the catalog."""
    from service.commands.common import active_release
    from service.commands.index import follow_index

    if here.ledger.active() is None:
        return
    with here.console.progress() as progress:
        follow_index(here, active_release(here), progress)


def _finish_removal(here: Opened, ids: list[str], sources: dict[str, str]) -> None:
    from retrieval.files import path_of

    present = sorted({source for source in sources.values() if path_of(source).exists()})

    def show() -> None:
        here.console.write(f"Removed {len(ids)} documents.")
        if present:
            more = f" and {len(present) - 1} more" if len(present) > 1 else ""
            here.console.write(
                f"{present[0]}{more} is still there, so the next ingest of its folder takes it again: name it in a "
                ".lockstepignore to keep it out."
            )

    here.console.finish({"removed": ids, "still_there": present}, show)


def _show(here: Opened, value: dict[str, Any]) -> None:
    here.console.write(f"{value['id']}  {value['title']}")
    here.console.write(f"from {value['source']}, taken {value['at']}")
    for warning in value["warnings"]:
        here.console.write(f"warning: {warning}")
    for name, content in value["metadata"].items():
        here.console.write(f"{name}: {content}")
    if "text" in value:
        here.console.write()
        here.console.write(value["text"])
        return
    rows = [(one["id"], f"{one['start']}-{one['end']}", textwrap.shorten(one["text"], 160)) for one in value["chunks"]]
    here.console.table(("chunk", "characters", "text"), rows)


def _show_failed(here: Opened, value: dict[str, Any]) -> None:
    titles = {"refused": "Not taken", "skipped": "Passed over", "warned": "Taken with a warning"}
    if not any(value["counts"].values()):
        here.console.write("Nothing was refused, passed over or cut.")
    for kind, title in titles.items():
        counts = value["counts"][kind]
        if not counts:
            continue
        here.console.table((title, "reason"), [(str(count), reason) for reason, count in counts.items()])
        here.console.write()
        if kind != "skipped":
            rows = [(one.get("document_id", one["path"]), one["reason"]) for one in value[kind]]
            here.console.table(("file", "reason"), rows)
            here.console.write()
    if value["counts"]["skipped"]:
        here.console.write("--json lists what was passed over, file by file.")
