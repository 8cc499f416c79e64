"""Questions on cells: a table's row names what is asked about, its column what is asked."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from random import Random

from training.synthesis.drafts import Draft, Kind
from training.synthesis.phrases import WORDS
from training.synthesis.sources import Source, TableRow

METHOD = "table"
_OPEN_ENDS = frozenset(("for", "of", "to", "by", "with", "up", "on", "in"))
_EMPTY = re.compile(r"[-–—/.\s]*|n/?a|none|yes|no|[yn]\*?|tbd|x|true|false|see .*|[^\w]*|.*[{}|].*", re.IGNORECASE)
_NAMED = re.compile(r"(?!.*[A-Z]-?\d)\S+(?:\s\S+){0,4}")
"""What can be a column: a few words, and no code, which is half of a table without columns."""
_LONGEST_CELL, _LONGEST_NAME = 14, 7
"""Words."""


Said = Mapping[tuple[str, str, str], Collection[tuple[str, str]]]
"""First column, row and column, case folded, to the documents and values that the tables hold for them."""


def said_by(sources: Iterable[Source]) -> Said:
    """What all tables say, so that a question with two answers is noticed."""
    found: dict[tuple[str, str, str], set[tuple[str, str]]] = {}
    for source in sources:
        for row in source.rows:
            for column, value in row.cells:
                found.setdefault(_key(row, column), set()).add((source.chunk.document_id, value.casefold()))
    return found


def from_tables(source: Source, said: Said, seed: int) -> Iterator[Draft]:
    """The questions that a chunk's table rows and pairs give, in a sentence or in key words.

    A cell that its document contradicts gives none; one that another document contradicts is asked with the title.
    """
    alike = {name for row in source.rows if _alternatives(row) for name, _ in row.cells}
    for number, row in enumerate(source.rows):
        draw = Random(f"{seed}:{source.chunk.id}:{number}")
        about = _about(row, draw)
        if about is None or _EMPTY.fullmatch(row.name):
            continue
        for column, value in asked_columns(row):
            others = said[_key(row, column)]
            if sum(document == source.chunk.document_id for document, _ in others) > 1:
                continue
            elsewhere = len({value for _, value in others}) > 1
            if column in alike or not _attribute(column) or draw.random() < 0.4:
                name = column.replace("_", " ") if column in alike else worded(column)
                where = source.title if elsewhere or not any(map(str.isdigit, about)) else ""
                yield _draft(source, f"{where} {about} {name}", value, "keyword")
            elif source.title or not elsewhere:
                where = f" in “{source.title}”" if elsewhere else ""
                yield _draft(source, f"{asking(column)} of {about}{where}?", value, "natural")
    for name, value in source.pairs:
        if source.title and fits(value) and len(name.split()) <= 4:
            yield _draft(source, f"{source.title} {name}", value, "keyword")


def _key(row: TableRow, column: str) -> tuple[str, str, str]:
    return row.column.casefold(), row.name.casefold(), column.casefold()


def _attribute(column: str) -> bool:
    """Whether one can ask for "the" column: a noun, not a question or a date itself."""
    words = re.split(r"[\s_]+", column.casefold())
    if words[-1] in _OPEN_ENDS or any(word.endswith("ed") for word in words):
        return False
    return not WORDS["no_nouns"].intersection(words) and not any(character.isdigit() for character in column)


def asked_columns(row: TableRow) -> Iterator[tuple[str, str]]:
    """Column and value of the cells that can be asked for."""
    for column, value in row.cells:
        if fits(value) and column.casefold() not in WORDS["aside_columns"] and _NAMED.fullmatch(column):
            yield column, value


def fits(value: str) -> bool:
    """Whether a cell says something that can be an answer."""
    return not _EMPTY.fullmatch(value) and len(value.split()) <= _LONGEST_CELL


def asking(column: str) -> str:
    """How a question for a column begins."""
    name = worded(column)
    asked = name.partition(" in ")[0]
    several = asked.endswith("s") and not asked.endswith(("ss", "us", "is"))
    return f"What {'are' if several else 'is'} the {name}"


def worded(column: str) -> str:
    """A column's name in words: ``lead_time_days`` is "lead time in days"."""
    words = column.replace("_", " ").split()
    if "_" in column and len(words) > 1 and words[-1].lower() in WORDS["units"]:
        unit = words[-1].upper() if words[-1] in ("eur", "usd", "gbp") else words[-1]
        return f"{' '.join(words[:-1])} in {unit}"
    return words[0].lower() + column.replace("_", " ")[len(words[0]) :] if words[0].istitle() else " ".join(words)


def _about(row: TableRow, draw: Random) -> str | None:
    """What a question names the row by; None where that is too long."""
    better = next((value for column, value in row.cells if column.casefold() in WORDS["naming_columns"]), None)
    if better and fits(better) and draw.random() < 0.6:
        return f"the {better}" if better[0].islower() else better
    if len(row.name.split()) > _LONGEST_NAME or row.name.startswith(("If ", "When ")):
        return None
    column = row.column.casefold()
    if not column or column in WORDS["generic_columns"] or "_" in column or not _attribute(column):
        return row.name
    return f"{column} {row.name}"


def _alternatives(row: TableRow) -> bool:
    """Whether the columns are things of one kind (plans, models) and not attributes: their cells look alike."""
    shapes = [re.sub(r"\d[\d,.]*", "0", value) for _, value in row.cells]
    shapes = [shape for shape in shapes if shape != "0"]
    return len(shapes) > 1 and len(set(shapes)) < len(shapes)


def _draft(source: Source, question: str, value: str, kind: Kind) -> Draft:
    return Draft(" ".join(question.split()), (value,), (source.chunk,), METHOD, kind)
