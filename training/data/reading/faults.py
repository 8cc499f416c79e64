"""How faults in what a user wrote are told: one a line, the first ten, then how many more."""

from collections.abc import Sequence

SHOWN = 10


class FaultyRow(ValueError):
    """A row that is not an example; the message says found and expected."""


def listed(lines: Sequence[str]) -> str:
    """The first lines, each on one of its own and indented, then a count of the rest."""
    shown = "".join(f"\n  {line}" for line in lines[:SHOWN])
    return shown + (f"\n  and {len(lines) - SHOWN} more" if len(lines) > SHOWN else "")


def told(faults: Sequence[str], what: str, do: str) -> str:
    """One message for all faults.

    Args:
        what: where they are.
        do: what to do about them.
    """
    return f"{faults[0]}; {do}" if len(faults) == 1 else f"found {len(faults)} faults in {what}; {do}:{listed(faults)}"
