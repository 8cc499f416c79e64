"""``lockstep examples augment``."""

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
