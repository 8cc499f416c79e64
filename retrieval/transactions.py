"""Write transactions on the catalog's database, and its refusals told in words, whoever meets them."""

import sqlite3
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from retrieval.errors import StorageError


class WriteTransaction:
    """A transaction that takes the write lock at its start."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def __enter__(self) -> sa.Connection:
        self._connection = self._engine.connect()
        try:
            # Without IMMEDIATE two writers that both read first would deadlock instead of waiting.
            self._connection.exec_driver_sql("BEGIN IMMEDIATE")
        except BaseException:
            self._connection.close()
            raise
        return self._connection

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        try:
            if error is None:
                self._connection.commit()
            else:
                self._connection.rollback()
        finally:
            self._connection.close()


def tell_refusals(engine: sa.Engine, path: Path) -> None:
    """Raise what the database in ``path`` refuses as a :class:`StorageError`, in reads, writes and when opening."""

    def told(context: sa.ExceptionContext) -> None:
        error = context.original_exception
        # Their subclasses are mistakes of the statement, which are bugs.
        if type(error) in (sqlite3.DatabaseError, sqlite3.OperationalError):
            raise _storage_error(path, str(error)) from error

    sa.event.listen(engine, "handle_error", told)


def _storage_error(path: Path, reason: str) -> StorageError:
    """What the database refused, and what to do about it."""
    if "full" in reason:
        advice = "make room on the disk and run the command again; nothing that was acknowledged is lost"
    elif "locked" in reason:
        advice = "another process has been writing for over a minute; wait for it and run the command again"
    elif "readonly" in reason or "unable to open" in reason:
        advice = "check the owner and the permissions of the directory"
    elif "malformed" in reason or "not a database" in reason or "no such" in reason:
        return StorageError(
            f"the catalog {path} is damaged ({reason}): restore it from a backup, or move it away with its -wal and "
            "-shm files and ingest the documents again"
        )
    else:
        advice = "check the disk, and restore the file from a backup if it stays so"
    return StorageError(f"the catalog {path} refused ({reason}): {advice}")
