"""A run: one execution of retraining, in stages, each finished at most once.

Every stage writes its results into the run's directory and then, as its last act, its mark.
After a crash the finished stages are skipped and the first unfinished one starts again.
"""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from retrieval.errors import NotFound
from retrieval.files import publish_json
from retrieval.workspace import Workspace


class Run:
    """The directory of a run: ``run.json`` (what was asked), ``stages/``, ``events.jsonl`` and results."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.id = directory.name
        self._events = directory / "events.jsonl"
        self.listeners: list[Callable[[dict[str, Any]], None]] = []
        """Each is called with every event, in the thread where it happens."""

    @property
    def request(self) -> dict[str, Any]:
        """What the run was started with."""
        request: dict[str, Any] = json.loads((self.directory / "run.json").read_bytes())
        return request

    def stage(self, name: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The result of a stage, from its mark if it has finished before."""
        if self.finished(name):
            return self.result(name)
        started = time.monotonic()
        self.event({"stage": name, "state": "started"})
        result = work()
        publish_json(self._mark(name), result)
        self.event({"stage": name, "state": "finished", "seconds": round(time.monotonic() - started, 2)})
        return result

    def result(self, name: str) -> dict[str, Any]:
        """The result of a stage that has finished."""
        result: dict[str, Any] = json.loads(self._mark(name).read_bytes())
        return result

    def finished(self, name: str) -> bool:
        """Whether a stage has finished."""
        return self._mark(name).is_file()

    def _mark(self, name: str) -> Path:
        return self.directory / "stages" / f"{name}.json"

    def event(self, fields: dict[str, Any]) -> None:
        """Append to the run's events; a line that a crash cut off is ignored when they are read."""
        event = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), **fields}
        with self._events.open("a") as file:
            file.write(json.dumps(event) + "\n")
        for tell in self.listeners:
            tell(event)

    def events(self) -> Iterator[dict[str, Any]]:
        """The events so far, oldest first."""
        if not self._events.is_file():
            return
        for line in self._events.read_text(errors="replace").splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                continue

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Sample memory and utilisation of GPU and CPU into the events while the body runs."""
        from retrieval.hardware import Sampler

        with Sampler(lambda sample: self.event({"stage": "hardware", **sample})):
            yield


def start_run(workspace: Workspace, request: dict[str, Any]) -> Run:
    """A new run."""
    name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    directory = workspace.runs / name
    publish_json(directory / "run.json", request)
    return Run(directory)


def unfinished_run(workspace: Workspace) -> Run:
    """The newest run that has not come to its end.

    Raises:
        NotFound: every run has.
    """
    for directory in sorted(workspace.runs.glob("*/"), reverse=True):
        run = Run(directory)
        if (directory / "run.json").is_file() and not run.finished(LAST_STAGE):
            return run
    raise NotFound("found no unfinished run to resume, expected one: start a new one without --resume")


LAST_STAGE = "promote"
