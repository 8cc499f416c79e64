"""Training examples that are seen more often for a kind of error: those whose right label is what was missed.

What the right label of a new question is, no rule can tell, so nothing is made here: what is there is repeated
(random oversampling, as in Japkowicz and Stephen, Intelligent Data Analysis 2002). Knows nothing about runs.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import cycle, islice
from random import Random

from retrieval.errors import InputError
from training.data.examples import Example
from training.data.mixing import shares
from training.evaluation.errors import Bucket
from training.evaluation.evaluate import Record

REPEATED: dict[Bucket, str] = {
    "wrong label": "training questions with the labels that were missed, seen more often",
    "wrong fields": "training questions of the tasks whose fields were wrong, seen more often",
}
"""The buckets that this is the remedy for, and what is done in words."""


def seen_again(
    bucket: Bucket, train: Sequence[Example], missed: Sequence[Record], count: int, *, seed: int
) -> dict[str, int]:
    """Example id to how many times more it is seen, ``count`` in all.

    Each label has the share that it has in what was missed; its examples take turns.

    Args:
        missed: the validation questions in the bucket.

    Raises:
        InputError: no training example is of a task and label that was missed.
    """

    def kind(one: Example | Record) -> tuple[str | None, str | None]:
        return one.task, one.answers[0] if bucket == "wrong label" and one.answers else None

    pools: dict[tuple[str | None, str | None], list[str]] = {}
    for example in Random(seed).sample(train, len(train)):
        pools.setdefault(kind(example), []).append(example.id)
    wanted = Counter(kind(record) for record in missed)
    found = {str(number): (pools[one], wanted[one]) for number, one in enumerate(wanted) if one in pools}
    if not found:
        named = ", ".join(" ".join(filter(None, one)) for one in wanted)
        raise InputError(
            f"found no training example like those with a {bucket!r} on validation ({named}), expected some: "
            "write examples of that kind and retrain with them"
        )
    total = sum(missing for _, missing in found.values())
    parts = shares(
        dict.fromkeys(found, count), {name: missing / total for name, (_, missing) in found.items()}, most=None
    )
    return dict(Counter(id for name, (pool, _) in found.items() for id in islice(cycle(pool), parts[name])))
