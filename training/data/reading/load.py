"""Reads examples files, all of them or none. Every fault is told with its line, and none is repaired silently."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from retrieval.errors import InputError
from retrieval.normalisation import normalise
from training.data.examples import SPLITS, Example, SplitName, question_id
from training.data.reading.columns import Columns, UnclearColumns, choose_columns, fields
from training.data.reading.faults import FaultyRow, listed, told
from training.data.reading.json_rows import shown
from training.data.reading.repetition import Repetitions
from training.data.reading.source import Source
from training.data.reading.sources import Tell, read_sources

_Text = Annotated[str, StringConstraints(pattern=r"\S")]
_Texts = Annotated[tuple[_Text, ...], AfterValidator(lambda texts: tuple(dict.fromkeys(texts)))]


class _Row(BaseModel):
    """A row of an examples file; the description of a field is what a fault says was expected."""

    model_config = ConfigDict(extra="allow")

    id: _Text | None = Field(None, description="some text")
    question: _Text = Field(description="a question")
    answers: _Texts = Field(
        description="a list of texts that are not empty, or [] for a question that the corpus cannot answer"
    )
    document_ids: _Texts | None = Field(None, description="a list of texts that are not empty")
    split: SplitName | None = Field(None, description=f"one of {', '.join(SPLITS)}")
    task: _Text | None = Field(None, description="some text")
    metadata: dict[str, Any] | None = Field(None, description="an object")


def load_examples(paths: Sequence[Path], *, columns: Columns | None = None, warn: Tell | None = None) -> list[Example]:
    """Read examples files: JSON Lines, JSON arrays, CSV, TSV, workbooks; ``.gz`` too, but of workbooks.

    A row that says the same as one before it is dropped with a warning; answers that disagree are named in one.

    Args:
        columns: column to field, where names do not tell.
        warn: takes what the user should know though it stops nothing.

    Raises:
        InputError: a file that cannot be read or is empty, columns that are not clear, faulty rows (each with
            its file and line, the first ten), or no example that the corpus can answer.
    """
    warn = warn or _ignore
    given = columns or {}
    faults: list[str] = []
    seen = Repetitions()
    unused = dict(given)
    for path in paths:
        before = len(seen.examples) + len(seen.dropped) + len(faults)
        for source, chosen in _clear(list(read_sources(path, faults.append, warn)), given, faults, warn):
            unused = {column: field for column, field in unused.items() if column not in chosen}
            for where, row in source.rows:
                try:
                    if isinstance(row, FaultyRow):
                        raise row
                    seen.add(_example(fields(row, chosen, cells=source.cells), where))
                except FaultyRow as fault:
                    faults.append(f"{where}: {fault}")
        if len(seen.examples) + len(seen.dropped) + len(faults) == before:
            faults.append(f"{path}: found no row, expected one example a row")
    faults += [f"found no column {column!r} for {field} (--column) in any file, expected it" for column, field in
               unused.items() if not faults]  # fmt: skip
    if faults:
        raise InputError(told(faults, "the examples", "correct this; nothing was read"))
    if not any(example.answerable for example in seen.examples):
        raise InputError(
            f"found {len(seen.examples)} examples and none with an answer, expected some that the corpus answers: "
            'add examples with "answers"'
        )
    if seen.dropped:
        warn(
            f"found {len(seen.dropped)} rows that repeat an earlier one word for word, and left them out:"
            f"{listed(seen.dropped)}"
        )
    if contradictions := list(seen.contradictions()):
        warn(
            f"found {len(contradictions)} questions asked twice with answers that disagree, of which one is wrong or "
            f"belongs to a document that the question does not tell:{listed(contradictions)}"
        )
    return seen.examples


def _clear(sources: Sequence[Source], given: Columns, faults: list[str], warn: Tell) -> list[tuple[Source, Columns]]:
    """The sources with rows, and what their columns mean; of a workbook, those sheets that hold questions."""
    found, unclear = [], []
    for source in sources:
        try:
            if any(not isinstance(row, FaultyRow) for _, row in source.rows):
                found.append((source, choose_columns(source, given)))
            elif source.rows:
                found.append((source, {}))
        except UnclearColumns as fault:
            unclear.append(str(fault))
    if found:
        for one in unclear:
            warn(f"passed over {one}")
    else:
        faults += unclear[:1]
    return found


def _example(row: dict[str, Any], where: str) -> Example:
    known = tuple(_Row.model_fields)
    for key in (key for key in row if key not in known):
        # A field of the user's own is kept; one that looks like a slip of ours would lose data unseen.
        if near := difflib.get_close_matches(key, known, n=1, cutoff=0.7):
            raise FaultyRow(
                f"found the key {key!r}, expected {near[0]!r}: correct it, say --column {near[0]}={key}, or put it "
                "under 'metadata' if it is meant so"
            )
    try:
        line = _Row.model_validate(row)
    except ValidationError as error:
        key = str(error.errors()[0]["loc"][0])
        found = f"{key!r}: {shown(row[key])}" if key in row else f"no {key!r}"
        raise FaultyRow(f"found {found}, expected {_Row.model_fields[key].description}") from error
    if line.document_ids and not line.answers:
        raise FaultyRow(
            "found 'answers' [] (the corpus cannot answer it) together with 'document_ids' that support an answer, "
            "expected one or the other"
        )
    return Example(
        id=line.id or question_id(line.question),
        question=normalise(line.question),
        answers=tuple(normalise(answer) for answer in line.answers),
        document_ids=line.document_ids or (),
        split=line.split,
        task=line.task,
        provenance=where,
        metadata=(line.model_extra or {}) | (line.metadata or {}),
    )


def _ignore(text: str) -> None:
    pass
