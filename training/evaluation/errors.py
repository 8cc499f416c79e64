"""Why an answer is wrong: each fault in one bucket, which says what to do about it.

The first cause counts: a passage that was not found cannot be read, and what was not read cannot be cited. Knows
nothing about how answers come about.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from retrieval.catalog import Catalog
from retrieval.prompt import cited_marks, strip_marks, strip_thinking
from training.data.matching import holds_answer, supporting
from training.evaluation.clusters import clusters
from training.evaluation.evaluate import Record
from training.scoring.answer_metrics import answer_tokens
from training.scoring.task_scores import parse_object
from training.tasks.task import ANSWERING

Bucket = Literal[
    "not retrieved",
    "retrieved and ignored",
    "wrong span",
    "wrongly abstained",
    "should have abstained",
    "wrong citation",
    "wrong label",
    "wrong fields",
    "wrong format",
]

ADVICE: Mapping[Bucket, str] = {
    "not retrieved": "tune the embedder, or look at how these documents are split and written",
    "retrieved and ignored": "tune the generator on rows with hard distractors, or show fewer passages",
    "wrong span": "tune the generator on questions of this kind; check that their reference answers agree",
    "wrongly abstained": "lower abstain_below or the share of abstentions in training (abstention_share)",
    "should have abstained": "raise abstain_below or abstention_share; bring questions that nothing answers",
    "wrong citation": "a prompt that asks for the citation more plainly, or rows with more passages",
    "wrong label": "tune the generator on more rows of this label; check that people agree on it",
    "wrong fields": "tune the generator on rows of this task; say in its instruction what each field is",
    "wrong format": "a prompt with worked examples (lockstep study), or a few hundred training rows",
}
"""What usually helps, in the order of causes."""

_MARKUP = re.compile(r"<\|?\w+|\|>|^\s*(?:#|```|\{|Question:|Answer:|Passage)", re.MULTILINE)
"""What no answer in words has: remains of a template, of the prompt, or of code."""
_TIMES_LONGER, _SPARE = 6, 16
"""An answer with more words than so many times the reference's, and so many on top, retells instead of answering."""


@dataclass(frozen=True)
class Fault:
    """A record with its bucket."""

    record: Record
    bucket: Bucket


def faults(records: Iterable[Record], chunks: Mapping[str, Mapping[str, str]], *, shown: int) -> list[Fault]:
    """The records at fault, each with its first cause; one that is right but for its citation counts, too.

    Args:
        chunks: document id to the texts of its chunks by chunk id, of every document that was served or should have
            been.
        shown: how many of the served passages the prompt shows.
    """
    found = ((record, bucket_of(record, chunks, shown=shown)) for record in records)
    return [Fault(record, bucket) for record, bucket in found if bucket is not None]


def bucket_of(record: Record, chunks: Mapping[str, Mapping[str, str]], *, shown: int) -> Bucket | None:
    """The first cause of what is wrong with an answer; None where nothing is, or nothing was answered."""
    if record.outcome is None or record.outcome == "correctly_abstained":
        return None
    if record.outcome == "hallucinated":
        return "should have abstained"
    served = record.passages[:shown]
    if record.kind != ANSWERING:
        return _bucket_of_task(record, served)
    oracles = _oracles(record, chunks)
    read = [number for number, chunk in enumerate(served, start=1) if chunk in oracles]
    answer = record.answer or ""
    cited = cited_marks(answer, len(served))
    if record.outcome == "correct":
        if not cited:
            return "wrong format"
        return None if not oracles or set(cited) & set(read) else "wrong citation"
    if oracles and not read:
        return "not retrieved"
    if record.outcome == "skipped":
        return "wrongly abstained"
    if _misshapen(answer, record.answers):
        return "wrong format"
    texts = {number: _text(chunk, chunks) for number, chunk in enumerate(served, start=1)}
    elsewhere = bool(cited) and not set(cited) & set(read)
    if not elsewhere and any(_says(texts[number], answer) for number in read):
        return "wrong span"
    return "retrieved and ignored"


def _bucket_of_task(record: Record, served: Sequence[str]) -> Bucket | None:
    """Of labels, fields and summaries, which no passage holds in its words; a summary in other words is no fault."""
    if record.outcome == "correct":
        return None
    if record.outcome == "skipped":
        return "wrongly abstained"
    if record.document_ids and not {chunk.rpartition("#")[0] for chunk in served} & set(record.document_ids):
        return "not retrieved"
    match record.kind:
        case "classification":
            return "wrong label"
        case "extraction":
            return "wrong fields" if parse_object(strip_thinking(record.answer or "")) is not None else "wrong format"
    return None if (record.answer or "").strip() else "wrong format"


