"""The answers of several systems to the same questions, with the passages that each was given.

``side_by_side.json`` holds it; :mod:`training.report.answers_page` draws it. A passage's text is kept once, however
many questions it was served for.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retrieval.catalog import Catalog
from retrieval.documents import Chunk
from retrieval.prompt import cited_marks, strip_marks
from training.data.matching import supporting
from training.evaluation.errors import bucket_of
from training.evaluation.evaluate import ArmResult, Record
from training.report.changes import RIGHT

SCHEMA = 1
FILE = "side_by_side.json"
WINDOW = 900
"""Characters of a passage that are kept."""
_BEFORE = 200
"""Characters kept before the first place that is marked, where the window cannot begin at the passage's begin."""
_PLACES = 5
"""Of one answer in one passage that are marked at most: "5" stands everywhere."""
_LONGEST = 300
"""Characters of an answer that is looked for; a longer one stands nowhere as a whole."""
EXPECTED = "expected"
_BETWEEN = r"[\s*_`|]*"
"""What may stand between two words of a text that an answer has together: breaks, and Markdown."""


@dataclass(frozen=True)
class Shown:
    """A system whose answers are shown."""

    result: ArmResult
    passages: int
    """How many of the served passages its prompt shows at most."""


@dataclass(frozen=True)
class _Mark:
    """A place in a passage where an answer stands."""

    question: int
    label: str
    start: int
    end: int


def turned(before: Record, after: Record) -> str:
    """*fixed*, *broken*, *both wrong* or *both right*."""
    was, is_ = before.outcome in RIGHT, after.outcome in RIGHT
    return ("both right" if was else "fixed") if is_ else ("broken" if was else "both wrong")


