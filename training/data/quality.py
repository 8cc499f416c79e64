"""What is doubtful about training rows, and the ten that a person should look at first.

A few wrong rows of a small data set teach a model to be wrong, and nobody reads a thousand. Knows nothing about
models: lengths come from outside.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from datasketch import MinHash, MinHashLSH

from training.data.examples import Example
from training.data.matching import holds_answer, question_key
from training.data.reading.repetition import agree
from training.data.supervised import SupervisedRow

WORST = 10
NEAR = 0.8
"""Words that two questions have in common, of all their words, from which on they are nearly the same."""
LONG_ANSWER = 40
"""Words of an answer from which on it retells a passage more than it answers."""
_PERMUTATIONS = 64

SEVERITY = {
    "contradicting answers": 4,
    "answer in no passage": 3,
    "over the limit": 3,
    "question twice": 2,
    "nearly the same question": 1,
    "passage not retrieved": 1,
    "document guessed": 1,
    "long answer": 1,
}
"""What each doubt weighs where rows are ranked; in the order in which they are told."""


def quality(
    rows: Sequence[SupervisedRow], examples: Mapping[str, Example], over: Callable[[SupervisedRow], bool]
) -> dict[str, Any]:
    """The doubts about supervised rows.

    Args:
        examples: by id, those that the rows were built of.
        over: whether a row is longer than training takes.

    Returns:
        ``doubts``: kind to number of rows, and ``worst``: the rows with most against them, each with ``example_id``,
        ``question``, ``answer`` and ``reasons``, sentences for people.
    """
    told = _questions(rows, examples)
    for row in rows:
        told[row.example_id] |= dict(_doubts(row, examples[row.example_id], over(row)))
    ranked = sorted(told, key=lambda one: -sum(SEVERITY[kind] for kind in told[one]))
    by_id = {row.example_id: row for row in rows}
    return {
        "doubts": dict(Counter(kind for kind in SEVERITY for own in told.values() if kind in own)),
        "worst": [
            {
                "example_id": one,
                "question": examples[one].question,
                "answer": by_id[one].completion,
                "reasons": [told[one][kind] for kind in SEVERITY if kind in told[one]],
            }
            for one in ranked[:WORST]
            if told[one]
        ],
    }


def _doubts(row: SupervisedRow, example: Example, over: bool) -> Iterator[tuple[str, str]]:
    """Kind and sentence of what is doubtful about one row alone."""
    shown = row.messages[-1]["content"].replace(example.question, "")
    if row.cites and row.oracle_present and not holds_answer(shown, example.answers):
        yield "answer in no passage", f"no passage shown holds {example.answers[0]!r}: the model learns to make it up"
    if over:
        yield "over the limit", "longer than training takes: it is left out"
    if example.answerable and not row.oracle_retrieved:
        yield "passage not retrieved", "retrieval does not find its passage, so serving would not show it"
    if row.weak:
        yield "document guessed", "its document was found by retrieval, nobody named it"
    if row.cites and any(len(answer.split()) > LONG_ANSWER for answer in example.answers[:1]):
        yield "long answer", f"its answer has more than {LONG_ANSWER} words"


def _questions(rows: Sequence[SupervisedRow], examples: Mapping[str, Example]) -> dict[str, dict[str, str]]:
    """Example id to what is doubtful about its question beside the others."""
    told: dict[str, dict[str, str]] = {row.example_id: {} for row in rows}
    asked: dict[str, list[Example]] = defaultdict(list)
    for name in told:
        asked[question_key(examples[name].question)].append(examples[name])
    near = MinHashLSH(threshold=NEAR, num_perm=_PERMUTATIONS)
    hashes = {}
    for key, same in asked.items():
        for one in same:
            others = [other for other in same if other is not one and other.task == one.task]
            if contrary := next((other for other in others if not agree(one, other)), None):
                told[one.id]["contradicting answers"] = f"{contrary.id} asks the same and is answered otherwise"
            elif others:
                told[one.id]["question twice"] = f"{others[0].id} asks the same"
        hashes[key] = MinHash(num_perm=_PERMUTATIONS)
        hashes[key].update_batch([word.encode() for word in set(key.split())])
        near.insert(key, hashes[key])
    for key, same in asked.items():
        words = set(key.split())
        for other in near.query(hashes[key]):
            common = words & set(other.split())
            if other != key and len(common) >= NEAR * len(words | set(other.split())):
                for one in same:
                    told[one.id]["nearly the same question"] = f"{asked[other][0].id} asks nearly the same"
    return told
