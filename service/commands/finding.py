"""What one check of ``lockstep doctor`` found."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from retrieval.errors import LockstepError


@dataclass(frozen=True)
class Finding:
    """What one check found. ``note``: worth knowing, nothing to repair."""

    name: str
    state: Literal["ok", "note", "wrong"]
    detail: str


Check = Callable[[], Iterator[Finding]]


def safely(name: str, check: Check) -> list[Finding]:
    """What a check found; an error that ends it is a finding, too."""
    found: list[Finding] = []
    try:
        for finding in check():
            found.append(finding)
    except LockstepError as error:
        found.append(Finding(name, "wrong", str(error)))
    except Exception as error:  # the point of the command is to tell, whatever it is
        found.append(Finding(name, "wrong", f"an unexpected {type(error).__name__}: {error}"))
    return found
