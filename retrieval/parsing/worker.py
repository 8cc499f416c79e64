"""The child process of ``sandbox.py``: reads a file's bytes from stdin, writes its document to stdout.

It gets bytes, not paths, and after its imports neither needs nor gets the network, other programs or a
file to write. Messages both ways: a length of 8 bytes, big-endian, then JSON (and, to here, the file's bytes).
"""

import json
import resource
import sys
from typing import Any

from retrieval.documents import Document
from retrieval.errors import InputError

_FORBIDDEN = (
    "socket.__new__",
    "socket.connect",
    "socket.getaddrinfo",
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.posix_spawn",
    "os.spawn",
    "ctypes.dlopen",
)


def main(memory: int, seconds: int) -> None:
    """Serve until stdin closes."""
    _limit(memory)
    source, target = sys.stdin.buffer, sys.stdout.buffer
    while header := source.read(8):
        request = json.loads(source.read(int.from_bytes(header, "big")))
        data = source.read(request["bytes"])
        _limit_processor(seconds)
        reply = json.dumps(_answer(request, data)).encode()
        del data
        target.write(len(reply).to_bytes(8, "big") + reply)
        target.flush()


def _answer(request: dict[str, Any], data: bytes) -> dict[str, Any]:
    try:
        document = _parse(request["kind"], request["id"], data, request["max_characters"])
    except InputError as error:
        return {"error": str(error)}
    except RecursionError:
        return {"error": "found objects nested too deeply, expected an ordinary document: save or export it again"}
    headings = [[heading.level, heading.text, heading.start] for heading in document.headings]
    return {
        "text": document.text,
        "title": document.title,
        "headings": headings,
        "metadata": dict(document.metadata),
    }


def _parse(kind: str, document_id: str, data: bytes, max_characters: int) -> Document:
    if kind == "pdf":
        from retrieval.parsing.pdf import parse_pdf

        return parse_pdf(document_id, data, max_characters=max_characters)
    if kind == "docx":
        from retrieval.parsing.docx import parse_docx

        return parse_docx(document_id, data, max_characters=max_characters)
    from retrieval.parsing.html import parse_html

    return parse_html(document_id, data, max_characters=max_characters)


def _limit(memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    if sys.platform == "linux":  # macOS refuses it; the processor and wall limits hold there too
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    sys.dont_write_bytecode = True
    import pypdfium2  # noqa: F401  # it opens its library through ctypes, which is forbidden from here on

    sys.addaudithook(_forbid)


def _forbid(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _FORBIDDEN:
        raise PermissionError(f"a document's parser must not use {event}")


def _limit_processor(seconds: int) -> None:
    """The kernel kills this process once it has used so many more seconds."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + seconds + 1, hard))
