"""Contrastive rows: a question, a chunk that supports its answer, and hard negatives out of the live index.

A negative is a chunk that retrieval ranks high, that is less similar than the positive by a margin, and
that nothing marks as a possible positive. Knows nothing about the training that follows.
"""

import math
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from retrieval.documents import Passage
from retrieval.errors import TrainingError
from training.data.candidates import SearcherCandidates
from training.data.examples import Example, SplitName, passage_evidence, searched
from training.data.matching import holds_answer, supporting
from training.data.supervised import methods_of, refuse_test

MARGIN = 0.05
"""A negative's similarity is below (1 - MARGIN) times the positive's: the best setting of NV-Retriever
(arXiv 2407.15831)."""


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
    methods: dict[str, int] = field(default_factory=dict)
    """Rows by how their examples were made: by rules, a generator, or given."""
    positive_not_retrieved: int = 0
    """Rows whose positive is not among the results."""
    positive_by_similarity: int = 0
    """Rows whose document holds an answer in no chunk, so that its most similar chunk is the positive."""
    dropped: dict[str, int] = field(default_factory=dict)
    """results that did not become negatives, by reason."""
    skipped: dict[str, list[str]] = field(default_factory=dict)
    """Reason to the ids of examples that gave no row."""


def mine_contrastive(
    examples: Sequence[Example],
    candidates: SearcherCandidates,
    *,
    groups: Mapping[str, str],
    negatives: int = 4,
    held_out: Collection[str] = (),
) -> tuple[list[ContrastiveRow], MiningStats]:
    """Mine one row for each answerable example and each document that supports it.

    Args:
        groups: document id to near-duplicate group.
        negatives: how many a row has at most.
        held_out: documents that the embedder shall not see in training, as negatives either.

    Raises:
        LeakError: an example is of the test split, or is supported by a held out document.
        TrainingError: a similarity that is not finite.
    """
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
    for batch, results in searched(usable, candidates.search):
        own = candidates.of_documents(batch)
        for example, found, chunks in zip(batch, results, own, strict=True):
            _check_finite([*found, *chunks], example)
            ranked = {passage.chunk_id for passage in found}
            positives = _positives(example, chunks, stats)
            if not positives:
                stats.skipped.setdefault("its documents have no chunk", []).append(example.id)
            for positive in positives:
                kept = _negatives(example, positive, found, groups, hidden, negatives, dropped)
                stats.positive_not_retrieved += positive.chunk_id not in ranked
                rows.append(
                    ContrastiveRow(
                        example_id=example.id,
                        anchor=example.question,
                        positive=_without_query(passage_evidence(positive), example),
                        negatives=tuple(kept),
                        positive_id=positive.chunk_id,
                        negative_ids=tuple(kept.values()),
                        groups=tuple(sorted({groups.get(one, one) for one in example.document_ids})),
                        split=example.split,
                        weak=example.weak,
                    )
                )
    stats.rows = len(rows)
    stats.methods = methods_of(rows, examples)
    stats.negatives = dict(sorted(Counter(len(row.negatives) for row in rows).items()))
    stats.dropped = dict(sorted(dropped.items()))
    return rows, stats


def _positives(example: Example, chunks: Sequence[Passage], stats: MiningStats) -> list[Passage]:
    """For each supporting document its chunk that holds an answer, the most similar if there are several."""
    positives = []
    for document in example.document_ids:
        own = [chunk for chunk in chunks if chunk.document_id == document]
        holding = [own[i] for i in supporting([passage_evidence(chunk) for chunk in own], example.answers)]
        stats.positive_by_similarity += bool(own) and not holding
        if own:
            positives.append(max(holding or own, key=lambda chunk: chunk.similarity))
    return positives


def _without_query(text: str, example: Example) -> str:
    """A positive's text; without its query where that is a sentence of it, which would be found by its letters."""
    if not example.embedder_only:
        return text
    rest = re.sub(r"\s+".join(map(re.escape, example.question.split())), "", text, count=1).strip()
    return rest or text


def _negatives(
    example: Example,
    positive: Passage,
    found: Sequence[Passage],
    groups: Mapping[str, str],
    hidden: frozenset[str],
    limit: int,
    dropped: Counter[str],
) -> dict[str, str]:
    """Text to chunk id of the first ``limit`` results that nothing speaks against."""
    supporting_groups = {groups.get(document, document) for document in example.document_ids}
    # Below the positive by the margin, for a similarity below zero too.
    ceiling = positive.similarity - MARGIN * abs(positive.similarity)
    kept: dict[str, str] = {}
    for passage in found:
        text, document = passage_evidence(passage), passage.document_id
        if document in example.document_ids:
            reason = "of a supporting document"
        elif groups.get(document, document) in supporting_groups or text == passage_evidence(positive):
            reason = "near-duplicate of a supporting document"
        elif document in hidden:
            reason = "held out"
        elif holds_answer(text, example.answers):
            reason = "holds an answer"
        elif passage.similarity >= ceiling:
            reason = "within the margin of the positive"
        elif text in kept:
            reason = "same text as another negative"
        elif len(kept) >= limit:
            reason = "enough negatives"
        else:
            kept[text] = passage.chunk_id
            continue
        dropped[reason] += 1
    return kept


def _check_finite(passages: Sequence[Passage], example: Example) -> None:
    for passage in passages:
        if not math.isfinite(passage.similarity):
            raise TrainingError(
                f"found the similarity {passage.similarity} between the question {example.where} and the chunk "
                f"{passage.chunk_id!r}, expected a finite number: the embedder or its index is damaged"
            )