def summary(found: Sequence[Fault], asked: Sequence[Record], *, examples: int = 3) -> list[dict[str, Any]]:
    """A row for each bucket that is not empty, the fullest first.

    Args:
        asked: the records of all questions.
        examples: questions shown of each bucket, of different groups where there are such.

    Returns:
        ``bucket``, ``n``, ``share`` of the questions, ``advice``, ``documents`` (those most concerned, with their
        counts), ``clusters`` (where they lie together) and ``examples``.
    """
    by_bucket: dict[Bucket, list[Record]] = {}
    for fault in found:
        by_bucket.setdefault(fault.bucket, []).append(fault.record)
    rows = []
    for bucket, records in sorted(by_bucket.items(), key=lambda one: (-len(one[1]), list(ADVICE).index(one[0]))):
        concerned = Counter(document for record in records for document in record.document_ids)
        rows.append(
            {
                "bucket": bucket,
                "n": len(records),
                "share": len(records) / len(asked),
                "advice": ADVICE[bucket],
                "documents": concerned.most_common(3),
                "clusters": clusters(records, asked),
                "examples": [
                    {
                        "id": record.id,
                        "question": record.question,
                        "answer": record.answer,
                        "reference": list(record.answers),
                    }
                    for record in list({record.group: record for record in records}.values())[:examples]
                ],
            }
        )
    return rows


def concerned_chunks(catalog: Catalog, records: Sequence[Record]) -> dict[str, dict[str, str]]:
    """The chunks of all documents that were served or should have been, as :func:`faults` takes them."""
    names = {name for record in records for name in record.document_ids}
    names |= {chunk.rpartition("#")[0] for record in records for chunk in record.passages}
    found: dict[str, dict[str, str]] = {}
    for stored in catalog.live_chunks(sorted(names)):
        found.setdefault(stored.chunk.document_id, {})[stored.chunk.id] = stored.chunk.text
    return found


def before_and_after(
    catalog: Catalog, before: tuple[Sequence[Record], int], after: tuple[Sequence[Record], int]
) -> list[dict[str, Any]]:
    """:func:`summary` of what is still wrong, each row with ``before``, how many there were.

    Args:
        before, after: the records of two systems, and how many passages each shows.
    """
    chunks = concerned_chunks(catalog, (*before[0], *after[0]))
    had, has = (faults(records, chunks, shown=shown) for records, shown in (before, after))
    counts = Counter(fault.bucket for fault in had)
    rows = [{**row, "before": counts.pop(row["bucket"], 0)} for row in summary(has, after[0])]
    nothing: dict[str, Any] = {"n": 0, "share": 0.0, "documents": [], "clusters": [], "examples": []}
    gone = [{"bucket": bucket, **nothing, "advice": ADVICE[bucket], "before": n} for bucket, n in counts.most_common()]
    return rows + gone


def _oracles(record: Record, chunks: Mapping[str, Mapping[str, str]]) -> set[str]:
    """Ids of the chunks that answer the question: of its documents, those that hold an answer, else all."""
    found: set[str] = set()
    for document in record.document_ids:
        own = chunks.get(document, {})
        names = list(own)
        holding = {names[place] for place in supporting(list(own.values()), record.answers)}
        found |= holding or set(names)
    return found


def _text(chunk: str, chunks: Mapping[str, Mapping[str, str]]) -> str:
    return chunks.get(chunk.rpartition("#")[0], {}).get(chunk, "")


def _says(text: str, answer: str) -> bool:
    """Whether an answer is out of a text: in its words, or nearly."""
    plain = strip_marks(answer)
    if holds_answer(text, [plain]):
        return True
    words, known = answer_tokens(plain), set(answer_tokens(text))
    return bool(words) and sum(word in known for word in words) >= 0.8 * len(words)


def _misshapen(answer: str, references: Sequence[str]) -> bool:
    """Whether an answer is no answer in words: empty, markup, or a retelling."""
    plain = strip_marks(answer).strip()
    longest = max((len(answer_tokens(one)) for one in references), default=0)
    return not plain or bool(_MARKUP.search(plain)) or len(answer_tokens(plain)) > _TIMES_LONGER * longest + _SPARE
