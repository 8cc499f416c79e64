"""Supervised rows: the prompt of serving over passages as the live retriever returns them, and its target.

Knows nothing about tokens or models. The row of an example depends on the seed, the example, what retrieval
returns for it and how many of the examples the corpus does not answer, and on no other row.
"""

import random
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from retrieval.documents import Passage
from retrieval.errors import LeakError
from retrieval.prompt import Demonstration, Message, Prompt, render
from training.data.distractors import MadeDistractor, look_alike
from training.data.examples import Example, Search, SplitName, passage_evidence, searched
from training.data.matching import first_verbatim, holds_answer, supporting
from training.tasks.task import Task

ChunksOf = Callable[[Sequence[str]], Sequence[Passage]]
"""Document ids to all chunks of these documents, as passages (score, rank and similarity are not used)."""


@dataclass(frozen=True)
class SupervisedRow:
    """Chat messages with passages, and the completion to learn."""

    example_id: str
    messages: tuple[Message, ...]
    completion: str
    passages: tuple[str, ...]
    """Chunk ids in the order of their marks."""
    answerable: bool
    """The corpus answers the question; if so and ``oracle_present`` is false, the oracle was left out on purpose."""
    oracle_present: bool
    oracle_position: int | None
    """Mark of the oracle (1 is the first passage); of the first one if there are several."""
    oracle_positions: tuple[int, ...]
    """Marks of all oracles: more than one where several documents support the answer."""
    oracle_retrieved: bool
    """Serving would have shown every oracle: all were among the first results. If false and
    ``oracle_present``, an oracle was put in that would be missing at serving time."""
    split: SplitName | None
    weak: bool
    task: str | None = None
    """Name of the task, where it is one that the workspace has a file of."""
    cites: bool = True
    """The completion is out of the passages and cites them, as answers to questions do."""


@dataclass
class SupervisedStats:
    """What :func:`build_supervised` saw and left out."""

    examples: int = 0
    rows: int = 0
    with_oracle: int = 0
    without_oracle: int = 0
    """Answerable, the oracle left out on purpose, target: the abstention."""
    unanswerable: int = 0
    oracle_retrieved: int = 0
    """Answerable examples whose oracles were among the first results."""
    oracle_ranked_low: int = 0
    """... whose oracles were among the results, not all of them among the first."""
    oracle_missing: int = 0
    """... with an oracle that retrieval did not return at all."""
    oracle_by_rank: int = 0
    """... where no chunk of a document holds an answer, so that its best passage counts as the oracle."""
    oracles_cut: int = 0
    """... with more oracles than passages."""
    fewer_passages: int = 0
    """Rows with fewer passages than asked for."""
    no_passage: int = 0
    """Rows without any passage."""
    methods: dict[str, int] = field(default_factory=dict)
    """Rows by how their examples were made: by rules, a generator, or given."""
    made: dict[str, int] = field(default_factory=dict)
    """Distractors that no document holds, by kind."""
    left_out: dict[str, int] = field(default_factory=dict)
    """Passages that were returned and not used as distractors, by reason."""
    skipped: dict[str, list[str]] = field(default_factory=dict)
    """Reason to the ids of examples that gave no row."""


@dataclass(frozen=True)
class _Oracles:
    passages: tuple[Passage, ...]
    by_answer: bool
    """Each was told by the answer it holds, or is its document's only chunk."""


