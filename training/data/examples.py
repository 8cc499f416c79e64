"""Examples: questions with their answers and the documents that support them, read from JSON Lines.

Every fault in a file is told with its line, and none is repaired silently. Knows nothing about splits,
prompts or training rows.
"""

import difflib
import gzip
import hashlib
import json
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from retrieval.documents import Passage
from retrieval.errors import InputError
from retrieval.normalisation import normalise
from training.data.matching import holds_answer

SplitName = Literal["train", "validation", "test"]
SPLITS: tuple[SplitName, ...] = get_args(SplitName)

Search = Callable[[list[str]], list[list[Passage]]]
"""Questions to the passages that the live retriever returns for each, best first."""

SHOWN_FAULTS = 20
BATCH = 256


@dataclass(frozen=True)
class Example:
    """A question, its answers, and the ids of the documents that support them."""

    id: str
    question: str
    answers: tuple[str, ...]
    """Acceptable answers, the preferred one first; empty if the corpus cannot answer the question."""
    document_ids: tuple[str, ...] = ()
    split: SplitName | None = None
    task: str | None = None
    provenance: str = ""
    """Where it comes from; ``file:line`` for an examples file."""
    weak: bool = False
    """The document ids were found by retrieval and answer matching, not given."""
    metadata: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def answerable(self) -> bool:
        """Whether the corpus is said to answer it."""
        return bool(self.answers)

    @property
    def where(self) -> str:
        """How messages name it."""
        return f"{self.id!r} ({self.provenance})" if self.provenance else repr(self.id)


_Text = Annotated[str, StringConstraints(pattern=r"\S")]
_Texts = Annotated[tuple[_Text, ...], AfterValidator(lambda texts: tuple(dict.fromkeys(texts)))]


class _Line(BaseModel):
    """A line of an examples file; the description of a field is what a fault says was expected."""

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


_ALIAS = "doc_ids"
"""Of ``document_ids``."""


class _FaultyLine(ValueError):
    """A line that is not an example; the message says found and expected."""


def load_examples(paths: Sequence[Path]) -> list[Example]:
    """Read examples files (JSON Lines, ``.gz`` too), all of them or none.

    Raises:
        InputError: a file that cannot be read or is empty, faulty lines (each with its file and line,
            the first 20 in full), or no example that the corpus can answer.
    """
    faults: list[str] = []
    examples: list[Example] = []
    first_seen: dict[str, str] = {}
    for path in paths:
        before = len(examples) + len(faults)
        try:
            for number, raw in _lines(path):
                where = f"{path}:{number}"
                try:
                    example = _parse(raw, where)
                    if example.id in first_seen:
                        raise _FaultyLine(
                            f"found the id {example.id!r} again (first in {first_seen[example.id]}), expected each id "
                            "once (without an id the question serves as one): merge the two or give them ids"
                        )
                except _FaultyLine as fault:
                    faults.append(f"{where}: {fault}")
                    continue
                first_seen[example.id] = where
                examples.append(example)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            faults.append(f"{path}: found a damaged gzip file ({error}), expected JSON Lines: write it anew")
        except OSError as error:
            faults.append(f"{path}: cannot be read ({error.strerror}), expected a JSON Lines file: check the path")
        if len(examples) + len(faults) == before:
            faults.append(f"{path}: found no line, expected one JSON object a line")
    if faults:
        raise InputError(_told(faults, "the examples", "correct these lines; nothing was read"))
    if not any(example.answerable for example in examples):
        raise InputError(
            f"found {len(examples)} examples and none with an answer, expected some that the corpus answers: "
            'add examples with "answers"'
        )
    return examples


def check_documents(examples: Sequence[Example], known_ids: Collection[str]) -> None:
    """Check that every document that an example names is in the corpus.

    Raises:
        InputError: unknown ids, with the examples that name them.
    """
    known = frozenset(known_ids)
    faults: list[str] = []
    for example in examples:
        for document_id in example.document_ids:
            if document_id not in known:
                near = difflib.get_close_matches(document_id, known, n=1, cutoff=0.8) if len(faults) < 5 else []
                hint = f"; did you mean {near[0]!r}?" if near else ""
                faults.append(f"{example.where}: found the document id {document_id!r}{hint}")
    if faults:
        raise InputError(
            _told(faults, "the document ids of the examples", f"expected ids of the {len(known)} documents of the "
                  "corpus: ingest these documents or correct the ids")
        )  # fmt: skip


@dataclass(frozen=True)
class LinkReport:
    """What :func:`link_documents` did."""

    given: int
    """Answerable examples that named their documents."""
    known: int
    """Linked as an earlier run had linked them."""
    linked: int
    """Linked now, by retrieval and answer matching."""
    unlinked: tuple[str, ...]
    """Ids of answerable examples for which no passage held an answer."""


