"""Rows with the same columns, whatever file they come from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from training.data.reading.faults import FaultyRow


@dataclass(frozen=True)
class Source:
    """Rows with the same columns: of a file, or of one sheet of a workbook."""

    name: str
    """How messages name it."""
    columns: tuple[str, ...]
    """In their order; of JSON, the keys of all rows."""
    rows: Sequence[tuple[str, dict[str, Any] | FaultyRow]]
    """``file:line``, and the values by column (empty cells are left out) or why there are none."""
    cells: bool
    """The values are the texts of a table's cells."""
