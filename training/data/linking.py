"""The documents that support an example: that those it names exist, and those it does not name, by retrieval."""

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from retrieval.documents import Passage
from retrieval.errors import InputError
from training.data.examples import Example, Search, passage_evidence, searched
from training.data.matching import holds_answer
from training.data.reading.faults import told
from training.scoring.stopwords import STOP_WORDS
from training.scoring.tokens import tokens
from training.tasks.task import Task

SHARED_WORDS = 2
"""Words, of question and answer together, that a passage must share for its document to be taken."""
_STEM = 4
"""Letters from which a word counts as another's beginning: "reach" and "reaches"."""


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
                near = difflib.get_close_matches(document_id, known, n=1, cutoff=0.8) if len(faults) < 10 else []
                hint = f"; did you mean {near[0]!r}?" if near else ""
                faults.append(f"{example.where}: found the document id {document_id!r}{hint}")
    if faults:
        raise InputError(
            told(faults, "the document ids of the examples", f"expected ids of the {len(known)} documents of the "
                 "corpus: ingest these documents or correct the ids (`lockstep documents list` shows them)")
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
    """Ids of answerable examples for which no passage held an answer, or nothing but the answer's one word."""


def link_documents(
    examples: Sequence[Example],
    search: Search,
    *,
    known: Mapping[str, Sequence[str]] | None = None,
    tasks: Mapping[str, Task] | None = None,
) -> tuple[list[Example], LinkReport]:
    """Fill in the missing documents of answerable examples, marked as weak.

    The document of the best passage that holds an answer is taken, and only that one: each further
    document would tie groups of documents together that have nothing in common but a short answer. A passage that
    shares one word with question and answer is passed over: a "12" or "blue" stands in many places by chance.

    Args:
        known: example id to document ids as an earlier run linked them (``FrozenSplit.links``), so that
            a retriever that has learned since does not move a frozen test question to another document.
        tasks: by their names; where no passage holds a task's result in its words (a label, say), the document of
            the first passage is taken, which is what the generator will read.
    """
    known = known or {}
    apart = {name for name, task in (tasks or {}).items() if not task.answers_questions}
    linked: dict[str, tuple[str, ...]] = {}
    missing = [e for e in examples if e.answerable and not e.document_ids]
    linked.update((e.id, tuple(known[e.id])) for e in missing if e.id in known)
    from_known = len(linked)
    unlinked: list[str] = []
    todo = [e for e in missing if e.id not in linked]
    for batch, results in searched(todo, search):
        for example, passages in zip(batch, results, strict=True):
            supporting = next((one for one in passages if example.task in apart or _supports(one, example)), None)
            if supporting is None:
                unlinked.append(example.id)
            else:
                linked[example.id] = (supporting.document_id,)
    filled = [replace(e, document_ids=linked[e.id], weak=True) if e.id in linked else e for e in examples]
    given = sum(e.answerable for e in examples) - len(missing)
    return filled, LinkReport(given, from_known, len(linked) - from_known, tuple(unlinked))


def _supports(passage: Passage, example: Example) -> bool:
    """Whether a passage holds an answer, and more than one word of it and the question."""
    evidence = passage_evidence(passage)
    held = [answer for answer in example.answers if holds_answer(evidence, [answer])]
    if not held:
        return False
    there = _content(evidence)
    shared = set().union(*(_content(answer) for answer in held))
    shared |= {word for word in _content(example.question) if any(_alike(word, other) for other in there)}
    return len(shared) >= SHARED_WORDS


def _content(text: str) -> set[str]:
    return {word for word in tokens(text) if word not in STOP_WORDS}


def _alike(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return one == other or (len(short) >= _STEM and long.startswith(short))
