"""Promotion and rollback: one journaled transaction that changes which release answers."""

import time

from retrieval.catalog import Catalog
from retrieval.errors import Busy
from retrieval.progress import Progress, silent
from retrieval.settings import IndexSettings
from retrieval.sync import sync
from retrieval.workspace import Workspace
from training.releases.ledger import Kind, Ledger
from training.releases.release import Release, read_release
from training.releases.runtime import open_collection, open_embedder

PATIENCE_SECONDS = 10.0
"""How long a service may take to let go of the collection of the release before."""


def promote(
    workspace: Workspace,
    catalog: Catalog,
    ledger: Ledger,
    settings: IndexSettings,
    release: str,
    *,
    kind: Kind = "promote",
    progress: Progress = silent,
) -> Release:
    """Make a release the active one.

    First everything that can fail: the release's files are checked and its collection follows the
    catalog. Then one row in one transaction. A crash before it leaves the old release active, a
    crash after it the new one; what must follow (a server's alias) is repeated by :func:`settle`.

    Raises:
        NotFound, CorruptRelease, MismatchError: the release cannot be used; nothing has changed.
    """
    with workspace.promoting():
        checked = read_release(workspace, ledger, release)
        if ledger.active() != checked.id:
            prepare(workspace, catalog, ledger, settings, checked, progress)
            ledger.activate(checked.id, kind)
        settle(workspace, ledger, settings)
    return checked


def rollback(
    workspace: Workspace, catalog: Catalog, ledger: Ledger, settings: IndexSettings, *, progress: Progress = silent
) -> Release:
    """Make the release active that was active before the present one was promoted."""
    active = ledger.active()
    target = ledger.before(active) if active else ""
    return promote(workspace, catalog, ledger, settings, target, kind="rollback", progress=progress)


def prepare(
    workspace: Workspace,
    catalog: Catalog,
    ledger: Ledger,
    settings: IndexSettings,
    release: Release,
    progress: Progress,
) -> None:
    """Bring the collection of a release up to the catalog."""
    embedder = open_embedder(workspace, release)
    active = ledger.active()
    patience = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            index = open_collection(workspace, release, settings, embedder)
            break
        except Busy:
            # A running service holds it: as the collection of the active release, which the service keeps up to
            # date, or of the one before, until the last request that it answers has ended.
            if active and read_release(workspace, ledger, active).manifest.collection == release.manifest.collection:
                return
            if time.monotonic() > patience:
                raise
            time.sleep(0.2)
    try:
        if sync(catalog, index, embedder, progress=progress):
            index.optimize()
    finally:
        index.close()


def settle(workspace: Workspace, ledger: Ledger, settings: IndexSettings) -> None:
    """Do what must follow the last activation, if it is not known to be done: the server's alias.

    Called after each promotion and at every start, so a crash between the two is repaired by
    whoever comes next.
    """
    release = ledger.unsettled()
    if release is None:
        return
    if settings.backend == "server":
        from retrieval.index.open import switch_alias

        collection = read_release(workspace, ledger, release).manifest.collection
        switch_alias(settings, collection)
    ledger.settle(release)
