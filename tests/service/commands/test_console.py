import fcntl
import io
import json
import os
import pty
import struct
import subprocess
import sys
import termios

import pytest

from service.commands import console as module
from service.commands.console import Console, only_json_on_stdout


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def streams(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    return io.StringIO(), io.StringIO()


def test_json_is_one_object_and_nothing_else(streams):
    out, err = streams
    console = Console(as_json=True, out=out, err=err)
    console.note("beside")
    console.finish({"a": "ü"}, lambda: pytest.fail("must not be shown"))
    assert json.loads(out.getvalue()) == {"a": "ü"}
    assert err.getvalue() == "beside\n"


def test_a_table_is_not_folded_in_a_pipe_and_reads_no_markup(streams):
    out, err = streams
    long = "word " * 60 + "[bold]end"
    Console(out=out, err=err).table(("name", "n"), [(long, "3"), ("b", "12")])
    lines = out.getvalue().splitlines()
    assert any(long in line for line in lines)
    assert [line.rstrip()[-2:] for line in lines[2:4]] == [" 3", "12"], "numbers are aligned right"


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("width", [60, 150])
def test_a_table_is_as_wide_as_columns_allows(monkeypatch, terminal, width):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "dumb")  # of which rich takes 80 whatever is said
    out = Terminal() if terminal else io.StringIO()
    Console(out=out, err=io.StringIO()).table(("name", "n"), [("word " * 60, "3")])
    longest = max(len(line.rstrip()) for line in out.getvalue().splitlines())
    assert width - 8 < longest <= width


def test_a_table_is_as_wide_as_the_terminal(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setenv("TERM", "dumb")
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 132, 0, 0))
    with os.fdopen(theirs, "w") as out, os.fdopen(ours, "rb", buffering=0) as screen:
        Console(out=out, err=io.StringIO()).table(("name", "n"), [("word " * 60, "3")])
        out.flush()
        longest = max(len(line.rstrip()) for line in screen.read(1 << 16).decode().splitlines())
    assert 124 < longest <= 132


def test_progress_without_a_terminal_is_a_line_now_and_then(streams, monkeypatch):
    out, err = streams
    clock = iter([0.0, 1.0, 10.5, 12.0, 13.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    with Console(out=out, err=err).progress() as progress:
        for done in (0, 1, 5, 6, 10):
            progress("embedding", done, 10)
    assert err.getvalue().splitlines() == ["embedding: 5 of 10, 10 s left", "embedding: 10 of 10"]
    assert out.getvalue() == ""


def test_quick_work_says_nothing_without_a_terminal(streams):
    out, err = streams
    with Console(as_json=True, out=out, err=err).progress() as progress:
        progress("reading", 0, 3)
        progress("reading", 3, 3)
    assert err.getvalue() == ""


def test_a_task_that_begins_again_is_timed_anew(streams, monkeypatch):
    out, err = streams
    clock = iter([0.0, 1.0, 500.0, 520.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    with Console(out=out, err=err).progress() as progress:
        for done in (0, 10, 0, 5):
            progress("evaluating", done, 10)
    assert err.getvalue().splitlines() == ["evaluating: 5 of 10, 20 s left"]


def test_a_bar_that_begins_again_shows_its_own_time(monkeypatch):
    err, now = Terminal(), [0.0]
    monkeypatch.setattr("rich.console.monotonic", lambda: now[0])
    with Console(out=io.StringIO(), err=err).progress() as progress:
        for now[0], done in ((0.0, 0), (500.0, 10), (600.0, 0), (607.0, 3)):
            progress("evaluating", done, 10)
    last = next(line for line in reversed(err.getvalue().splitlines()) if "evaluating" in line)
    assert "3/10" in last
    assert "0:00:07" in last


def test_bars_on_a_terminal_show_what_is_left():
    err = Terminal()
    with Console(out=io.StringIO(), err=err).progress() as progress:
        progress("embedding", 0, 10)
        progress("indexing", 2, None)
        progress("embedding", 10, 10)
    assert "embedding" in err.getvalue()
    assert "10/10" in err.getvalue()
    assert "left" in err.getvalue()


def test_a_terminal_with_json_is_quiet():
    err = Terminal()
    with Console(as_json=True, out=io.StringIO(), err=err).progress() as progress:
        progress("embedding", 1, 10)
    assert err.getvalue() == ""


def test_nobody_else_writes_to_stdout_with_json():
    program = """
import os, subprocess, sys
from service.commands.console import only_json_on_stdout
with only_json_on_stdout() as real:
    print("python")
    os.write(1, b"c library\\n")
    subprocess.run([sys.executable, "-c", "print('child')"], check=True)
    real.write("{}\\n")
print("after")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=os.getcwd())
    assert done.stdout == "{}\nafter\n"
    assert sorted(done.stderr.split()) == sorted(["python", "c", "library", "child"])


def test_stdout_in_memory_is_protected_too(monkeypatch):
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    with only_json_on_stdout() as real:
        print("noise")
        real.write("{}")
    assert (out.getvalue(), err.getvalue()) == ("{}", "noise\n")
    assert sys.stdout is out


def test_what_is_drawn_over_the_bars_is_for_terminals_only(streams, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    out, err = streams
    with Console(out=out, err=err).progress(above="the table") as progress:
        progress("task", 1, 2)
    assert "the table" not in err.getvalue()
    terminal = Terminal()
    with Console(out=out, err=terminal).progress(above="the table") as progress:
        progress("task", 1, 2)
    assert "the table" in terminal.getvalue()
    assert "task" in terminal.getvalue()
    quiet = Terminal()
    with Console(as_json=True, out=out, err=quiet).progress(above="the table") as progress:
        progress("task", 1, 2)
    assert "the table" not in quiet.getvalue()
