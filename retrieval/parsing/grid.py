"""Tables without cells that span others, as most formats' readers give them: added to an outline."""

from collections.abc import Sequence

from retrieval.parsing.columns import Table
from retrieval.parsing.outline import Outline


def add_table(outline: Outline, rows: Sequence[Sequence[str]], *, header: bool | None = None) -> None:
    """Add a table's rows, each with its columns' names.

    Args:
        rows: their cells; rows may differ in length.
        header: whether the first row holds the columns' names; None to judge by the cells.
    """
    table = Table()
    for number, row in enumerate(rows):
        table.row([(" ".join(cell.split()), 1, 1) for cell in row], header=bool(header) and number == 0)
    outline.table(table, guess=header is None)
