"""Contrastive rows: a question, a chunk that supports its answer, and hard negatives out of the live index.

A negative is a chunk that retrieval ranks high, that is less similar than the positive by a margin, and
that nothing marks as a possible positive. Where there is a teacher (a cross-encoder), it says which of them answer
the question all the same. Knows nothing about the training that follows.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from retrieval.documents import Passage
from retrieval.errors import TrainingError
from training.data.candidates import SearcherCandidates
from training.data.examples import Example, SplitName, passage_evidence, searched
from training.data.matching import holds_answer, supporting
from training.data.supervised import methods_of, refuse_test

MARGIN = 0.05
"""A negative's similarity is below (1 - MARGIN) times the positive's: the best setting of NV-Retriever
(arXiv 2407.15831). The same holds for the relevance that a teacher gives: what a cross-encoder takes for relevant is
no negative (RocketQA's denoised negatives, Qu et al. 2021, arXiv 2010.08191)."""

Teacher = Callable[[str, Sequence[str]], Sequence[float] | np.ndarray]
"""A question and passages to the log odds that each answers it."""


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
    teacher: tuple[float, ...] = ()
    """Log odds that a teacher gives the positive and then each negative; empty without one."""


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
    teacher: Teacher | None = None,
) -> tuple[list[ContrastiveRow], MiningStats]:
    """Mine one row for each answerable example and each document that supports it.

    Args:
        groups: document id to near-duplicate group.
        negatives: how many a row has at most.
        held_out: documents that the embedder shall not see in training, as negatives either.
        teacher: drops negatives that it finds about as relevant as the positive, and scores the others.

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
                text = _without_query(passage_evidence(positive), example)
                judge = None if teacher is None else _Judge(teacher, example.question, text)
                kept = _negatives(example, positive, found, groups, hidden, negatives, dropped, judge)
                stats.positive_not_retrieved += positive.chunk_id not in ranked
                rows.append(
                    ContrastiveRow(
                        example_id=example.id,
                        anchor=example.question,
                        positive=text,
                        negatives=tuple(kept),
                        positive_id=positive.chunk_id,
                        negative_ids=tuple(kept.values()),
                        groups=tuple(sorted({groups.get(one, one) for one in example.document_ids})),
                        split=example.split,
                        weak=example.weak,
                        teacher=() if judge is None else tuple(judge.log_odds(one) for one in (text, *kept)),
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
    judge: "_Judge | None",
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
        elif judge is not None and judge.as_relevant(text):  # last, since each question to it costs
            reason = "about as relevant as the positive, says the teacher"
        else:
            kept[text] = passage.chunk_id
            continue
        dropped[reason] += 1
    return kept


class _Judge:
    """What a teacher says of passages for one question; each is asked for once."""

    def __init__(self, teacher: Teacher, question: str, positive: str) -> None:
        self._teacher, self._question, self._known = teacher, question, dict[str, float]()
        self._ceiling = (1 - MARGIN) * self._relevance(positive)

    def log_odds(self, text: str) -> float:
        """That a passage answers the question.

        Raises:
            TrainingError: they are not finite.
        """
        if text not in self._known:
            found = float(self._teacher(self._question, [text])[0])
            if not math.isfinite(found):
                raise TrainingError(
                    f"found the teacher's score {found} for the question {self._question!r}, expected a finite "
                    "number: the cross-encoder is damaged"
                )
            self._known[text] = found
        return self._known[text]

    def as_relevant(self, text: str) -> bool:
        """Whether a passage is about as relevant as the positive, or more."""
        return self._relevance(text) >= self._ceiling

    def _relevance(self, text: str) -> float:
        return float(0.5 * (1 + math.tanh(self.log_odds(text) / 2)))  # the logistic function, without overflow


def _check_finite(passages: Sequence[Passage], example: Example) -> None:
    for passage in passages:
        if not math.isfinite(passage.similarity):
            raise TrainingError(
                f"found the similarity {passage.similarity} between the question {example.where} and the chunk "
                f"{passage.chunk_id!r}, expected a finite number: the embedder or its index is damaged"
            )
