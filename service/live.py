"""The release that answers now: follows the ledger and the catalog while requests go on.

A request takes a lease on one loaded release and keeps it to its end, so embedder, collection,
generator, prompt and thresholds of a request never mix. Knows nothing about HTTP.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from retrieval.catalog import Catalog
from retrieval.errors import Busy, LockstepError, NotFound, StorageError
from retrieval.index.base import Index
from retrieval.index.open import index_name
from retrieval.progress import Progress
from retrieval.settings import IndexSettings
from retrieval.sync import sync
from retrieval.workspace import Workspace
from training.releases.ledger import Ledger
from training.releases.release import Release, read_release
from training.releases.runtime import open_generator, open_runtime

if TYPE_CHECKING:
    from training.releases.runtime import Runtime

logger = logging.getLogger("lockstep.live")

RETRY_SECONDS = 5.0
"""How long to wait before a release that could not be loaded is tried again: checking its files costs."""


class Source(Protocol):
    """Where releases come from."""

    def active(self) -> str | None:
        """Id of the release that should answer."""

    def head(self) -> int:
        """Number of the last change of the documents."""

    def synced(self, collection: str) -> int:
        """The change up to which a collection has followed."""

    def read(self, release: str) -> Release:
        """A release, its files checked."""

    def load(self, release: Release, index: Index | None) -> "Runtime":
        """Load a release completely, its generator started. ``index``: its collection, if it is open already."""

    def follow(self, runtime: "Runtime", progress: Progress) -> int:
        """Bring the runtime's collection up to the documents; the number of chunks added."""


class WorkspaceSource:
    """The releases of a workspace."""

    def __init__(self, workspace: Workspace, catalog: Catalog, ledger: Ledger, settings: IndexSettings) -> None:
        self._workspace, self._catalog, self._ledger, self._settings = workspace, catalog, ledger, settings
        self.active, self.head = ledger.active, catalog.head

    def synced(self, collection: str) -> int:
        """The change up to which a collection has followed."""
        return self._catalog.synced(index_name(self._settings, collection))

    def read(self, release: str) -> Release:
        """A release, its files checked."""
        return read_release(self._workspace, self._ledger, release)

    def load(self, release: Release, index: Index | None) -> "Runtime":
        """Load weights and start the generator; nothing is left open if that fails."""
        runtime = open_runtime(
            self._workspace, self._catalog, release, self._settings, index=index, with_generator=False
        )
        try:
            runtime.embedder.load()
            if runtime.reranker is not None:
                runtime.reranker.load()
            runtime.generator = open_generator(self._workspace, release)
            runtime.generator.start()
        except BaseException:
            runtime.close(keep_index=index is not None)
            raise
        return runtime

    def follow(self, runtime: "Runtime", progress: Progress) -> int:
        """Bring the runtime's collection up to the catalog."""
        return sync(self._catalog, runtime.index, runtime.embedder, progress=progress)


@dataclass(frozen=True)
class Status:
    """How far the service is."""

    release: str | None
    """The one that answers; None before it is loaded."""
    active: str | None
    """The one that should; they differ while it loads, or if it cannot be loaded."""
    synced: int
    head: int
    problem: str | None
    """Why the service does not follow, in words."""


@dataclass(eq=False)
class _Held:
    runtime: "Runtime"
    leases: int = 0


class Lease:
    """The right to use a runtime; close it when the request has ended, however it ends."""

    def __init__(self, held: _Held, end: Callable[[_Held], None]) -> None:
        self.runtime = held.runtime
        self._held: _Held | None = held
        self._end = end

    def close(self) -> None:
        """Give it back; safe to call twice."""
        held, self._held = self._held, None
        if held is not None:
            self._end(held)


class _Interrupted(Exception):
    """Following was cut short for something more urgent; it goes on in a later round."""


