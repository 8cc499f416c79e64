"""Write transactions on the catalog's database, with its refusals told in words."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from retrieval.errors import StorageError


class WriteTransaction:
    """A transaction that takes the write lock at its start, and tells the disk's refusals in words."""

    def __init__(self, engine: sa.Engine, path: Path) -> None:
        self._engine, self._path = engine, path

    def __enter__(self) -> sa.Connection:
        self._connection = self._engine.connect()
        try:
            # Without IMMEDIATE two writers that both read first would deadlock instead of waiting.
            self._connection.exec_driver_sql("BEGIN IMMEDIATE")
        except sa.exc.DatabaseError as error:
            self._connection.close()
            raise storage_error(self._path, error) from error
        return self._connection

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        try:
            if error is None:
                self._connection.commit()
            else:
                self._connection.rollback()
        except sa.exc.DatabaseError as failure:
            raise storage_error(self._path, failure) from failure
        finally:
            self._connection.close()
        if isinstance(error, sa.exc.OperationalError):
            raise storage_error(self._path, error) from error


def storage_error(path: Path, error: sa.exc.DatabaseError) -> StorageError:
    """What the database refused, and what to do about it."""
    reason = str(error.orig)
    if "full" in reason:
        advice = "make room on the disk and run the command again; nothing that was acknowledged is lost"
    elif "locked" in reason:
        advice = "another process has been writing for over a minute; wait for it and run the command again"
    elif "readonly" in reason or "unable to open" in reason:
        advice = "check the owner and the permissions of the directory"
    else:
        advice = "restore the file from a backup, or move it away and ingest the documents again"
    return StorageError(f"the catalog {path} refused ({reason}): {advice}")
