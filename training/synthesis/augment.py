"""More rows out of examples that there are: each says in its metadata how it was made, and from which it comes."""

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Literal, get_args

from training.data.examples import Example, Search
from training.data.matching import question_key
from training.data.near_questions import NearQuestions
from training.synthesis.rewording import careless, denied, in_key_words, indirect, misspelled, turned_round

Method = Literal["typos", "noise", "paraphrase", "negation"]
METHODS: tuple[Method, ...] = get_args(Method)
Paraphrase = Callable[[Sequence[Example]], Sequence[str | None]]
"""Examples to their questions said otherwise by a generator; None where it has nothing usable."""
BATCH = 128


@dataclass(frozen=True)
class Augmented:
    """What was made of examples."""

    rows: tuple[dict[str, Any], ...]
    methods: Mapping[str, int]
    """Method to number of rows."""
    dropped: Mapping[str, int]
    """Reason to number of rows."""


def augment(
    examples: Sequence[Example],
    methods: Collection[Method],
    search: Search,
    held_out: Sequence[str],
    groups: Mapping[str, str],
    *,
    seed: int,
    within: int,
    paraphrase: Paraphrase | None = None,
) -> Augmented:
    """Each method on each example, where it applies.

    Args:
        examples: of the training split.
        search: the live retriever.
        held_out: questions of validation and test; a row near one is dropped.
        groups: document id to near-duplicate group.
        within: the rank down to which a reworded question must find a document of its example.
        paraphrase: a generator's, in place of the rules.
    """
    asked = {question_key(one.question) for one in examples}
    avoided = NearQuestions(held_out)
    made: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    rows = []
    usable = [one for one in examples if not one.embedder_only and "augmented" not in one.metadata]
    for start in range(0, len(usable), BATCH):
        batch = usable[start : start + BATCH]
        fit = []
        for example, method, question, answers in _reworded(batch, methods, seed, paraphrase):
            key = question_key(question)
            if key in asked:
                dropped["asked already"] += 1
            elif avoided.near(question):
                dropped["near a question of validation or test"] += 1
            else:
                asked.add(key)
                fit.append((example, method, question, answers))
        results = search([question for _, _, question, _ in fit]) if fit else []
        for (example, method, question, answers), passages in zip(fit, results, strict=True):
            wanted = {groups.get(document, document) for document in example.document_ids}
            found = {groups.get(passage.document_id, passage.document_id) for passage in passages[:within]}
            if wanted and not wanted & found:
                dropped[f"not found again within {within}"] += 1
            else:
                made[method] += 1
                rows.append(_row(example, method, question, answers))
    return Augmented(tuple(rows), dict(made), dict(dropped))


def _reworded(
    examples: Sequence[Example], methods: Collection[Method], seed: int, paraphrase: Paraphrase | None
) -> Iterator[tuple[Example, Method, str, tuple[str, ...]]]:
    said = paraphrase(examples) if paraphrase and "paraphrase" in methods else [None] * len(examples)
    for example, generated in zip(examples, said, strict=True):
        draw = Random(f"{seed}:{example.id}")
        if "typos" in methods and (question := misspelled(example.question, draw)):
            yield example, "typos", question, example.answers
        if "noise" in methods and (question := careless(example.question, draw)):
            yield example, "noise", question, example.answers
        if "paraphrase" in methods:
            ruled = turned_round(example.question, draw) or indirect(example.question, draw)
            if question := generated or ruled or in_key_words(example.question, draw):
                yield example, "paraphrase", question, example.answers
        if "negation" in methods and example.answers and (other := denied(example.question, example.answers[0])):
            yield example, "negation", other[0], (other[1],)


def _row(example: Example, method: Method, question: str, answers: tuple[str, ...]) -> dict[str, Any]:
    named = hashlib.sha256("\n".join((method, example.id, question)).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return {
        "id": f"augmented-{named}",
        "question": question,
        "answers": list(answers),
        **({"document_ids": list(example.document_ids)} if answers and example.document_ids else {}),
        "split": "train",
        **({"task": example.task} if example.task else {}),
        "metadata": {**example.metadata, "method": method, "augmented": example.id},
    }
