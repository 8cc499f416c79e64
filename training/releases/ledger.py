"""Which releases exist, which one is active, and which were active before: tables in the catalog's database.

Activation is one row in one transaction, so a crash leaves exactly the old or exactly the new
release active. What must follow it outside the database (a server's alias) is repeated until the
row says that it is settled.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import sqlalchemy as sa

from retrieval.catalog import Catalog
from retrieval.errors import NotFound, Refused

Kind = Literal["initial", "promote", "rollback"]

metadata = sa.MetaData()
releases = sa.Table(
    "releases",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("number", sa.Integer, nullable=False, unique=True),
    sa.Column("manifest_sha256", sa.String, nullable=False),
    sa.Column("created_at", sa.DateTime, server_default=sa.func.current_timestamp(), nullable=False),
)
activations = sa.Table(
    "activations",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("release", sa.String, sa.ForeignKey("releases.id"), nullable=False),
    sa.Column("previous", sa.String, sa.ForeignKey("releases.id")),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("settled", sa.Boolean, nullable=False, default=False),
    sa.Column("at", sa.DateTime, server_default=sa.func.current_timestamp(), nullable=False),
    sqlite_autoincrement=True,
)


@dataclass(frozen=True)
class Entry:
    """A release as the ledger knows it."""

    id: str
    number: int
    manifest_sha256: str
    created_at: datetime


class Ledger:
    """The releases of a catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        with catalog.writing() as connection:
            metadata.create_all(connection)

    def entries(self) -> list[Entry]:
        """Every release, oldest first."""
        with self._catalog.engine.connect() as connection:
            return [Entry(*row) for row in connection.execute(sa.select(releases).order_by(releases.c.number))]

    def entry(self, release: str) -> Entry:
        """One release; a unique beginning of its id is enough.

        Raises:
            NotFound: no release, or several, begin so.
        """
        matches = [entry for entry in self.entries() if entry.id.startswith(release)]
        if len(matches) != 1:
            known = ", ".join(entry.id for entry in self.entries()) or "none yet"
            found = "no release" if not matches else f"{len(matches)} releases"
            raise NotFound(f"found {found} for {release!r}, expected one of: {known}")
        return matches[0]

    def add(self, release: str, number: int, manifest_sha256: str) -> None:
        """Make a published release directory known."""
        with self._catalog.writing() as connection:
            connection.execute(releases.insert().values(id=release, number=number, manifest_sha256=manifest_sha256))

    def active(self) -> str | None:
        """Id of the active release; None before the first."""
        query = sa.select(activations.c.release).order_by(activations.c.seq.desc()).limit(1)
        with self._catalog.engine.connect() as connection:
            return connection.execute(query).scalar_one_or_none()

    def activate(self, release: str, kind: Kind) -> None:
        """Make a release the active one; durable when this returns."""
        with self._catalog.writing() as connection:
            last = sa.select(activations.c.release).order_by(activations.c.seq.desc()).limit(1)
            previous = connection.execute(last).scalar_one_or_none()
            connection.execute(
                activations.insert().values(release=release, previous=previous, kind=kind, settled=False)
            )

    def unsettled(self) -> str | None:
        """The active release, if what must follow its activation is not known to be done."""
        query = sa.select(activations.c.release, activations.c.settled).order_by(activations.c.seq.desc()).limit(1)
        with self._catalog.engine.connect() as connection:
            row = connection.execute(query).one_or_none()
            return None if row is None or row.settled else row.release

    def settle(self, release: str) -> None:
        """Record that everything that follows the activation of the active release is done."""
        with self._catalog.writing() as connection:
            last = sa.select(sa.func.max(activations.c.seq)).scalar_subquery()
            match = sa.and_(activations.c.seq == last, activations.c.release == release)
            connection.execute(activations.update().where(match).values(settled=True))

    def before(self, release: str) -> str:
        """The release that was active before this one was promoted.

        Raises:
            Refused: there is none.
        """
        query = (
            sa.select(activations.c.previous)
            .where(activations.c.release == release, activations.c.kind != "rollback")
            .order_by(activations.c.seq.desc())
            .limit(1)
        )
        with self._catalog.engine.connect() as connection:
            previous = connection.execute(query).scalar_one_or_none()
        if previous is None:
            raise Refused(f"found no release before {release}, expected an earlier one to roll back to")
        return str(previous)