def link_documents(
    examples: Sequence[Example], search: Search, *, known: Mapping[str, Sequence[str]] | None = None
) -> tuple[list[Example], LinkReport]:
    """Fill in the missing documents of answerable examples, marked as weak.

    The document of the best passage that holds an answer is taken, and only that one: each further
    document would tie groups of documents together that have nothing in common but a short answer.

    Args:
        known: example id to document ids as an earlier run linked them (``FrozenSplit.links``), so that
            a retriever that has learned since does not move a frozen test question to another document.
    """
    known = known or {}
    linked: dict[str, tuple[str, ...]] = {}
    missing = [e for e in examples if e.answerable and not e.document_ids]
    linked.update((e.id, tuple(known[e.id])) for e in missing if e.id in known)
    from_known = len(linked)
    unlinked: list[str] = []
    todo = [e for e in missing if e.id not in linked]
    for batch, results in searched(todo, search):
        for example, passages in zip(batch, results, strict=True):
            for passage in passages:
                if holds_answer(passage_evidence(passage), example.answers):
                    linked[example.id] = (passage.document_id,)
                    break
            else:
                unlinked.append(example.id)
    filled = [replace(e, document_ids=linked[e.id], weak=True) if e.id in linked else e for e in examples]
    given = sum(e.answerable for e in examples) - len(missing)
    return filled, LinkReport(given, from_known, len(linked) - from_known, tuple(unlinked))


def passage_evidence(passage: Passage) -> str:
    """All that a passage shows: title and headings count as evidence as well."""
    return f"{passage.context}\n{passage.text}" if passage.context else passage.text


def searched(examples: Sequence[Example], search: Search) -> Iterator[tuple[Sequence[Example], list[list[Passage]]]]:
    """The examples in batches, each with its search results."""
    for start in range(0, len(examples), BATCH):
        part = examples[start : start + BATCH]
        results = search([example.question for example in part])
        if len(results) != len(part):
            raise ValueError(f"search returned {len(results)} results for {len(part)} questions")
        yield part, results


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers from 1."""
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            line = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
            if line.strip():
                yield number, line


def _parse(raw: bytes, where: str) -> Example:
    row = _json_object(raw)
    known = (*_Line.model_fields, _ALIAS)
    for key in (key for key in row if key not in known):
        # A field of the user's own is kept; one that looks like a slip of ours would lose data unseen.
        if near := difflib.get_close_matches(key, known, n=1, cutoff=0.7):
            raise _FaultyLine(
                f"found the key {key!r}, expected {near[0]!r}: correct it, or put it under 'metadata' if it is meant so"
            )
    if _ALIAS in row:
        if "document_ids" in row:
            raise _FaultyLine(f"found both 'document_ids' and {_ALIAS!r}, expected one of them")
        row["document_ids"] = row.pop(_ALIAS)
    try:
        line = _Line.model_validate(row)
    except ValidationError as error:
        key = str(error.errors()[0]["loc"][0])
        found = f"{key!r}: {_clip(row[key])}" if key in row else f"no {key!r}"
        raise _FaultyLine(f"found {found}, expected {_Line.model_fields[key].description}") from error
    if line.document_ids and not line.answers:
        raise _FaultyLine(
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


def question_id(question: str) -> str:
    """The id of an example that has none: a hash of its question."""
    return "q-" + hashlib.sha256(question.strip().encode()).hexdigest()[:16]


def _json_object(raw: bytes) -> dict[str, Any]:
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise _FaultyLine(
            f"found the byte 0x{raw[error.start]:02x} at position {error.start + 1}, expected UTF-8: save it as UTF-8"
        ) from error
    try:
        row = json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_no_constant)
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise _FaultyLine("found half of a surrogate pair (\\ud800 to \\udfff), expected whole characters") from error
    except _FaultyLine:
        raise
    except json.JSONDecodeError as error:
        raise _FaultyLine(
            f"found malformed JSON ({error.msg} at column {error.colno}), expected one JSON object a line"
        ) from error
    except (ValueError, RecursionError) as error:
        raise _FaultyLine("found a value that is too deep or too long, expected a plain JSON object") from error
    if not isinstance(row, dict):
        raise _FaultyLine(f"found {_clip(row)}, expected one JSON object a line")
    return row


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _FaultyLine(f"found the key {twice!r} twice, expected it once")
    return row


def _no_constant(name: str) -> None:
    raise _FaultyLine(f"found {name}, expected JSON")


def _clip(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."


def _told(faults: Sequence[str], what: str, do: str) -> str:
    if len(faults) == 1:
        return f"{faults[0]}; {do}"
    more = f"\n  and {len(faults) - SHOWN_FAULTS} more" if len(faults) > SHOWN_FAULTS else ""
    listed = "\n  ".join(faults[:SHOWN_FAULTS])
    return f"found {len(faults)} faults in {what}; {do}:\n  {listed}{more}"
