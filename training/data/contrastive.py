"""Contrastive rows: a question, a chunk that supports its answer, and hard negatives out of the live index.

A negative is a chunk that retrieval ranks high, that is less similar than the positive by a margin, and
that nothing marks as a possible positive. Knows nothing about the training that follows.
"""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from retrieval.errors import TrainingError
from training.data.examples import BATCH, Example, SplitName
from training.data.matching import holds_answer, supporting
from training.data.supervised import refuse_test


@dataclass(frozen=True)
class Candidate:
    """A chunk as seen from one question."""

    chunk_id: str
    document_id: str
    text: str
    """What the embedder embeds: ``Chunk.indexed_text``."""
    similarity: float
    """Cosine with the question under the embedder that is served now."""
    rank: int | None
    """1 for the first result; None if it was not retrieved."""


class CandidateSource(Protocol):
    """Retrieval as mining needs it."""

    def candidates(self, questions: Sequence[str]) -> Sequence[Sequence[Candidate]]:
        """The retriever's results for each question, best first."""

    def of_documents(
        self, questions: Sequence[str], document_ids: Sequence[Sequence[str]]
    ) -> Sequence[Sequence[Candidate]]:
        """All chunks of the documents named for each question, retrieved or not."""


@dataclass(frozen=True)
class ContrastiveRow:
    """Anchor, positive, and negatives (hardest first; there may be fewer than asked for, or none)."""

    example_id: str
    anchor: str
    positive: str
    negatives: tuple[str, ...]
    positive_id: str
    negative_ids: tuple[str, ...]
    groups: tuple[str, ...]
    """The near-duplicate groups of all documents that support the answer."""
    split: SplitName | None
    weak: bool


@dataclass
class MiningStats:
    """What :func:`mine_contrastive` saw and left out."""

    examples: int = 0
    rows: int = 0
    negatives: dict[int, int] = field(default_factory=dict)
    """Number of negatives to the number of rows that have so many."""
    positive_not_retrieved: int = 0
    """Rows whose positive is not among the results."""
    positive_by_similarity: int = 0
    """Rows whose document holds an answer in no chunk, so that its most similar chunk is the positive."""
    dropped: dict[str, int] = field(default_factory=dict)
    """Candidates that did not become negatives, by reason."""
    skipped: dict[str, list[str]] = field(default_factory=dict)
    """Reason to the ids of examples that gave no row."""


