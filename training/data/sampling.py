"""Fewer questions of a split, chosen so that they say the most.

Questions on one document are not independent, so a given number of them tells more the more documents it is
spread over.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from training.data.examples import Example


def spread(
    examples: Sequence[Example], group_of: Mapping[str, str], most: int | None, *, seed: int
) -> Sequence[Example]:
    """At most so many of the examples, in their order; those that the corpus answers keep their share.

    The choice hangs on the seed and on ids, not on the order of rows: the same set gives the same questions.

    Args:
        group_of: example id to what it hangs together with.
        most: None takes all.
    """
    if most is None or len(examples) <= most:
        return examples
    answerable = [one for one in examples if one.answerable]
    others = [one for one in examples if not one.answerable]
    share = round(most * len(answerable) / len(examples))
    kept = _first(answerable, group_of, share, seed) | _first(others, group_of, most - share, seed)
    return [one for one in examples if one.id in kept]


def _first(examples: Iterable[Example], group_of: Mapping[str, str], count: int, seed: int) -> set[str]:
    """Ids: one question of each group, then a second of each, and so on."""

    def drawn(key: str) -> str:
        return hashlib.sha256(f"{seed}:{key}".encode()).hexdigest()

    taken: dict[str, int] = defaultdict(int)
    order = []
    for example in sorted(examples, key=lambda one: drawn(one.id)):
        group = group_of[example.id]
        order.append((taken[group], drawn(group), example.id))
        taken[group] += 1
    return {identifier for *_, identifier in sorted(order)[:count]}