def side_by_side(catalog: Catalog, systems: Sequence[Shown], *, run: str, release: str = "") -> dict[str, Any]:
    """Everything that the page shows, as one JSON value.

    Args:
        systems: the baseline first, the judged candidate last.

    Returns:
        ``systems`` (names), ``counts`` of fixed, broken, both wrong and both right, ``buckets`` of what the last
        system does wrong with their counts; ``questions``, each with what every system said; ``passages``: document,
        title, text (a piece of it where it is ``cut``).
    """
    by_id = [{one.id: one for one in system.result.records if one.outcome is not None} for system in systems]
    asked = [id for id in by_id[-1] if all(id in one for one in by_id)]
    chunks = _chunks(catalog, [one[id] for one in by_id for id in asked])
    texts: dict[str, dict[str, str]] = {}
    for chunk in chunks.values():
        texts.setdefault(chunk.document_id, {})[chunk.id] = chunk.text
    questions: list[dict[str, Any]] = []
    marks: dict[str, list[_Mark]] = {}
    for number, id in enumerate(asked):
        records = [one[id] for one in by_id]
        row = _question(records, systems, texts)
        questions.append(row)
        for chunk_id in row["passages"]:
            found = _marked(number, chunks[chunk_id].text, records, systems)
            marks.setdefault(chunk_id, []).extend(found)
    numbers = {chunk_id: number for number, chunk_id in enumerate(marks)}
    passages = []
    for chunk_id, own in marks.items():
        start = _window(chunks[chunk_id].text, own)
        passages.append(_passage(chunks[chunk_id], start))
        for mark in own:
            place = questions[mark.question]["passages"][chunk_id]
            if start <= mark.start and mark.end <= start + WINDOW:
                place["marks"].append([mark.start - start, mark.end - start, mark.label])
            else:
                place["beyond"] = True
    for row in questions:
        row["passages"] = [{"passage": numbers[chunk_id], **place} for chunk_id, place in row["passages"].items()]
    value = {
        "schema": SCHEMA,
        "run": run,
        "release": release,
        "systems": [system.result.name for system in systems],
        "window": WINDOW,
        "counts": dict(Counter(row["turn"] for row in questions)),
        "buckets": dict(Counter(row["bucket"] for row in questions if row["bucket"]).most_common()),
        "questions": questions,
        "passages": passages,
    }
    # Half a character, as broken files hold them, cannot be written; a question mark takes its one place.
    return dict(json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")))


def _chunks(catalog: Catalog, records: Sequence[Record]) -> dict[str, Chunk]:
    names = {name for record in records for name in record.document_ids}
    names |= {chunk.rpartition("#")[0] for record in records for chunk in record.passages}
    return {stored.chunk.id: stored.chunk for stored in catalog.live_chunks(sorted(names))}


def _question(
    records: Sequence[Record], systems: Sequence[Shown], texts: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    first, last = records[0], records[-1]
    passages: dict[str, dict[str, Any]] = {}
    said = []
    for record, system in zip(records, systems, strict=True):
        served = record.passages[: system.passages]
        for rank, chunk_id in enumerate(served, start=1):
            document = chunk_id.rpartition("#")[0]
            if chunk_id not in texts.get(document, {}):
                continue  # gone from the catalog meanwhile
            right = document in last.document_ids
            place = passages.setdefault(chunk_id, {"ranks": {}, "right": right, "marks": [], "beyond": False})
            place["ranks"][system.result.name] = rank
        said.append(
            {
                "answer": record.answer or "",
                "outcome": record.outcome,
                "score": record.answer_score,
                "cited": cited_marks(record.answer or "", len(served)),
            }
        )
    shown = {chunk_id.rpartition("#")[0] for chunk_id in passages}
    for document in last.document_ids:
        wanted = None if document in shown else _wanted(texts.get(document, {}), last.answers)
        if wanted is not None:
            passages[wanted] = {"ranks": {}, "right": True, "marks": [], "beyond": False}
    return {
        "id": last.id,
        "question": last.question,
        "answers": list(last.answers),
        "turn": turned(first, last),
        "bucket": bucket_of(last, texts, shown=systems[-1].passages),
        "said": said,
        "passages": passages,
    }


def _wanted(chunks: Mapping[str, str], answers: Sequence[str]) -> str | None:
    """The chunk of a document that nobody was served and that should have been."""
    names = list(chunks)
    places = supporting(list(chunks.values()), answers)
    return names[places[0] if places else 0] if names else None


def _marked(question: int, text: str, records: Sequence[Record], systems: Sequence[Shown]) -> Iterator[_Mark]:
    for answer in dict.fromkeys(records[-1].answers):
        for start, end in _places(text, answer):
            yield _Mark(question, EXPECTED, start, end)
    for record, system in zip(records, systems, strict=True):
        if record.outcome in ("skipped", "correctly_abstained"):
            continue
        for start, end in _places(text, strip_marks(record.answer or "")):
            yield _Mark(question, system.result.name, start, end)


def _places(text: str, answer: str) -> list[tuple[int, int]]:
    """Where an answer stands in a text, in its words, whatever the case and the spaces between them."""
    words = re.findall(r"\w+|[^\w\s]", answer.strip().strip(".")) if len(answer) <= _LONGEST else []
    if not any(word[0].isalnum() for word in words):
        return []
    pattern = rf"(?<!\w)(?<!\d[.,]){_BETWEEN.join(map(re.escape, words))}(?!\w)(?![.,]\d)"  # 1 is not in 1.5
    return [match.span() for match, _ in zip(re.finditer(pattern, text, re.IGNORECASE), range(_PLACES), strict=False)]


def _window(text: str, marks: Sequence[_Mark]) -> int:
    """Where the piece of a passage that is kept begins: at its begin, unless what is marked lies beyond."""
    if len(text) <= WINDOW or not marks or max(mark.end for mark in marks) <= WINDOW:
        return 0
    return max(0, min(min(mark.start for mark in marks) - _BEFORE, len(text) - WINDOW))


def _passage(chunk: Chunk, start: int) -> dict[str, Any]:
    text = chunk.text[start : start + WINDOW]
    return {
        "document": chunk.document_id,
        "title": chunk.context.partition("\n")[0],
        "text": text,
        "before": start,
        "after": max(0, len(chunk.text) - start - WINDOW),
    }
