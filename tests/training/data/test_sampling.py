"""Fewer questions of a split, chosen so that they say the most."""

from collections import Counter

from training.data.examples import Example
from training.data.sampling import spread


def example(name, *, answers=("yes",)):
    return Example(name, f"{name}?", answers)


EXAMPLES = [example(f"{group}{number}") for group in "abcde" for number in range(6)]
EXAMPLES += [example(f"none{number}", answers=()) for number in range(10)]
GROUPS = {one.id: one.id if one.id.startswith("none") else one.id[0] for one in EXAMPLES}


def test_every_document_is_asked_about_before_one_is_asked_twice():
    kept = spread(EXAMPLES, GROUPS, 8, seed=1)
    asked = Counter(one.id[0] for one in kept if one.answerable)
    assert len(kept) == 8
    assert sum(asked.values()) == 6, "three quarters can be answered, as before"
    assert sorted(asked.values()) == [1, 1, 1, 1, 2]


def test_the_choice_hangs_on_no_order_and_keeps_it():
    kept = spread(EXAMPLES, GROUPS, 8, seed=1)
    assert set(spread(EXAMPLES[::-1], GROUPS, 8, seed=1)) == set(kept)
    assert kept == [one for one in EXAMPLES if one in kept]
    assert set(spread(EXAMPLES, GROUPS, 8, seed=2)) != set(kept)


def test_all_are_taken_where_nothing_limits_them():
    assert spread(EXAMPLES, GROUPS, None, seed=1) == EXAMPLES
    assert spread(EXAMPLES, GROUPS, 40, seed=1) == EXAMPLES
