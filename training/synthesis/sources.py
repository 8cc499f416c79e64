"""What drafts are made of: the chunks of the training documents, taken apart into sentences and table rows.

Fenced code is passed over: what stands there is no statement. Knows nothing about questions.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from retrieval.catalog import Catalog
from retrieval.documents import Chunk, Document
from training.answering.quotable import plain, sentences

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})", re.MULTILINE)
_HEADING = re.compile(r" {0,3}#{1,6}\s+\S")
_ITEM = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s+")
_CODE = re.compile(r"[{}<>=]|\\|\(\)|://|^\s*[$#]|;\s*$|^\[|\[\[")
"""What marks a line as code, markup or a log rather than prose."""
_CELL = re.compile(r"(?P<name>[^:;]{1,40}): (?P<value>.+)")
_PAIR = re.compile(r"(?P<name>[^|:;.]{2,40}) \| (?P<value>[^|]{1,80})")
_FEWEST_ROWS = 2
_SMALL = re.compile(r"(?<![\w.-])[a-z][a-z-]+(?!\w)")


@dataclass(frozen=True)
class TableRow:
    """A row of a table as documents keep it, each cell with its column's name."""

    column: str
    """Name of the first column; empty where it has none."""
    name: str
    """Value of the first cell: what the row is about."""
    cells: tuple[tuple[str, str], ...]
    """Column and value of the others."""


@dataclass(frozen=True)
class Source:
    """A chunk with what it says."""

    chunk: Chunk
    title: str
    """Of its document."""
    heading: str
    """Of the section that begins with it or that it goes on; empty where there is none."""
    begins_section: bool
    statements: tuple[str, ...]
    """Whole sentences, without markup."""
    rows: tuple[TableRow, ...]
    pairs: tuple[tuple[str, str], ...]
    """Name and value of lines such as "Valid from | 3 June 2024"."""
    common: frozenset[str]
    """Words that the documents write small: no names."""


def sources(catalog: Catalog, document_ids: Collection[str]) -> Iterator[Source]:
    """The chunks of documents, in the order of their ids, each taken apart."""
    wanted = sorted(document_ids)
    documents = {document.id: document for document in catalog.documents() if document.id in document_ids}
    common = frozenset(word for one in documents.values() for word in _SMALL.findall(one.text))
    columns = {name: _table_columns(document.text) for name, document in documents.items()}
    for stored in catalog.live_chunks(wanted):
        name = stored.chunk.document_id
        if name in documents:
            yield _source(stored.chunk, documents[name], columns[name], common)


def distinct(found: Sequence[Source]) -> list[Source]:
    """The chunks without sentences that several documents have in common: none of them is what such a one is about."""
    where: dict[str, set[str]] = {}
    for source in found:
        for statement in source.statements:
            where.setdefault(statement, set()).add(source.chunk.document_id)
    return [replace(one, statements=tuple(said for said in one.statements if len(where[said]) == 1)) for one in found]


def _source(chunk: Chunk, document: Document, columns: frozenset[str], common: frozenset[str]) -> Source:
    text = _without_code(chunk, document.text)
    above = [heading for heading in document.headings if heading.start <= chunk.start]
    heading = above[-1] if above else None
    lines = text.split("\n")
    rows = [(number, row) for number, line in enumerate(lines) if (row := _row(line.strip())) and _of(row) & columns]
    told = {number for number, _ in rows}
    rest = "\n".join("" if number in told else line for number, line in enumerate(lines))
    pairs = [match for line in lines if (match := _PAIR.fullmatch(line.strip()))]
    if pairs and not any(character.isdigit() for character in pairs[0]["value"]):
        del pairs[0]  # it may be the names of the columns
    return Source(
        chunk=chunk,
        title=" ".join(document.title.partition(" | ")[0].split()),
        heading=" ".join(plain(heading.text).split()) if heading else "",
        begins_section=heading is not None and heading.start == chunk.start,
        statements=tuple(_statements(rest, whole_start=_at_start(chunk, document.text))),
        rows=tuple(row for _, row in rows),
        pairs=tuple((plain(match["name"]), plain(match["value"])) for match in pairs),
        common=common,
    )


def _without_code(chunk: Chunk, text: str) -> str:
    """A chunk's text with fenced code as empty lines; the fence may have opened in a chunk before it."""
    inside, kept, at = len(_FENCE.findall(text, 0, chunk.start)) % 2 == 1, [], chunk.start
    for line in text[chunk.start : chunk.end].split("\n"):
        fence = bool(_FENCE.match(line))
        kept.append("" if inside or fence else line)
        inside ^= fence
        at += len(line) + 1
    return "\n".join(kept)


def _at_start(chunk: Chunk, text: str) -> bool:
    """Whether a chunk begins where a sentence does."""
    before = text[: chunk.start].rstrip()
    return not before or before[-1] in ".!?:" or text[len(before) : chunk.start].count("\n") > 1


def _statements(text: str, *, whole_start: bool) -> Iterator[str]:
    for number, sentence in enumerate(sentences(text)):
        if _HEADING.match(sentence) or (not whole_start and not number):
            continue
        shown = plain(_ITEM.sub("", sentence, count=1))
        if shown.endswith((".", "!")) and shown[:1].isupper() and not _CODE.search(shown) and not _row(shown):
            yield shown


def _table_columns(text: str) -> frozenset[str]:
    """The columns that rows of a document share; a line that shares none with another is a sentence."""
    found = Counter(name for line in text.split("\n") if (row := _row(line.strip())) for name in _of(row))
    return frozenset(name for name, count in found.items() if count >= _FEWEST_ROWS)


def _of(row: TableRow) -> set[str]:
    return {name for name, _ in row.cells}


def _row(line: str) -> TableRow | None:
    first, *others = line.split("; ")
    cells = [_CELL.fullmatch(other) for other in others]
    if not cells or not all(cells):
        return None
    named = _CELL.fullmatch(first)
    column, name = (named["name"], named["value"]) if named else ("", first)
    told = tuple((plain(cell["name"]), plain(cell["value"])) for cell in cells if cell)
    return TableRow(plain(column), plain(name), told)
