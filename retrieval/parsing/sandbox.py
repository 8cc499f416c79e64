"""Parses files in a few limited child processes, so that no file can hang, swell or crash the one that asks.

A child is started at the first file, kept for the next ones, and replaced after it died, was killed or has grown.
The files of one call are read ahead, while the caller works on the one before.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from retrieval.documents import Document, Heading
from retrieval.errors import DocumentWarning, InputError, NoText
from retrieval.parsing.worker import FRAME

Parsed = Document | InputError | DocumentWarning
"""What a file gives: documents, rows that are none, and what to tell about them."""
_ROOT = Path(__file__).resolve().parents[2]
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]); from retrieval.parsing.worker import main; "
    "main(*map(int, sys.argv[2:]))"
)
_AHEAD = 4
"""Files given to a child before their turn. So many names fit the pipe, so that giving never waits."""
_MAX_JSON = 64 << 20
_PATIENCE = 3
"""How many times its processor time a file may take by the clock, on a machine that has other work."""


@dataclass(frozen=True)
class Task:
    """A file to parse."""

    form: str
    """A key of the worker's table of formats."""
    path: Path
    id: str
    title: str
    """Of a document that names none itself."""
    seconds: int
    """Of processor time."""
    encoding: str | None = None
    """Of text that does not say it; None to guess."""


@dataclass(frozen=True)
class _End:
    """Nothing more comes of this file."""

    error: InputError | None
    """Why it as a whole cannot be used."""


class _Begin:
    """The child has begun with this file."""


class ParserPool:
    """Limited child processes that parse files, in the order given. Not for use by several threads.

    Args:
        memory: bytes of address space of a child.
        max_bytes: of one file.
        max_characters: of one document's text.
    """

    def __init__(
        self, *, memory: int = 2 << 30, max_bytes: int = 64 << 20, max_characters: int = 64 << 20, children: int = 2
    ) -> None:
        self._children = [_Child(memory, max_bytes, max_characters) for _ in range(children)]
        self._watch: threading.Thread | None = None
        self._closed = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pids(self) -> list[int]:
        """The process ids of the children that there are."""
        return [child.process.pid for child in self._children if child.process is not None]

    def parse(self, tasks: Iterable[Task | InputError]) -> Iterator[Iterator[Parsed]]:
        """For each task, in order, what its file gives; what is left of it when the next is asked for is dropped.

        An inner iterator raises :class:`InputError` where the file as a whole cannot be used, its child reached
        a limit or died over it, or such an error stood in the task's place.
        """
        upcoming = iter(tasks)
        ahead: deque[Iterator[Parsed]] = deque()
        try:
            while True:
                while len(ahead) < _AHEAD * len(self._children) and (task := next(upcoming, None)) is not None:
                    if isinstance(task, InputError):
                        ahead.append(_raising(task))
                        continue
                    self._guard()
                    child = min(self._children, key=lambda child: len(child.given))
                    child.give(task)
                    ahead.append(child.take())
                if not ahead:
                    return
                items = ahead.popleft()
                yield items
                with suppress(InputError):  # of a file that the caller did not read to its end
                    deque(items, maxlen=0)
        finally:
            if any(child.given for child in self._children):
                self._end()  # the caller left: nobody waits for these

    def close(self) -> None:
        """End the children. A later :meth:`parse` starts others."""
        self._end()
        self._closed.set()
        if self._watch is not None:
            self._watch.join()
            self._watch = None

    def _end(self) -> None:
        for child in self._children:
            child.given.clear()
            child.end()

    def _guard(self) -> None:
        """One thread ends children that neither compute (the kernel ends those) nor answer."""
        if self._watch is not None:
            return
        self._closed.clear()
        self._watch = threading.Thread(target=self._end_late_ones, daemon=True)
        self._watch.start()

    def _end_late_ones(self) -> None:
        while not self._closed.wait(0.25):
            for child in self._children:
                child.end_if_late(time.monotonic())


