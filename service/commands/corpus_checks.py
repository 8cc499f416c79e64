"""Doctor's checks of what is derived from what: files on disk, the catalog, the index."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from service.commands.finding import Finding

if TYPE_CHECKING:
    from retrieval.catalog import Catalog
    from retrieval.index.base import Index
    from retrieval.workspace import Workspace

_NAMED = 5


def lost_catalog(workspace: "Workspace") -> Finding | None:
    """A catalog that is not there, or holds nothing, beside releases and collections that it once listed.

    Called before the catalog is opened, which would make an empty one.
    """
    left = workspace.left_without_catalog()
    if not left:
        return None
    if workspace.catalog.exists():
        from retrieval.catalog import Catalog
        from retrieval.errors import StorageError
        from training.releases.ledger import Ledger

        try:
            catalog = Catalog(workspace.catalog)
        except StorageError:
            return None  # another check tells
        try:
            if Ledger(catalog).entries() or catalog.head():
                return None
        except StorageError:
            return None
        finally:
            catalog.close()
    state = "is empty" if workspace.catalog.exists() else "is not there"
    return Finding(
        "catalog",
        "wrong",
        f"{workspace.catalog} {state}, but {left} holds what it listed: restore it "
        "from a backup; without one, ingest the documents again, which makes a new first release",
    )


def check_catalog(catalog: "Catalog") -> Iterator[Finding]:
    """Whether the database is whole."""
    with catalog.engine.connect() as connection:
        faults = list(connection.exec_driver_sql("PRAGMA integrity_check").scalars())
    if faults != ["ok"]:
        advice = "restore it from a backup, or move it away and ingest again"
        yield Finding("catalog", "wrong", f"{catalog.path} is damaged ({' '.join(faults[0].split())}): {advice}")
        return
    documents, chunks = catalog.counts()
    yield Finding("catalog", "ok", f"{documents} documents, {chunks} chunks, change {catalog.head()}")


def check_files(catalog: "Catalog") -> Iterator[Finding]:
    """Whether the folders that were ingested and the catalog hold the same files."""
    from retrieval.corpus_files import IGNORED, survey
    from retrieval.errors import LockstepError
    from retrieval.file_records import FileRecords, is_under
    from retrieval.files import path_of

    records = FileRecords(catalog)
    known = catalog.file_hashes()
    refused = records.outcomes("refused")
    told = {one.path for one in records.outcomes("refused", "skipped")}
    found: set[str] = set()
    ignored: list[str] = []
    for folder, selection in records.folders().items():
        if not folder.is_dir():
            continue  # its files are gone, which is told below
        try:
            seen = survey([folder], selection)
        except LockstepError as error:
            yield Finding("documents", "note", str(error))
            continue
        found |= {source.key for source in seen.files}
        ignored += [one.key for one in seen.skipped if one.reason == IGNORED]
    new = sorted(found - known.keys() - told)
    gone = sorted(key for key in known if not path_of(key).exists())
    unwanted = sorted(key for key in known if key not in gone and key not in found and is_under(key, ignored))
    if refused:
        reasons = ", ".join(
            f"{count} × {reason}" for reason, count in Counter(one.reason for one in refused).most_common(_NAMED)
        )
        paths = sorted({one.path for one in refused})
        yield Finding(
            "refused files",
            "wrong",
            f"not in the catalog as they stand on disk: {_named(paths)} ({reasons}): mend them, or name them in a "
            ".lockstepignore, and ingest again; `lockstep documents failed` gives each reason",
        )
    if new:
        yield Finding("new files", "note", f"on disk and not in the catalog: {_named(new)}: run `lockstep ingest`")
    if gone:
        yield Finding(
            "gone files",
            "note",
            f"in the catalog and no longer on disk: {_named(gone)}: ingest their folder with --prune, or "
            "`lockstep documents rm` them",
        )
    if unwanted:
        yield Finding(
            "ignored files", "note", f"in the catalog, and ignored by now: {_named(unwanted)}: ingest with --prune"
        )
    if not (refused or new or gone or unwanted):
        yield Finding(
            "documents", "ok", f"{len(known)} files are on disk as in the catalog, none is missing or refused"
        )


def check_index(catalog: "Catalog", index: "Index") -> Finding:
    """Whether an index holds the chunks of the catalog."""
    synced, head = catalog.synced(index.name), catalog.head()
    if synced < head:
        return Finding("index", "note", f"follows up to change {synced} of {head}: the next search brings it up")
    held = set(index.ids())
    wanted = {stored.id for stored in catalog.live_chunks()}
    if held == wanted:
        return Finding("index", "ok", f"{len(held)} chunks, as in the catalog")
    return Finding(
        "index",
        "wrong",
        f"lacks {len(wanted - held)} chunks of the catalog and holds {len(held - wanted)} that are gone: remove "
        f"{index.name} below .lockstep/index and run `lockstep ingest`, which makes it anew from the catalog",
    )


def _named(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return ", ".join(paths[:_NAMED]) + more
