"""Worked examples for a prompt: of the training questions, those that are most like the one that is asked.

Which examples stand in a prompt matters more than how many; the nearest by embedding do best (Liu et al. 2022,
arXiv 2101.06804). Knows nothing about how prompts are worded.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from retrieval.documents import Passage
from retrieval.files import publish_rows, published_rows
from retrieval.prompt import Demonstration, ShownExcerpt
from training.data.supervised import SupervisedRow

FILE = "demonstrations.jsonl"
"""Of a release whose prompt shows examples."""
SHOWN = 2
"""Passages of an example."""
REFUSED_FROM = 3
"""From so many examples on one of them abstains, where there are such."""


@dataclass(frozen=True)
class Worked:
    """A demonstration, and what it must not be shown beside."""

    demonstration: Demonstration
    group: str
    """Of documents and questions that hang together: a training row shows no example of its own group."""
    abstains: bool
    task: str | None = None
    """By its name: it is shown beside others of its task only."""


class Demonstrations:
    """A pool of worked examples, the nearest found by the embedder.

    Args:
        embed: questions to unit vectors, ``(n, dimension)``; called for the pool when it is first needed.
    """

    def __init__(self, pool: Sequence[Worked], embed: Callable[[Sequence[str]], np.ndarray]) -> None:
        self.pool = list(pool)
        self._embed = embed
        self._vectors: np.ndarray | None = None
        self._nearest: dict[str, np.ndarray] = {}
        """Question to similarities, ``(pool,)``."""

    def nearest(
        self, question: str, count: int, *, without: Collection[str] = (), task: str | None = None
    ) -> tuple[Demonstration, ...]:
        """The examples most like a question, the likest last: what stands nearest counts most.

        Args:
            without: groups of which none is shown. One with the very same question never is.
            task: whose examples are shown.
        """
        if not count or not self.pool:
            return ()
        if self._vectors is None:
            self._vectors = self._embed([one.demonstration.question for one in self.pool])  # (pool, dimension)
        if question not in self._nearest:
            self._nearest[question] = self._vectors @ self._embed([question])[0]
        order = np.argsort(-self._nearest[question], kind="stable")
        allowed = [
            one
            for one in (self.pool[place] for place in order)
            if one.task == task and one.group not in without and one.demonstration.question != question
        ]
        refusing = [one for one in allowed if one.abstains][: count >= REFUSED_FROM]
        answering = [one for one in allowed if not one.abstains][: count - len(refusing)]
        shown = [one for one in allowed if one in refusing or one in answering]
        return tuple(one.demonstration for one in reversed(shown))


def worked_examples(
    rows: Sequence[SupervisedRow],
    questions: Mapping[str, str],
    passages: Mapping[str, Passage],
    group_of: Mapping[str, str],
) -> list[Worked]:
    """The pool that training rows make: each question with its oracle and one distractor, or two where it is refused.

    Args:
        rows: of the training split; those with several oracles are left out.
        questions: example id to question.
        passages: chunk id to passage; a row with one that is unknown is left out.
        group_of: example id to what it hangs together with.
    """
    pool = []
    for row in rows:
        if not passages.keys() >= set(row.passages) or not row.passages:
            continue
        if row.cites and len(row.oracle_positions) > 1:
            continue
        kept = list(row.passages[:SHOWN])
        completion = row.completion
        if row.oracle_position is not None:
            oracle = row.passages[row.oracle_position - 1]
            if oracle not in kept:
                kept[-1] = oracle
        if row.oracle_position is not None and row.cites:
            completion = f"{completion[: completion.rindex('[')]}[{kept.index(oracle) + 1}]"
        excerpts = tuple(ShownExcerpt(passages[one].context, passages[one].text) for one in kept)
        demonstration = Demonstration(questions[row.example_id], excerpts, completion)
        pool.append(Worked(demonstration, group_of[row.example_id], not row.oracle_present, row.task))
    return pool


def save_pool(pool: Sequence[Worked], path: Path) -> None:
    """Publish a pool as JSON Lines."""
    rows = [
        {
            "question": one.demonstration.question,
            "passages": [{"context": shown.context, "text": shown.text} for shown in one.demonstration.passages],
            "completion": one.demonstration.completion,
            "group": one.group,
            "abstains": one.abstains,
            "task": one.task,
        }
        for one in pool
    ]
    publish_rows(path, rows)


def load_pool(path: Path) -> list[Worked]:
    """Read what :func:`save_pool` wrote."""
    return [
        Worked(
            Demonstration(row["question"], tuple(ShownExcerpt(**one) for one in row["passages"]), row["completion"]),
            row["group"],
            row["abstains"],
            row.get("task"),
        )
        for row in published_rows(path)
    ]
