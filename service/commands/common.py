"""What every command has: its two options, its console, and the opened workspace."""

import gc
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.commands.console import Console

if TYPE_CHECKING:
    from retrieval.catalog import Catalog
    from retrieval.progress import Progress
    from retrieval.search import Searcher
    from retrieval.workspace import Workspace
    from service.settings import Settings
    from training.releases.ledger import Ledger
    from training.releases.release import Release
    from training.releases.runtime import Runtime

WorkspaceOption = Annotated[
    Path,
    typer.Option("--workspace", "-w", metavar="DIR", envvar="LOCKSTEP_WORKSPACE", help="The workspace."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on stdout and nothing else, also on error.")]
HERE = Path(".")


@dataclass(frozen=True)
class Opened:
    """A workspace in use by one command."""

    workspace: "Workspace"
    settings: "Settings"
    catalog: "Catalog"
    ledger: "Ledger"
    console: Console


def console_of(context: typer.Context, as_json: bool) -> Console:
    """The console that the entry point made (it knows the real stdout), or a new one."""
    console = context.obj
    return console if isinstance(console, Console) else Console(as_json=as_json)


@contextmanager
def opened(context: typer.Context, directory: Path, as_json: bool) -> Iterator[Opened]:
    """Open the workspace in a directory.

    Raises:
        ConfigurationError: it is no workspace, or its settings are not usable.
        StorageError: its catalog is damaged or cannot be written.
    """
    from retrieval.workspace import Workspace
    from service.settings import load_settings

    workspace = Workspace(directory)
    settings = load_settings(workspace.configuration)

    from retrieval.catalog import Catalog
    from training.releases.ledger import Ledger

    console = console_of(context, as_json)
    if not workspace.catalog.exists() and (left := workspace.left_without_catalog()):
        console.warn(
            f"found no {workspace.catalog}, but {left} holds what it listed; an empty one is made: to keep the "
            "releases, remove it and restore the catalog from a backup"
        )
    catalog = Catalog(workspace.catalog)
    try:
        yield Opened(workspace, settings, catalog, Ledger(catalog), console)
    finally:
        catalog.close()


def active_release(here: Opened) -> "Release":
    """The active release, its files checked.

    Raises:
        NotFound: there is none yet.
    """
    from retrieval.errors import NotFound
    from training.releases.release import read_release

    active = here.ledger.active()
    if active is None:
        raise NotFound(
            f"found no release in {here.workspace.root}, expected one: run `lockstep ingest PATH`, "
            "which makes the first"
        )
    return read_release(here.workspace, here.ledger, active)


@contextmanager
def active_runtime(
    here: Opened, *, with_generator: bool, question: str, requests: int | None = None
) -> Iterator["Runtime"]:
    """The active release, loaded and up to date with the catalog.

    Args:
        requests: that the generator computes at a time; one alone gets all cores.

    Raises:
        NotFound: there is no release, or no document.
        Busy: another process holds the index; where that is a running service, the message says how to
            ask it ``question``.
    """
    from retrieval.errors import Busy
    from retrieval.sync import sync
    from service.running import offer
    from training.releases.runtime import open_runtime

    release = active_release(here)
    here.catalog.expect_documents()  # before models are loaded for nothing
    try:
        runtime = open_runtime(
            here.workspace,
            here.catalog,
            release,
            here.settings.index,
            with_generator=with_generator,
            requests=requests,
        )
    except Busy as error:
        raise offer(here.workspace, question, error) from error
    try:
        with here.console.progress() as progress:
            sync(here.catalog, runtime.index, runtime.embedder, progress=progress)
        # What is loaded stays to the end: the engine collects garbage when it stops, and would look through all of it.
        gc.freeze()
        yield runtime
    finally:
        runtime.close()


@contextmanager
def own_searcher(here: Opened, release: "Release", progress: "Progress") -> "Iterator[Searcher]":
    """Search with a release's embedder over a collection of this command's own.

    It is filled from the catalog's vectors in moments, and a service that holds the release's
    collection is not disturbed. A server's collection is shared as it is.
    """
    import secrets
    import shutil

    from retrieval.index.open import open_index
    from retrieval.search import Searcher
    from retrieval.sync import sync
    from training.releases.runtime import open_embedder, open_reranker

    embedder = open_embedder(here.workspace, release)
    on_server = here.settings.index.backend == "server"
    name = release.manifest.collection if on_server else f"own-{secrets.token_hex(4)}"
    directory = here.workspace.collection(name)
    try:
        index = open_index(
            here.settings.index, directory, name=name, embedder=embedder.fingerprint, dimension=embedder.dimension
        )
        try:
            sync(here.catalog, index, embedder, progress=progress)
            reranker = open_reranker(here.workspace, release)
            yield Searcher(here.catalog, index, embedder, release.manifest.search, reranker)
        finally:
            index.close()
    finally:
        if not on_server:
            here.catalog.forget_collection(name)
            shutil.rmtree(directory, ignore_errors=True)


PASSAGE = ("document_id", "chunk_id", "text", "score", "similarity", "rank")
CITATION = ("document_id", "chunk_id", "quote")
"""What ``search --json`` and ``ask --json`` print of each, whoever has answered."""


def printed(found: Sequence[Any], names: Sequence[str]) -> list[dict[str, Any]]:
    """Passages or citations, or a service's objects of them, as they are printed."""
    return [{name: one[name] if isinstance(one, dict) else getattr(one, name) for name in names} for one in found]


def quoted(quote: str) -> str:
    """A citation's quotation on one line, or that there is nothing to quote."""
    return f"“{textwrap.shorten(quote, 200)}”" if quote else "no sentence of it shares a word with the answer"
