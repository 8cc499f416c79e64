"""How long work tells how far it is, without knowing who listens."""

from typing import Protocol


class Progress(Protocol):
    """Called with the task in words, the units done so far, and their total (None: not known)."""

    def __call__(self, task: str, done: int, total: int | None) -> None:
        """Take note."""


def silent(task: str, done: int, total: int | None) -> None:
    """Tell nobody."""
