"""What one arm did with each question, as rows to look at or to work on with other tools."""

from collections.abc import Iterator
from typing import Any

from retrieval.catalog import Catalog
from training.evaluation.errors import bucket_of, concerned_chunks
from training.evaluation.evaluate import ANSWER_METRICS, RETRIEVAL_METRICS, ArmResult, Record


def question_rows(result: ArmResult, catalog: Catalog, *, shown: int) -> Iterator[dict[str, Any]]:
    """One row for each question, in their order.

    Args:
        shown: how many of the served passages the prompt shows.

    Returns:
        ``passages`` as served, best first; ``ranks`` of the documents that support the answer (1 is the best; None
        where a document was not found); ``scores`` by metric. What was not measured, and the text of a passage
        that is gone from the catalog meanwhile, is None. ``bucket`` is the first cause of what is wrong.
    """
    chunks = concerned_chunks(catalog, result.records)
    texts = {chunk_id: text for own in chunks.values() for chunk_id, text in own.items()}
    for record in result.records:
        yield {
            "id": record.id,
            "question": record.question,
            "reference_answers": list(record.answers),
            "document_ids": list(record.document_ids),
            "weak": record.weak,
            "group": record.group,
            "release": result.release,
            "passages": [
                {"rank": rank, "document_id": _document(one), "chunk_id": one, "text": texts.get(one)}
                for rank, one in enumerate(record.passages, start=1)
            ],
            "ranks": {name: _rank(record, name) for name in record.document_ids},
            "answer": record.answer,
            **({"task": record.task} if record.task else {}),
            "outcome": record.outcome,
            "bucket": bucket_of(record, chunks, shown=shown),
            "scores": _scores(record),
        }


def _document(chunk_id: str) -> str:
    return chunk_id.rpartition("#")[0]


def _rank(record: Record, document_id: str) -> int | None:
    return record.ranked.index(document_id) + 1 if document_id in record.ranked else None


def _scores(record: Record) -> dict[str, float | None]:
    tokens = record.tokens or None
    return {
        **(record.retrieval or dict.fromkeys(RETRIEVAL_METRICS)),
        "similarity": record.similarity,
        **{name: getattr(record, name) for name in ANSWER_METRICS},
        "loss": record.loss_sum / tokens if tokens and record.loss_sum is not None else None,
        "token_accuracy": record.correct_tokens / tokens if tokens and record.correct_tokens is not None else None,
    }