def mine_contrastive(
    examples: Sequence[Example],
    source: CandidateSource,
    *,
    groups: Mapping[str, str],
    negatives: int = 4,
    ranks: tuple[int, int] = (1, 50),
    margin: float = 0.05,
    held_out: Collection[str] = (),
    batch: int = BATCH,
) -> tuple[list[ContrastiveRow], MiningStats]:
    """Mine one row for each answerable example and each document that supports it.

    Args:
        groups: document id to near-duplicate group.
        negatives: how many a row has at most.
        ranks: first and last rank that is looked at.
        margin: a negative's similarity is below (1 - margin) times the positive's (NV-Retriever,
            arXiv 2407.15831).
        held_out: documents that the embedder shall not see in training, as negatives either.

    Raises:
        LeakError: an example is of the test split, or is supported by a held out document.
        TrainingError: a similarity that is not finite.
    """
    first, last = ranks
    if not 1 <= first <= last:
        raise ValueError(f"found ranks {ranks}, expected (first, last) from 1 on")
    if not 0 <= margin < 1:
        raise ValueError(f"found margin {margin}, expected 0 up to below 1")
    if negatives < 0:
        raise ValueError(f"found negatives {negatives}, expected 0 or more")
    refuse_test(examples, held_out)
    hidden = frozenset(held_out)
    stats = MiningStats(examples=len(examples))
    rows: list[ContrastiveRow] = []
    usable = []
    for example in examples:
        if not example.answerable:
            stats.skipped.setdefault("the corpus does not answer it", []).append(example.id)
        elif not example.document_ids:
            stats.skipped.setdefault("no document is known to support it", []).append(example.id)
        else:
            usable.append(example)
    dropped: Counter[str] = Counter()
    for start in range(0, len(usable), batch):
        part = usable[start : start + batch]
        questions = [example.question for example in part]
        results = source.candidates(questions)
        own = source.of_documents(questions, [example.document_ids for example in part])
        for example, found, chunks in zip(part, results, own, strict=True):
            _check_finite([*found, *chunks], example)
            ranked = {candidate.chunk_id for candidate in found}
            positives = _positives(example, chunks, stats)
            if not positives:
                stats.skipped.setdefault("its documents have no chunk", []).append(example.id)
            window = [c for c in found if c.rank is not None and first <= c.rank <= last]
            dropped["outside the rank window"] += len(found) - len(window)
            for positive in positives:
                kept = _negatives(example, positive, window, groups, hidden, negatives, margin, dropped)
                stats.positive_not_retrieved += positive.chunk_id not in ranked
                rows.append(
                    ContrastiveRow(
                        example_id=example.id,
                        anchor=example.question,
                        positive=positive.text,
                        negatives=tuple(candidate.text for candidate in kept),
                        positive_id=positive.chunk_id,
                        negative_ids=tuple(candidate.chunk_id for candidate in kept),
                        groups=tuple(sorted({groups.get(one, one) for one in example.document_ids})),
                        split=example.split,
                        weak=example.weak,
                    )
                )
    stats.rows = len(rows)
    stats.negatives = dict(sorted(Counter(len(row.negatives) for row in rows).items()))
    stats.dropped = {reason: n for reason, n in sorted(dropped.items()) if n}
    return rows, stats


def _positives(example: Example, chunks: Sequence[Candidate], stats: MiningStats) -> list[Candidate]:
    """For each supporting document its chunk that holds an answer, the most similar if there are several."""
    positives = []
    for document in example.document_ids:
        own = [chunk for chunk in chunks if chunk.document_id == document]
        holding = [own[i] for i in supporting([chunk.text for chunk in own], example.answers)]
        stats.positive_by_similarity += bool(own) and not holding
        if own:
            positives.append(max(holding or own, key=lambda chunk: chunk.similarity))
    return positives


def _negatives(
    example: Example,
    positive: Candidate,
    window: Sequence[Candidate],
    groups: Mapping[str, str],
    hidden: frozenset[str],
    limit: int,
    margin: float,
    dropped: Counter[str],
) -> list[Candidate]:
    """The first ``limit`` candidates that nothing speaks against."""
    supporting_groups = {groups.get(document, document) for document in example.document_ids}
    # Below the positive by the margin, for a similarity below zero too.
    ceiling = positive.similarity - margin * abs(positive.similarity)
    kept: dict[str, Candidate] = {}  # by text
    for candidate in window:
        if candidate.document_id in example.document_ids:
            reason = "of a supporting document"
        elif (
            groups.get(candidate.document_id, candidate.document_id) in supporting_groups
            or candidate.text == positive.text
        ):
            reason = "near-duplicate of a supporting document"
        elif candidate.document_id in hidden:
            reason = "held out"
        elif holds_answer(candidate.text, example.answers):
            reason = "holds an answer"
        elif candidate.similarity >= ceiling:
            reason = "within the margin of the positive"
        elif candidate.text in kept:
            reason = "same text as another negative"
        elif len(kept) >= limit:
            reason = "enough negatives"
        else:
            kept[candidate.text] = candidate
            continue
        dropped[reason] += 1
    return list(kept.values())


def _check_finite(candidates: Sequence[Candidate], example: Example) -> None:
    for candidate in candidates:
        if not math.isfinite(candidate.similarity):
            raise TrainingError(
                f"found the similarity {candidate.similarity} between the question {example.where} and the chunk "
                f"{candidate.chunk_id!r}, expected a finite number: the embedder or its index is damaged"
            )