class Live:
    """Holds the release that answers; a thread follows the source.

    Args:
        poll_seconds: how often the thread looks.
        patience: how long the start waits for an index that another process holds.
    """

    def __init__(self, source: Source, *, poll_seconds: float = 0.3, patience: float = 5.0) -> None:
        self._source = source
        self._poll_seconds = poll_seconds
        self._patience = patience
        self._lock = threading.Lock()  # guards _current and the lease counts; never held while loading
        self._round = threading.Lock()  # one round at a time: all loading, following and closing
        self._current: _Held | None = None
        self._draining: list[_Held] = []
        self._problem: str | None = None
        self._failed: tuple[str, float] | None = None  # release, not before
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lockstep-live", daemon=True)

    # For requests

    def lease(self) -> Lease:
        """The release that answers now, for one request.

        Raises:
            StorageError: none is loaded.
        """
        with self._lock:
            if self._current is None:
                raise StorageError("found no release loaded, expected one: the service starts or stops; try again")
            self._current.leases += 1
            return Lease(self._current, self._give_back)

    @contextmanager
    def use(self) -> Iterator["Runtime"]:
        """The release that answers now, for the body."""
        lease = self.lease()
        try:
            yield lease.runtime
        finally:
            lease.close()

    def status(self) -> Status:
        """How far the service is."""
        with self._lock:
            current, problem = self._current, self._problem
        release = current.runtime.release if current else None
        return Status(
            release=release.id if release else None,
            active=self._source.active(),
            synced=self._source.synced(release.manifest.collection) if release else 0,
            head=self._source.head(),
            problem=problem,
        )

    # For the service

    def start(self) -> None:
        """Load the active release, then follow in a thread.

        Raises:
            NotFound: there is no release yet.
            LockstepError: it cannot be loaded.
        """
        deadline = time.monotonic() + self._patience
        while self._current is None and not self._stopping.is_set():
            active = self._source.active()
            if active is None:
                raise NotFound("found no release, expected one: run `lockstep ingest PATH`, which makes the first")
            try:
                with self._round:
                    self._swap(active)
            except Busy:
                if time.monotonic() >= deadline or self._stopping.wait(self._poll_seconds):
                    raise
        self._thread.start()

    def refresh(self) -> None:
        """Look at once instead of at the next poll. Returns before that has happened."""
        self._wake.set()

    def check(self) -> None:
        """One round: close what has drained, take over another release, follow the documents."""
        with self._round:
            self._close_drained()
            active = self._source.active()
            current = self._current
            if current is None or active is None:
                return
            is_current = True
            if active == current.runtime.release.id:
                self._failed = None
            else:
                is_current = self._try_swap(active)
            if self._current is not None:
                self._follow(self._current.runtime)
            if is_current:
                self._report(None)

    def close(self) -> None:
        """Stop following and close the releases; requests that still run are cut off."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        with self._round:
            with self._lock:
                held = [*self._draining, *([self._current] if self._current else [])]
                self._current, self._draining = None, []
            for one in held:
                one.leases = 0
            self._draining = held
            self._close_drained()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(self._poll_seconds)
            self._wake.clear()
            if self._stopping.is_set():
                return
            try:
                self.check()
            except LockstepError as error:
                self._report(str(error))
            except Exception as error:
                # Whatever it is, the release that is loaded goes on answering, and /readyz tells.
                if self._report(f"an unexpected {type(error).__name__}: {error}"):
                    logger.exception("following failed")

    def _try_swap(self, release: str) -> bool:
        """Whether the release answers now."""
        if self._failed is not None and self._failed[0] == release and time.monotonic() < self._failed[1]:
            return False
        try:
            self._swap(release)
            return True
        except Busy as error:
            # The process that promotes holds the collection for a moment longer.
            self._report(f"release {release} is not loaded yet: {error}", expected=True)
        except Exception as error:
            self._failed = (release, time.monotonic() + RETRY_SECONDS)
            answering = self._current.runtime.release.id if self._current else "none"
            reason = str(error) if isinstance(error, LockstepError) else f"{type(error).__name__}: {error}"
            told = self._report(f"release {release} cannot be loaded, {answering} goes on answering: {reason}")
            if told and not isinstance(error, LockstepError):
                logger.exception("loading release %s failed", release)
        return False

    def _swap(self, release: str) -> None:
        """Load a release completely, then let it answer."""
        read = self._source.read(release)
        index = self._open_index(read.manifest.collection)
        runtime = self._source.load(read, index)
        try:
            self._source.follow(runtime, self._stop_early)
        except BaseException as error:
            runtime.close(keep_index=index is not None)
            if isinstance(error, _Interrupted):
                return
            raise
        with self._lock:
            old, self._current = self._current, _Held(runtime)
            if old is not None:
                self._draining.append(old)
        self._failed = None
        self._report(None)
        logger.info("release %s answers now", release)
        self._close_drained()

    def _open_index(self, collection: str) -> Index | None:
        """The open index of a collection, held by the release that answers or by one that drains."""
        for held in [*([self._current] if self._current else []), *self._draining]:
            if held.runtime.release.manifest.collection == collection:
                return held.runtime.index
        return None

    def _follow(self, runtime: "Runtime") -> None:
        looked = time.monotonic()

        def interrupt(task: str, done: int, total: int | None) -> None:
            nonlocal looked
            self._stop_early(task, done, total)
            if time.monotonic() - looked > self._poll_seconds:
                looked = time.monotonic()
                if self._source.active() != runtime.release.id and self._failed is None:
                    raise _Interrupted  # a promotion must not wait for a large ingest

        try:
            added = self._source.follow(runtime, interrupt)
        except _Interrupted:
            return
        if added:
            logger.info("indexed %d new chunks", added)

    def _stop_early(self, task: str, done: int, total: int | None) -> None:
        if self._stopping.is_set():
            raise _Interrupted

    def _give_back(self, held: _Held) -> None:
        with self._lock:
            held.leases -= 1
            drained = held is not self._current and held.leases == 0
        if drained:
            self._wake.set()  # the thread closes it: stopping a generator must not hold up a request

    def _close_drained(self) -> None:
        with self._lock:
            drained = [held for held in self._draining if held.leases == 0]
            self._draining = [held for held in self._draining if held.leases > 0]
        for position, held in enumerate(drained):
            rest = [*self._draining, *drained[position + 1 :], *([self._current] if self._current else [])]
            shared = any(other.runtime.index is held.runtime.index for other in rest)
            held.runtime.close(keep_index=shared)
            logger.info("release %s is closed", held.runtime.release.id)

    def _report(self, problem: str | None, *, expected: bool = False) -> bool:
        """Keep the problem for /readyz, and log it once; whether it is new."""
        with self._lock:
            new = problem is not None and problem != self._problem
            self._problem = problem
        if new:
            logger.log(logging.INFO if expected else logging.ERROR, "%s", problem)
        return new