class _Child:
    """One child process, with the files that it was given and has not finished."""

    def __init__(self, memory: int, max_bytes: int, max_characters: int) -> None:
        self._memory = memory
        self._max_characters = max_characters
        self._arguments = [str(limit) for limit in (memory, max_bytes, max_characters)]
        self.process: subprocess.Popen[bytes] | None = None
        self.given: deque[Task] = deque()
        self._between = False  # it has finished a file and not begun another
        self._deadline = float("inf")
        self._late = False

    def give(self, task: Task) -> None:
        """Queue a file; the child begins with it once it has finished those before."""
        self.given.append(task)
        if self.process is None:
            self._start()
        else:
            self._send(self.process, task)

    def take(self) -> Iterator[Parsed]:
        """What the first of the files given gives."""
        task = self.given[0]
        reply = self._reply(task)
        if reply is None and self._between:
            # It had grown and left, or was ended from outside: this file is not to blame.
            self.end()
            self._start()
            reply = self._reply(task)
        while reply is not None and not isinstance(reply, _End):
            self._between = False
            if not isinstance(reply, _Begin):
                yield reply
            reply = self._reply(task)
        self.given.popleft()
        if reply is None:
            error: InputError | None = InputError(self._why(task, self.end()))
            if self.given:
                self._start()
        else:
            self._between = True
            error = reply.error
        if error is not None:
            raise error

    def end(self) -> int | None:
        """End the process, if there is one; its exit status."""
        process, self.process = self.process, None
        self._between = False
        if process is None:
            return None
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):  # bytes that the dead child did not read
                    pipe.close()
        return process.returncode

    def end_if_late(self, now: float) -> None:
        """Kill the process where it has been waited for too long; whoever waits finds it dead."""
        process = self.process
        if process is not None and now > self._deadline:
            self._late = True
            process.kill()

    def _start(self) -> None:
        # Isolated mode and an empty environment: nothing of the user's reaches a parser of untrusted files.
        # (The arguments are constants and numbers; the standard error of the libraries is noise.)
        self._late = False
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-c", _BOOT, str(_ROOT), *self._arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"LC_ALL": "C.UTF-8"},
            start_new_session=True,
        )
        for task in self.given:
            self._send(self.process, task)

    def _send(self, process: subprocess.Popen[bytes], task: Task) -> None:
        assert process.stdin is not None
        request = {
            "form": task.form,
            "path": os.path.abspath(task.path),
            "id": task.id,
            "title": task.title,
            "seconds": task.seconds,
            "encoding": task.encoding,
        }
        # Names on Linux are bytes: those that are no UTF-8 travel as they are.
        line = json.dumps(request, ensure_ascii=False).encode("utf-8", "surrogateescape")
        with suppress(BrokenPipeError):  # it is dead, which shows when its reply is read
            process.stdin.write(line + b"\n")
            process.stdin.flush()

    def _reply(self, task: Task) -> Parsed | _Begin | _End | None:
        """The next reply, or None if the child is dead or talks nonsense."""
        if self.process is None or self.process.stdout is None:
            return None
        stream = self.process.stdout
        self._deadline = time.monotonic() + _PATIENCE * task.seconds
        try:
            prefix = stream.read(FRAME.size)
            if len(prefix) < FRAME.size:
                return None
            header_size, text_size = FRAME.unpack(prefix)
            if header_size > _MAX_JSON or text_size > 4 * self._max_characters:
                return None
            header = stream.read(header_size)
            text = stream.read(text_size)
            return _decoded(json.loads(header), str(text, "utf-8")) if len(text) == text_size else None
        except (ValueError, TypeError, KeyError):
            return None
        finally:
            self._deadline = float("inf")

    def _why(self, task: Task, status: int | None) -> str:
        if self._late or status == -signal.SIGXCPU:
            return f"found a file that takes longer than {task.seconds} s to parse, expected less: split or re-save it"
        return (
            f"found a file over which its parser died (status {status}; it may use {self._memory >> 20} MiB), "
            "expected an ordinary document: split it, or save it again in its program"
        )


def _decoded(header: dict[str, Any], text: str) -> Parsed | _Begin | _End:
    kind = header["kind"]
    if kind == "document":
        headings = tuple(Heading(level, name, start) for level, name, start in header["headings"])
        return Document(header["id"], text, header["title"], headings, header["metadata"])
    if kind == "fault":
        return InputError(text)
    if kind == "warning":
        return DocumentWarning(text)
    if kind == "begin":
        return _Begin()
    return _End((NoText if header["textless"] else InputError)(text) if text else None)


def _raising(error: InputError) -> Iterator[Parsed]:
    yield from ()
    raise error
