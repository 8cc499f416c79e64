"""What a person or a script sees of a command: results on stdout; progress, notes and warnings on stderr.

With ``--json`` stdout holds one JSON object and nothing else, whatever libraries and child processes print.
"""

import io
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from retrieval.progress import Progress

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.progress import TaskID

_NUMBER = re.compile(r"[+-]?\d[\d.,]*%?|-|")
_LINE_SECONDS = 10.0
"""Without a terminal, a task tells how far it is this often."""


class Console:
    """The two streams of one command.

    Args:
        as_json: the result is shown as one JSON object, and nothing moves on stderr.
        out: where results go (default: stdout).
        err: where everything else goes (default: stderr).
    """

    def __init__(self, *, as_json: bool = False, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self.as_json = as_json
        self.out = out or sys.stdout
        self.err = err or sys.stderr

    def finish(self, value: Mapping[str, Any], show: Callable[[], None]) -> None:
        """Show the result of the command: as JSON, or by calling ``show``."""
        if self.as_json:
            self.json(value)
        else:
            show()

    def json(self, value: Mapping[str, Any]) -> None:
        """Write the one JSON object."""
        self.out.write(json.dumps(value, ensure_ascii=False, allow_nan=False, default=str) + "\n")
        self.out.flush()

    def write(self, text: str = "") -> None:
        """A line of the result, as it is (no markup is looked for in it)."""
        self.out.write(text + "\n")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], *, title: str | None = None) -> None:
        """A table of the result; a column of nothing but numbers is aligned right."""
        from rich import box
        from rich.console import Console as Rich
        from rich.table import Table
        from rich.text import Text

        table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", show_edge=False)
        for position, column in enumerate(columns):
            number = all(_NUMBER.fullmatch(row[position]) for row in rows)
            table.add_column(column, justify="right" if number else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        width = self._width()
        if width is None:  # a pipe has none: cells are not folded for it
            cells = [columns, *rows]
            width = 4 + sum(3 + max(len(row[position]) for row in cells) for position in range(len(columns)))
        buffer = io.StringIO()
        # With a height, too: else rich knows better than the width that it is given.
        Rich(file=self.out if self.out.isatty() else buffer, width=width, height=25, highlight=False).print(table)
        self.out.writelines(line.rstrip() + "\n" for line in buffer.getvalue().splitlines())

    def _width(self) -> int | None:
        """Columns of the terminal, or as many as ``COLUMNS`` says; rich takes 80 where it does not know a terminal."""
        told = os.environ.get("COLUMNS", "")
        if told.isdecimal() and int(told):
            return int(told)
        if not self.out.isatty():
            return None
        try:
            return os.get_terminal_size(self.out.fileno()).columns or None
        except (OSError, ValueError):  # it says that it is one, and is not
            return None

    def note(self, text: str) -> None:
        """A line beside the result."""
        self.err.write(text + "\n")
        self.err.flush()

    def warn(self, text: str) -> None:
        """Something that did not stop the command."""
        self.note(f"warning: {text}")

    @contextmanager
    def progress(self, above: "RenderableType | None" = None) -> Iterator[Progress]:
        """Shows how far tasks are: bars with the time left on a terminal, a line now and then elsewhere.

        Args:
            above: drawn anew all the time over the bars, on a terminal only.
        """
        if self.as_json or not self.err.isatty():
            yield _Lines(self.note)
            return
        from rich.console import Console as Rich
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars

        class Below(Bars):
            def get_renderables(self) -> "Iterable[RenderableType]":
                if above is not None:
                    yield above
                yield from super().get_renderables()

        bars = Below(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=Rich(file=self.err),
        )
        tasks: dict[str, TaskID] = {}
        reached: dict[str, int] = {}

        def update(task: str, done: int, total: int | None) -> None:
            if task not in tasks:
                tasks[task] = bars.add_task(task, total=total)
            elif done < reached[task]:  # it begins again
                bars.reset(tasks[task], total=total)
            bars.update(tasks[task], completed=done, total=total)
            reached[task] = done

        with bars:
            yield update


class _Lines:
    """Progress as occasional lines. Silent about what is done within the first seconds."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._started: dict[str, float] = {}
        self._told: dict[str, float] = {}

    def __call__(self, task: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        started = self._started.setdefault(task, now)
        last = self._told.get(task, started)
        finished = total is not None and done >= total
        if now - last >= _LINE_SECONDS or (finished and task in self._told):
            self._told[task] = now
            left = ""
            if total and 0 < done < total:
                left = f", {(now - started) * (total - done) / done:.0f} s left"
            self._write(f"{task}: {done}" + (f" of {total}" if total is not None else "") + left)
        if finished:  # a task of the same name begins anew
            self._started.pop(task)
            self._told.pop(task, None)


@contextmanager
def only_json_on_stdout() -> Iterator[TextIO]:
    """Send what anybody writes to stdout to stderr, also libraries in C and child processes.

    Yields:
        The real stdout, for the one JSON object.
    """
    python_stdout = sys.stdout
    try:
        descriptor = python_stdout.fileno()
    except (OSError, ValueError, AttributeError):  # a test holds the output in memory: nothing below Python
        sys.stdout = sys.stderr
        try:
            yield python_stdout
        finally:
            sys.stdout = python_stdout
        return
    python_stdout.flush()
    saved = os.dup(descriptor)
    try:
        os.dup2(sys.stderr.fileno(), descriptor)
        sys.stdout = sys.stderr
        with os.fdopen(os.dup(saved), "w", encoding="utf-8") as real:
            yield real
    finally:
        sys.stdout = python_stdout
        os.dup2(saved, descriptor)
        os.close(saved)