def build_supervised(
    examples: Sequence[Example],
    search: Search,
    prompt: Prompt,
    *,
    chunks_of: ChunksOf,
    groups: Mapping[str, str],
    seed: int,
    passages: int = 4,
    abstention_share: float = 0.2,
    answered: Collection[str] = (),
    held_out: Collection[str] = (),
    distractors: Sequence[MadeDistractor] = (),
    demonstrate: Callable[[Example], Sequence[Demonstration]] = lambda example: (),
    tasks: Mapping[str, Task] | None = None,
) -> tuple[list[SupervisedRow], SupervisedStats]:
    """Build one row for each example.

    A row of a task whose result no passage holds in its words (a label, fields, a summary) shows what serving would
    show, with nothing put in or left out; without a passage of a document that supports it there is none.

    Args:
        search: the live retriever; it should return some times ``passages``, since what might support
            the answer is no distractor.
        chunks_of: for oracles that the retriever does not return.
        groups: document id to near-duplicate group.
        passages: how many a row holds, oracles included; at most what the prompt renders.
        abstention_share: of the rows, how many should be refused. The examples that the corpus does not answer
            count; answerable ones become rows without their oracle by the chance that makes up the rest.
        answered: ids of examples beside that share, which keep their oracle: they are there to teach an answer.
        held_out: documents whose passages are not shown to the generator in training.
        distractors: kinds that are made of the oracle, beside those that retrieval returns.
        demonstrate: the worked examples that the prompt of an example shows.
        tasks: by their names.

    Raises:
        LeakError: an example is of the test split, or is supported by a held out document.
    """
    if not 1 <= passages <= prompt.max_passages:
        raise ValueError(f"found passages {passages}, expected 1 to {prompt.max_passages}, which the prompt renders")
    if not 0 <= abstention_share <= 1:
        raise ValueError(f"found abstention_share {abstention_share}, expected 0 to 1")
    refuse_test(examples, held_out)
    hidden = frozenset(held_out)
    stats = SupervisedStats(examples=len(examples))
    if aside := [example.id for example in examples if example.embedder_only]:
        stats.skipped["made for the embedder only"] = aside
        examples = [example for example in examples if not example.embedder_only]
    known = tasks or {}
    task_of = {example.id: known.get(example.task or "") for example in examples}
    asked = [one for one in examples if _of_words(task_of[one.id]) and one.id not in answered]
    answerable = sum(example.answerable for example in asked)
    missing = abstention_share * len(asked) - (len(asked) - answerable)
    chance = max(0.0, missing / answerable) if answerable else 0.0
    rows: list[SupervisedRow] = []
    for batch, results in searched(examples, search):
        chunks = by_document(chunks_of(list(dict.fromkeys(doc for e in batch for doc in e.document_ids))))
        for example, found in zip(batch, results, strict=True):
            returned = list({passage.chunk_id: passage for passage in found}.values())
            shown = [passage for passage in returned if passage.document_id not in hidden]
            _count(stats.left_out, "held out", len(returned) - len(shown))
            task = task_of[example.id]
            if not example.answerable:
                stats.unanswerable += 1
                rows.append(_row(example, shown[:passages], prompt, (), False, demonstrate(example), task))
                continue
            if not _of_words(task):
                marks = tuple(
                    mark for mark, one in enumerate(shown[:passages], 1) if one.document_id in example.document_ids
                )
                if not marks:
                    stats.skipped.setdefault("retrieval shows no passage of its document", []).append(example.id)
                    continue
                stats.with_oracle += 1
                stats.oracle_retrieved += 1
                rows.append(_row(example, shown[:passages], prompt, marks, True, demonstrate(example), task))
                continue
            oracles = _find_oracles(example, chunks, returned, groups)
            if isinstance(oracles, str):
                stats.skipped.setdefault(oracles, []).append(example.id)
                continue
            returned_others = _distractors(example, shown, oracles, groups, stats)
            retrieved = _count_ranks(oracles, returned, passages, stats)
            row_of = random.Random(f"{seed}:{example.id}")
            if row_of.random() < chance and example.id not in answered:
                stats.without_oracle += 1
                rows.append(
                    _row(example, returned_others[:passages], prompt, (), retrieved, demonstrate(example), task)
                )
            else:
                stats.with_oracle += 1
                stats.oracles_cut += len(oracles.passages) > passages
                others = returned_others
                if made := look_alike(example, oracles.passages[0], distractors, row_of):
                    _count(stats.made, made[0])
                    others = [made[1], *returned_others]
                chosen, marks = _place(oracles.passages[:passages], others, passages, row_of)
                rows.append(_row(example, chosen, prompt, marks, retrieved, demonstrate(example), task))
    stats.rows = len(rows)
    stats.methods = methods_of(rows, examples)
    stats.fewer_passages = sum(len(row.passages) < passages for row in rows)
    stats.no_passage = sum(not row.passages for row in rows)
    return rows, stats


def refuse_test(examples: Sequence[Example], held_out: Collection[str]) -> None:
    """Check that no row is built of what is held out.

    Raises:
        LeakError: an example of the test split, or one that a held out document supports.
    """
    hidden = frozenset(held_out)
    leaks = [e.where for e in examples if e.split == "test" or not hidden.isdisjoint(e.document_ids)]
    if leaks:
        raise LeakError(
            f"found {len(leaks)} examples of the test set among those to build rows of ({', '.join(leaks[:5])}), "
            "expected none: select the examples of train or validation"
        )


def methods_of(rows: Sequence[Any], examples: Sequence[Example]) -> dict[str, int]:
    """How the examples of rows were made, with the numbers of rows."""
    method = {example.id: example.method for example in examples}
    return dict(Counter(method[row.example_id] for row in rows).most_common())


def by_document(chunks: Sequence[Passage]) -> dict[str, list[Passage]]:
    """Document id to its chunks."""
    found: dict[str, list[Passage]] = {}
    for chunk in chunks:
        found.setdefault(chunk.document_id, []).append(chunk)
    return found


