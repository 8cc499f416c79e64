"""Drills of random tokens, in which every answer can be copied and nothing can be known beforehand.

A row of prose asks for a few words; a drill asks for dozens, so that the heads that find and copy
are exercised at each step (after the associative recall of Arora et al. 2023, arXiv 2312.04927).
Knows nothing about prompts.
"""

from random import Random

Drill = tuple[list[int], list[float]]
"""Token ids, and 1.0 where a token can be known from what stands before it."""


def repetition(random: Random, first: int, end: int) -> Drill:
    """A random sequence, said again: from its second time on every token can be known."""
    segment = random.sample(range(first, end), random.randint(6, 60))
    count = random.randint(2, 3)
    return segment * count, [0.0] * len(segment) + [1.0] * (len(segment) * (count - 1))


def recall(random: Random, first: int, end: int) -> Drill:
    """Statements that give subjects and attributes a value, then each of them asked for.

    Subject and attribute may change places between statement and question, and subjects share
    attributes, so that neither alone tells the value.

    Args:
        first: the lowest token, and ``end`` the one after the highest.
    """

    def some(low: int, high: int) -> list[int]:
        return [random.randrange(first, end) for _ in range(random.randint(low, high))]

    facts = random.choice([2, 3, 4, 6, 8, 12])
    subjects = [some(1, 3) for _ in range(max(1, round(facts ** random.random())))]
    attributes = [some(1, 2) for _ in range(-(-facts // len(subjects)))]
    known = [(subject, attribute, some(1, 4)) for subject in subjects for attribute in attributes]
    random.shuffle(known)
    link, stop, ask, say = (some(1, 2) for _ in range(4))
    ids = []
    for subject, attribute, value in known:
        ids += [*random.choice([subject + attribute, attribute + subject]), *link, *value, *stop]
    weights = [0.0] * len(ids)
    random.shuffle(known)
    for subject, attribute, value in known:
        question = [*ask, *random.choice([subject + attribute, attribute + subject]), *say]
        ids += [*question, *value, *stop]
        weights += [0.0] * len(question) + [1.0] * (len(value) + len(stop))
    return ids, weights
