"""What the catalog remembers of folders and of files beside their documents: when asked, everything can be counted."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import sqlalchemy as sa

from retrieval.catalog import Catalog
from retrieval.catalog_tables import folders, outcomes
from retrieval.files import path_key, path_of
from retrieval.outcomes import Kind, Outcome
from retrieval.patterns import Selection

_COLUMNS = (outcomes.c.path, outcomes.c.kind, outcomes.c.reason, outcomes.c.detail, outcomes.c.document_id)
_OF_A_WALK: tuple[Kind, ...] = ("refused", "skipped")
"""Found out anew by every ingest; a warning is as old as the document that it is about."""


class FileRecords:
    """The records of a catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def outcomes(self, *kinds: Kind, document_id: str | None = None) -> list[Outcome]:
        """What is to be told of files, by path.

        Args:
            kinds: only these (default: all).
            document_id: only what is about this document.
        """
        query = sa.select(*_COLUMNS).order_by(outcomes.c.path, outcomes.c.id)
        if kinds:
            query = query.where(outcomes.c.kind.in_(kinds))
        if document_id is not None:
            query = query.where(outcomes.c.document_id == document_id)
        with self._catalog.engine.connect() as connection:
            return [Outcome(*row) for row in connection.execute(query)]

    def settle(self, roots: Sequence[str], found: Iterable[Outcome]) -> None:
        """Let what an ingest refused and passed over under the roots be what is remembered of them.

        Args:
            roots: keys of the paths that were given.
            found: of kinds "refused" and "skipped".
        """
        wanted = set(found)
        known = {one for one in self.outcomes(*_OF_A_WALK) if is_under(one.path, roots)}
        if wanted == known:
            return
        with self._catalog.writing() as connection:
            for one in known - wanted:
                match = [column == value for column, value in zip(_COLUMNS[:4], asdict(one).values(), strict=False)]
                connection.execute(outcomes.delete().where(*match))
            if fresh := sorted(wanted - known, key=lambda one: (one.path, one.detail)):
                connection.execute(outcomes.insert(), [asdict(one) for one in fresh])

    def remember_folders(self, paths: Sequence[Path], selection: Selection) -> None:
        """Keep which folders were ingested, and with which patterns; `doctor` looks at them again."""
        known = self.folders()
        wanted = {path.resolve(): selection for path in paths if path.is_dir()}
        fresh = {path: chosen for path, chosen in wanted.items() if known.get(path) != chosen}
        if not fresh:
            return
        with self._catalog.writing() as connection:
            for path, chosen in fresh.items():
                key = path_key(str(path))
                connection.execute(folders.delete().where(folders.c.path == key))
                connection.execute(
                    folders.insert().values(path=key, include=list(chosen.include), exclude=list(chosen.exclude))
                )

    def folders(self) -> dict[Path, Selection]:
        """The folders that were ingested, each with the patterns of the last time."""
        with self._catalog.engine.connect() as connection:
            return {
                path_of(row.path): Selection(tuple(row.include), tuple(row.exclude))
                for row in connection.execute(sa.select(folders).order_by(folders.c.path))
            }

    def forget(self, root: str) -> None:
        """Drop what is remembered of a folder and of everything in it, but for warnings about documents."""
        with self._catalog.writing() as connection:
            for path in connection.scalars(sa.select(folders.c.path)).all():
                if is_under(path, [root]):
                    connection.execute(folders.delete().where(folders.c.path == path))
            for path in connection.scalars(sa.select(outcomes.c.path).distinct()).all():
                if is_under(path, [root]):
                    match = sa.and_(outcomes.c.path == path, outcomes.c.kind.in_(_OF_A_WALK))
                    connection.execute(outcomes.delete().where(match))


def is_under(key: str, roots: Iterable[str]) -> bool:
    """Whether a path is one of the roots or lies below one; keys throughout."""
    return any(key == root or key.startswith(root.rstrip("/") + "/") for root in roots)
