"""Tables as lines of text, each row with the names of its columns, so that a row out of the middle still has them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_MAX_NAME = 100
"""Characters of a column's name: it stands in every row."""
_MAX_REPEATED = 200
"""Characters of a cell that is repeated in each row and column that it spans; a longer one stands once."""
_MAX_COLUMNS = 1000
"""As HTML's limit for ``colspan``."""
_MAX_HEADER_CELL = 60
_GUESSED_FROM = 50


def named_row(names: Sequence[str], cells: Sequence[str]) -> str:
    """``name: cell; name: cell`` without empty cells; a cell without a name stands alone."""
    pairs = ((names[i][:_MAX_NAME] if i < len(names) else "", cell) for i, cell in enumerate(cells))
    return "; ".join(f"{name}: {cell}" if name else cell for name, cell in pairs if cell)


@dataclass
class _Row:
    cells: list[str]
    header: bool
    single: bool
    """Whether one cell, spanning columns, is all of it."""


class Table:
    """Collects the rows of one table, cells that span several rows or columns included."""

    def __init__(self) -> None:
        self._rows: list[_Row] = []
        self._spans: dict[int, tuple[int, str]] = {}  # column -> rows still to come, and their text

    def row(self, cells: Sequence[tuple[str, int, int]], *, header: bool = False) -> None:
        """Add a row.

        Args:
            cells: text, rows spanned and columns spanned (0 rows: all that follow) of each cell that begins here.
            header: whether the row is marked as one of column names.
        """
        texts: list[str] = []
        single = len(cells) == 1 and not self._spans and cells[0][2] > 1
        for text, rows, columns in cells:
            self._fill(texts)
            for i in range(max(1, columns)):
                if len(texts) >= _MAX_COLUMNS:
                    break
                repeated = text if len(text) <= _MAX_REPEATED else ""
                if rows != 1:
                    self._spans[len(texts)] = (rows - 1, repeated)
                texts.append(text if i == 0 else repeated)
        self._fill(texts)
        last = max(self._spans, default=-1)
        while len(texts) <= last:  # the row ends before cells that reach down into it
            texts.append("")
            self._fill(texts)
        self._rows.append(_Row(texts, header, single))

    def lines(self, *, guess: bool = True) -> Iterator[str]:
        """One line for each row; rows of names become part of the rows below them.

        Args:
            guess: whether the first row may be taken for names though nothing marks it as such.
        """
        rows = [row for row in self._rows if any(row.cells)]
        width = max((len(row.cells) for row in rows), default=0)
        plain = [row for row in rows if not (row.single and len(row.cells) == width)]
        if guess and plain and not any(row.header for row in plain):
            plain[0].header = _names_columns([row.cells for row in plain[:_GUESSED_FROM]])
        above: list[list[str]] = []  # rows of names under which no row was seen so far
        names: list[str] = []
        for row in rows:
            if row.single and len(row.cells) == width:
                yield row.cells[0]
            elif row.header:
                above.append(row.cells)
            else:
                if above:
                    names, above = _joined(above), []
                yield named_row(names, row.cells) if names else " | ".join(row.cells).rstrip(" |")
        yield from (" | ".join(cells) for cells in above)

    def _fill(self, texts: list[str]) -> None:
        """Cells of earlier rows that reach down to here."""
        while len(texts) in self._spans:
            column = len(texts)
            left, text = self._spans.pop(column)
            if left != 1:
                self._spans[column] = (left - 1, text)
            texts.append(text)


def _joined(rows: Sequence[Sequence[str]]) -> list[str]:
    """One name for each column out of several rows of names."""
    if len(rows) == 1:
        return list(rows[0])
    columns = range(max(len(row) for row in rows))
    return [" ".join(dict.fromkeys(row[i] for row in rows if i < len(row) and row[i])) for i in columns]


def _names_columns(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row looks like names: short, all different, without digits, other than what is below it.

    Two columns are as often pairs of a name and a value: there a column of numbers must stand under the first row.
    """
    first, *others = rows
    if len(first) < 2 or not others or len(set(first)) < len(first):
        return False
    if any(not cell or len(cell) > _MAX_HEADER_CELL or _has_digit(cell) for cell in first):
        return False
    numbers = any(
        2 * sum(_has_digit(row[i]) for row in others if i < len(row)) > len(others) for i in range(len(first))
    )
    return numbers or len(first) > 2


def _has_digit(text: str) -> bool:
    return any(character.isdigit() for character in text)