def _find_oracles(
    example: Example, chunks: Mapping[str, Sequence[Passage]], returned: Sequence[Passage], groups: Mapping[str, str]
) -> _Oracles | str:
    """One oracle for each group of supporting documents, the best ranked; or the reason why there is none."""
    place = {passage.chunk_id: i for i, passage in enumerate(returned)}
    by_id = {passage.chunk_id: passage for passage in returned}
    last = len(returned)
    best: dict[str, Passage] = {}  # group to oracle
    by_answer = True
    if not example.document_ids:
        return "no document is known to support it"
    for document in example.document_ids:
        own = chunks.get(document, ())
        if not own:
            return "a supporting document has no chunk"
        candidates = [own[i] for i in supporting([passage_evidence(chunk) for chunk in own], example.answers)]
        if not candidates:
            by_answer = False
            candidates = [chunk for chunk in own if chunk.chunk_id in place]
        if not candidates:
            return "no chunk of a supporting document holds an answer or was retrieved"
        oracle = min(candidates, key=lambda chunk: place.get(chunk.chunk_id, last))
        group = groups.get(document, document)
        before = best.get(group)
        if before is None or place.get(oracle.chunk_id, last) < place.get(before.chunk_id, last):
            best[group] = by_id.get(oracle.chunk_id, oracle)
    # Those that hold the answer first, in case there is no room for all.
    ordered = sorted(best.values(), key=lambda oracle: not holds_answer(passage_evidence(oracle), example.answers))
    return _Oracles(tuple(ordered), by_answer)


def _distractors(
    example: Example,
    shown: Sequence[Passage],
    oracles: _Oracles,
    groups: Mapping[str, str],
    stats: SupervisedStats,
) -> list[Passage]:
    """The results that do not support the answer, in rank order."""
    chosen = {oracle.chunk_id for oracle in oracles.passages}
    texts = {oracle.text for oracle in oracles.passages}
    documents = {oracle.document_id for oracle in oracles.passages}
    supporting_groups = {groups.get(document, document) for document in example.document_ids}
    kept = []
    for passage in shown:
        if passage.chunk_id in chosen:
            continue
        own_document = passage.document_id in documents
        if passage.text in texts or (
            not own_document and groups.get(passage.document_id, passage.document_id) in supporting_groups
        ):
            _count(stats.left_out, "near-duplicate of the oracle")
        elif holds_answer(passage_evidence(passage), example.answers):
            _count(stats.left_out, "holds an answer")
        elif own_document and not oracles.by_answer:
            _count(stats.left_out, "of a supporting document")  # nobody knows which of its chunks supports
        else:
            kept.append(passage)
    return kept


def _count_ranks(oracles: _Oracles, returned: Sequence[Passage], passages: int, stats: SupervisedStats) -> bool:
    """Whether serving would have shown all oracles; counted."""
    ids = [passage.chunk_id for passage in returned]
    wanted = {oracle.chunk_id for oracle in oracles.passages}
    retrieved = wanted <= set(ids[:passages])
    stats.oracle_retrieved += retrieved
    stats.oracle_missing += not wanted <= set(ids)
    stats.oracle_ranked_low += not retrieved and wanted <= set(ids)
    stats.oracle_by_rank += not oracles.by_answer
    return retrieved


def _place(
    oracles: Sequence[Passage], distractors: Sequence[Passage], passages: int, row_of: random.Random
) -> tuple[list[Passage], tuple[int, ...]]:
    """Oracles at uniformly random places, distractors around them in rank order; the oracles' marks from 1."""
    size = min(passages, len(oracles) + len(distractors))
    places = row_of.sample(range(size), len(oracles))
    at = dict(zip(places, oracles, strict=True))
    rest = iter(distractors)
    return [at[i] if i in at else next(rest) for i in range(size)], tuple(sorted(i + 1 for i in places))


def _row(
    example: Example,
    chosen: Sequence[Passage],
    prompt: Prompt,
    marks: tuple[int, ...],
    retrieved: bool,
    examples: Sequence[Demonstration],
    task: Task | None,
) -> SupervisedRow:
    if marks and not _of_words(task):
        completion = example.answers[0]
    elif marks:
        answer = first_verbatim([chosen[mark - 1].text for mark in marks], example.answers)
        completion = answer + " " + "".join(f"[{mark}]" for mark in marks)
    else:
        completion = prompt.abstention
    return SupervisedRow(
        example_id=example.id,
        messages=tuple(render(example.question, chosen, task.asked(prompt) if task else prompt, examples)),
        completion=completion,
        passages=tuple(passage.chunk_id for passage in chosen),
        answerable=example.answerable,
        oracle_present=bool(marks),
        oracle_position=marks[0] if marks else None,
        oracle_positions=marks,
        oracle_retrieved=retrieved,
        split=example.split,
        weak=example.weak,
        task=example.task if task else None,
        cites=_of_words(task),
    )


def _of_words(task: Task | None) -> bool:
    """Whether a passage holds the answer in its words."""
    return task is None or task.answers_questions


def _count(counts: dict[str, int], reason: str, n: int = 1) -> None:
    if n:
        counts[reason] = counts.get(reason, 0) + n
