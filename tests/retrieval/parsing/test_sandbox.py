"""The child process: limits, death and restart; and what the worker refuses."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from retrieval.errors import InputError
from retrieval.parsing import sandbox
from retrieval.parsing.sandbox import BinaryParser
from retrieval.parsing.worker import _answer

PAGE = b"<title>T</title><h1>Top</h1><p>text</p>"
HANG = "import sys; sys.stdin.buffer.read(8)\nwhile True: pass"


def test_the_child_is_started_once_and_reused() -> None:
    with BinaryParser() as parser:
        assert parser.pid is None
        document = parser.parse("html", "a.html", PAGE)
        first = parser.pid
        assert parser.parse("html", "b.html", PAGE).id == "b.html"
        assert parser.pid == first
    assert parser.pid is None
    assert (document.id, document.title, document.text) == ("a.html", "T", "Top\n\ntext")
    assert [(h.level, h.text, h.start) for h in document.headings] == [(1, "Top", 0)]


def test_a_refusal_leaves_the_child_alive() -> None:
    with BinaryParser() as parser:
        parser.parse("html", "a.html", PAGE)
        first = parser.pid
        for kind in ("pdf", "docx"):
            with pytest.raises(InputError, match="found"):
                parser.parse(kind, "a", b"words")
        assert parser.pid == first


def test_a_child_that_died_between_files_is_replaced() -> None:
    with BinaryParser() as parser:
        parser.parse("html", "a.html", PAGE)
        first = parser.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
        assert parser.parse("html", "a.html", PAGE).text == "Top\n\ntext"
        assert parser.pid != first


def test_a_file_that_takes_too_long_is_refused_and_the_next_one_read(monkeypatch: pytest.MonkeyPatch) -> None:
    with BinaryParser(seconds=1) as parser:
        with monkeypatch.context() as patch:
            patch.setattr(sandbox, "_BOOT", HANG)
            with pytest.raises(InputError, match="found a file that takes longer than 1 s to parse"):
                parser.parse("html", "a.html", PAGE)
        assert parser.pid is None
    with BinaryParser() as parser:
        assert parser.parse("html", "a.html", PAGE).text == "Top\n\ntext"


@pytest.mark.parametrize("boot", ["", "import os; os.abort()", "import sys; sys.stdout.buffer.write(b'\\x7f' * 8)"])
def test_a_child_that_dies_or_talks_nonsense_is_an_input_error(monkeypatch: pytest.MonkeyPatch, boot: str) -> None:
    monkeypatch.setattr(sandbox, "_BOOT", boot)
    with BinaryParser() as parser, pytest.raises(InputError, match="found a file over which its parser died"):
        parser.parse("html", "a.html", PAGE * 100_000)


def test_memory_is_limited() -> None:
    page = b"<p>" + b"word " * (8 << 20)
    with BinaryParser(memory=160 << 20) as parser:
        with pytest.raises(InputError, match=r"parser died .*160 MiB"):
            parser.parse("html", "a.html", page)
        assert parser.parse("html", "b.html", PAGE).text == "Top\n\ntext"


@pytest.mark.parametrize(
    "attempt",
    [
        "import socket; socket.socket()",
        "import subprocess; subprocess.run(['true'])",
        "import os; os.system('true')",
        "import os; os.fork()",
        "import ctypes; ctypes.CDLL(None)",
        "open('made', 'w').write('x' * 100000)",
    ],
)
def test_the_limited_process_reaches_neither_network_nor_programs_nor_disk(attempt: str, tmp_path: Path) -> None:
    code = f"from retrieval.parsing.worker import _limit; _limit(1 << 30)\n{attempt}"
    environment = {"PYTHONPATH": str(Path(sandbox.__file__).parents[2])}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, timeout=60)
    assert done.returncode != 0
    made = tmp_path / "made"
    assert not made.exists() or made.stat().st_size == 0


def test_an_unknown_kind_is_misuse() -> None:
    with BinaryParser() as parser, pytest.raises(ValueError, match="kind is 'exe'"):
        parser.parse("exe", "a.exe", b"MZ")


def test_the_worker_answers_with_text_or_an_error() -> None:
    request = {"kind": "html", "id": "a.html", "max_characters": 100}
    assert _answer(request, PAGE)["text"] == "Top\n\ntext"
    assert "found more than 100" in _answer(request, b"<p>" + b"word " * 100)["error"]
    assert "found no PDF header" in _answer(request | {"kind": "pdf"}, PAGE)["error"]
    assert "found a broken DOCX" in _answer(request | {"kind": "docx"}, PAGE)["error"]
