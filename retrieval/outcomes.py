"""What became of files that are not in the catalog as they stand on disk: refused, passed over, or cut."""

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["refused", "skipped", "warned"]
_ROW = re.compile(r"^(row on )?line \d+: ")
_NUMBER = re.compile(r"\d[\d.,]*")
_END = re.compile(r"[:;,(]|: ")


@dataclass(frozen=True)
class Outcome:
    """One thing to tell about a file."""

    path: str
    """Its key; a folder that was passed over stands for everything in it."""
    kind: Kind
    reason: str
    """In few words, to count by."""
    detail: str
    document_id: str | None = None
    """The document that a warning is about."""


def refusal(path: str, error: str) -> Outcome:
    """A file, or a row of it, that gave no document."""
    return Outcome(path, "refused", headline(error), error)


def headline(message: str) -> str:
    """What a message found, without the numbers and the advice: equal for equal faults."""
    found = _ROW.sub("", message)
    return _NUMBER.sub("N", _END.split(found, maxsplit=1)[0]).strip()
