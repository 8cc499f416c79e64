"""Files that are there whole or not at all: atomic publication, checksums, exclusive locks."""

import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from retrieval.errors import Busy, StorageError

_ESCAPED = re.compile(rb"\\x([89a-f][0-9a-f])")


def sha256(path: Path) -> str:
    """sha256 of a file's bytes, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def tree_sha256(root: Path) -> dict[str, str]:
    """Relative POSIX path to sha256, for every regular file below ``root``, sorted by path."""
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): sha256(path) for path in files}


def printable(name: str) -> str:
    """A file name as text that every store takes (names on Linux are bytes)."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def path_key(path: str) -> str:
    """A path as text that every store takes, and that still tells it from every other path."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def path_of(key: str) -> Path:
    """The path that :func:`path_key` was given."""
    if "\\x" not in key:
        return Path(key)
    path = Path(os.fsdecode(_ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), key.encode())))
    return path if path.exists() else Path(key)


def fsync_directory(path: Path) -> None:
    """Make renames inside a directory durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def publish_bytes(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Write a file so that a crash leaves the old content or the new one, never a part.

    Args:
        mode: its permissions, such as 0o600; None leaves them to the process.

    Raises:
        StorageError: the disk is full or the place cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                if mode is not None:
                    os.fchmod(file.fileno(), mode)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        fsync_directory(path.parent)


def publish_json(path: Path, value: Any, *, mode: int | None = None) -> None:
    """:func:`publish_bytes` of a JSON value, indented, keys in the order given."""
    publish_bytes(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode(), mode=mode)


def publish_rows(path: Path, rows: Iterable[Any]) -> None:
    """:func:`publish_bytes` of JSON values, one a line; lone surrogates stay what they are."""
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
    publish_bytes(path, "".join(lines).encode("utf-8", "surrogatepass"))


def published_rows(path: Path) -> Iterator[Any]:
    """What :func:`publish_rows` wrote. Not ``splitlines``: a text may hold other ends of lines, such as U+2028."""
    text = path.read_bytes().decode("utf-8", "surrogatepass")
    return map(json.loads, filter(None, text.split("\n")))


def publish_directory(temporary: Path, final: Path) -> None:
    """Move a finished directory to its final name, durably: every file synced, then the rename.

    Raises:
        StorageError: ``final`` exists already, or the disk refused.
    """
    if final.exists():
        raise StorageError(f"found {final} already there, expected a new directory; remove it or choose another id")
    with storage_errors(final):
        for path in temporary.rglob("*"):
            if path.is_file():
                with path.open("rb") as file:
                    os.fsync(file.fileno())
            else:
                fsync_directory(path)
        fsync_directory(temporary)
        temporary.rename(final)
        fsync_directory(final.parent)


@contextmanager
def new_directory(final: Path) -> Iterator[Path]:
    """A directory for the body to fill; at the end it gets its final name (:func:`publish_directory`).

    What the body leaves behind when it fails is removed, what a crash left at the next try.

    Raises:
        StorageError: ``final`` exists already, or the disk refused.
    """
    temporary = final.with_name(f".{final.name}.new")
    with storage_errors(final):
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        try:
            yield temporary
            publish_directory(temporary, final)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals at ``path`` into a :class:`StorageError` that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            parent = next(p for p in (path, *path.parents) if p.exists())
            free = shutil.disk_usage(parent).free
            raise StorageError(
                f"the disk is full while writing {path} ({free / 2**20:.0f} MiB free): make room and run the command "
                "again; nothing that was acknowledged is lost"
            ) from error
        if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
            raise StorageError(f"cannot write {path} ({error.strerror}): check its owner and permissions") from error
        raise


@contextmanager
def exclusive(path: Path, what: str) -> Iterator[None]:
    """Hold an exclusive lock for the body; the kernel releases it when the process ends, however it ends.

    Args:
        what: what the holder does, in words, for the other process's error message.

    Raises:
        Busy: another process holds the lock.
    """
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise Busy(
                f"found {path.name} held by another process ({holder}), expected it free to {what}: "
                "wait for that process, or stop it, and run this again"
            ) from error
        file.truncate(0)
        file.write(f"pid {os.getpid()}: {what}")
        file.flush()
        yield
