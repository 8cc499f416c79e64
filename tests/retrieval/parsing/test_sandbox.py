"""The child processes: limits, death and restart; order; and what the worker refuses."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.parsing import sandbox
from retrieval.parsing.sandbox import ParserPool, Task

PAGE = "<title>T</title><h1>Top</h1><p>text</p>"
TAMPERED = """
import os, time
import retrieval.parsing.text as text
honest = text.parse_text
def parse_text(document_id, data, **limits):
    if data == b"die":
        os.abort()
    if data == b"sleep":
        time.sleep(60)
    if data == b"spin":
        while True:
            pass
    if data == b"swell":
        return [0] * (1 << 40)
    if data == b"raise":
        raise KeyError("strange")
    if data == b"leave":
        os._exit(0)
    return honest(document_id, data, **limits)
text.parse_text = parse_text
"""
"""What a parser may do, for the child to do at a word."""


@pytest.fixture
def pool() -> Iterable[ParserPool]:
    with ParserPool(children=1) as pool:
        yield pool


class Files:
    """Makes files and what is to be done with them."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __call__(self, name: str, content: str | bytes = PAGE, seconds: int = 20) -> Task:
        path = self.root / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        forms = {".md": "markdown", ".txt": "text", ".csv": "table", ".jsonl": "rows", ".gz": "gzipped rows"}
        return Task(forms.get(path.suffix, path.suffix[1:]), path, name, path.stem, seconds)


@pytest.fixture
def task(tmp_path: Path) -> Files:
    return Files(tmp_path)


def told(pool: ParserPool, *tasks: Task | InputError) -> list[str]:
    """For each task the text of its documents, or the error."""
    results = []
    for items in pool.parse(tasks):
        try:
            results.append("|".join(item.text if isinstance(item, Document) else str(item) for item in items))
        except InputError as error:
            results.append(str(error))
    return results


def test_the_child_is_started_once_and_reused(pool: ParserPool, task: Files) -> None:
    assert pool.pids == []
    ((document,),) = map(list, pool.parse([task("a.html")]))
    (first,) = pool.pids
    assert isinstance(document, Document)
    assert (document.id, document.title, document.text) == ("a.html", "T", "Top\n\ntext")
    assert [(h.level, h.text, h.start) for h in document.headings] == [(1, "Top", 0)]
    assert told(pool, task("b.html")) == ["Top\n\ntext"]
    assert pool.pids == [first]
    pool.close()
    assert pool.pids == []
    assert told(pool, task("b.html")) == ["Top\n\ntext"]


def test_results_come_in_order_from_several_children(task: Files) -> None:
    rows = "\n".join(f'{{"id": "r{i}", "text": "row {i} {"x" * 2000}"}}' for i in range(200))  # more than a pipe holds
    tasks = [task(f"{i:02}.txt", str(i)) for i in range(40)]
    tasks[3] = task("a.jsonl", rows)
    tasks[4] = task("b.jsonl", rows)
    with ParserPool(children=2) as pool:
        results = told(pool, *tasks)
        assert len(pool.pids) == 2
    assert results[:3] + results[5:] == [str(i) for i in range(40) if i not in (3, 4)]
    assert [results[i].count("|") for i in (3, 4)] == [199, 199]


def test_what_the_caller_does_not_read_is_dropped(pool: ParserPool, task: Files) -> None:
    rows = '{"id": "a", "text": "1"}\n{"id": "b", "text": "2"}\n'
    tasks = [task("a.jsonl", rows), task("b.txt", "next"), task("c.jsonl", rows + "{bad")]
    first = [next(items) for items in pool.parse(tasks)]
    assert [item.text for item in first if isinstance(item, Document)] == ["1", "next", "1"]
    assert told(pool, task("d.txt", "end")) == ["end"]


def test_a_caller_that_leaves_leaves_nothing_behind(pool: ParserPool, task: Files) -> None:
    parsed = pool.parse([task("a.txt", "a"), task("b.txt", "b"), task("c.txt", "c")])
    next(parsed)
    parsed.close()  # type: ignore[attr-defined]
    assert told(pool, task("d.txt", "d")) == ["d"]


def test_a_refusal_stands_in_its_place_and_leaves_the_child_alive(pool: ParserPool, task: Files) -> None:
    results = told(pool, task("a.html"), task("b.pdf", "words"), InputError("no task"), task("c.docx", "words"))
    assert [result[:18] for result in results] == ["Top\n\ntext", "found no PDF heade", "no task", "found a broken DOC"]
    (first,) = pool.pids
    told(pool, task("a.html"))
    assert pool.pids == [first]


def test_a_child_that_died_between_files_is_replaced(pool: ParserPool, task: Files) -> None:
    told(pool, task("a.html"))
    (first,) = pool.pids
    os.kill(first, signal.SIGKILL)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
    assert told(pool, task("b.html")) == ["Top\n\ntext"]
    assert pool.pids != [first]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("die", "found a file over which its parser died (status -6;"),
        ("leave", "found a file over which its parser died (status"),
        ("spin", "found a file that takes longer than 1 s to parse"),
        ("sleep", "found a file that takes longer than 1 s to parse"),
        ("swell", "found a file that takes too much memory to parse"),
        ("raise", "found a file that its parser cannot read (KeyError: 'strange')"),
    ],
)
def test_whatever_a_parser_does_costs_its_file_alone(
    pool: ParserPool, task: Files, monkeypatch: pytest.MonkeyPatch, word: str, message: str
) -> None:
    monkeypatch.setattr(sandbox, "_BOOT", sandbox._BOOT.replace("main(*", f"exec({TAMPERED!r}); main(*"))
    good = [task(f"{i}.txt", f"good {i}") for i in range(6)]
    started = time.monotonic()
    results = told(pool, *good[:2], task("bad.txt", word, seconds=1), *good[2:])
    assert time.monotonic() - started < 20
    assert results[2].startswith(message)
    assert results[:2] + results[3:] == [f"good {i}" for i in range(6)]


@pytest.mark.parametrize("boot", ["", "import os; os.abort()", "import sys; sys.stdout.buffer.write(b'\\x7f' * 12)"])
def test_a_child_that_cannot_start_or_talks_nonsense_is_an_input_error(
    pool: ParserPool, task: Files, monkeypatch: pytest.MonkeyPatch, boot: str
) -> None:
    monkeypatch.setattr(sandbox, "_BOOT", boot)
    results = told(pool, task("a.html"), task("b.html"))
    assert [result[:40] for result in results] == ["found a file over which its parser died "] * 2


def test_memory_is_limited(task: Files) -> None:
    with ParserPool(memory=100 << 20, children=1) as pool:
        bad, good = told(pool, task("a.txt", b"word " * (12 << 20)), task("b.html"))
        assert bad.startswith("found a file that takes too much memory to parse")
        assert good == "Top\n\ntext"


def test_a_child_that_keeps_much_memory_makes_room(
    pool: ParserPool, task: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = "import mmap; kept = mmap.mmap(-1, (1 << 30) + 1)"
    assert told(pool, task("a.txt", "a")) == ["a"]
    (light,) = pool.pids
    assert told(pool, task("b.txt", "b")) == ["b"]
    assert pool.pids == [light]
    pool.close()
    monkeypatch.setattr(sandbox, "_BOOT", sandbox._BOOT.replace("main(*", f"{keep}; main(*"))
    told(pool, task("a.txt", "a"))
    (heavy,) = pool.pids
    assert told(pool, task("b.txt", "b"), task("c.txt", "c")) == ["b", "c"]
    assert pool.pids != [heavy]


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
