"""Parses formats whose libraries can be made to hang, swell or crash in a child process with limits.

The child is started at the first file, kept for the next ones, and replaced after it died or was killed.
"""

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from retrieval.documents import Document, Heading
from retrieval.errors import InputError

KINDS = frozenset(["pdf", "docx", "html"])
_ROOT = Path(__file__).resolve().parents[2]
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]); from retrieval.parsing.worker import main; "
    "main(int(sys.argv[2]), int(sys.argv[3]))"
)


class BinaryParser:
    """A limited child process that turns the bytes of a file into a document. Not for use by several threads.

    Args:
        memory: bytes of address space of the child.
        seconds: of processor time and of waiting, for one file.
        max_characters: of one document's text.
    """

    def __init__(self, *, memory: int = 2 << 30, seconds: int = 60, max_characters: int = 64 << 20) -> None:
        self._memory = memory
        self._seconds = seconds
        self._max_characters = max_characters
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The child's process id, while there is one."""
        return self._child.pid if self._child is not None else None

    def parse(self, kind: str, document_id: str, data: bytes) -> Document:
        """The document that ``data`` holds.

        Args:
            kind: one of :data:`KINDS`.

        Raises:
            InputError: the content cannot be read, or the child reached a limit or died over it.
        """
        if kind not in KINDS:
            raise ValueError(f"kind is {kind!r}, expected one of {sorted(KINDS)}")
        if self._child is not None and self._child.poll() is not None:
            self.close()  # it died since the last file: this one is not to blame
        child = self._child = self._child or self._start()
        late = threading.Event()

        def kill() -> None:
            late.set()
            child.kill()

        timer = threading.Timer(self._seconds, kill)
        timer.daemon = True
        timer.start()
        try:
            reply = self._exchange(child, kind, document_id, data)
        except BaseException:
            self.close()  # an interrupted exchange leaves the pipe in an unknown state
            raise
        finally:
            timer.cancel()
        if reply is None or late.is_set():
            self.close()
            raise InputError(self._why(child.returncode, late.is_set()))
        if "error" in reply:
            raise InputError(reply["error"])
        return Document(
            id=document_id,
            text=reply["text"],
            title=reply["title"],
            headings=tuple(Heading(level, text, start) for level, text, start in reply["headings"]),
            metadata=reply["metadata"],
        )

    def close(self) -> None:
        """End the child. A later :meth:`parse` starts another."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue  # bytes that the dead child did not read

    def _start(self) -> subprocess.Popen[bytes]:
        # Isolated mode and an empty environment: nothing of the user's reaches a parser of untrusted files.
        # (The arguments are constants and numbers; the standard error of the libraries is noise.)
        command = [sys.executable, "-I", "-c", _BOOT, str(_ROOT), str(self._memory), str(self._seconds)]
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"LC_ALL": "C.UTF-8"},
            start_new_session=True,
        )

    def _exchange(
        self, child: subprocess.Popen[bytes], kind: str, document_id: str, data: bytes
    ) -> dict[str, Any] | None:
        """The child's reply, or None if it died."""
        assert child.stdin is not None
        assert child.stdout is not None
        request = {"kind": kind, "id": document_id, "bytes": len(data), "max_characters": self._max_characters}
        header = json.dumps(request).encode()
        try:
            child.stdin.write(len(header).to_bytes(8, "big") + header)
            child.stdin.write(data)
            child.stdin.flush()
        except BrokenPipeError:
            return None
        length = _read(child.stdout, 8)
        if length is None:
            return None
        # Every character takes at most 12 bytes of JSON; more than that is not an answer of ours.
        size = int.from_bytes(length, "big")
        body = _read(child.stdout, size) if size <= 12 * self._max_characters + (64 << 20) else None
        reply: dict[str, Any] | None = json.loads(body) if body is not None else None
        return reply

    def _why(self, status: int | None, late: bool) -> str:
        if late or status == -signal.SIGXCPU:
            return f"found a file that takes longer than {self._seconds} s to parse, expected less: split or re-save it"
        return (
            f"found a file over which its parser died (status {status}; it may use {self._memory >> 20} MiB), "
            "expected an ordinary document: split it, or save it again in its program"
        )


def _read(stream: IO[bytes], size: int) -> bytes | None:
    data = stream.read(size)
    return data if len(data) == size else None
