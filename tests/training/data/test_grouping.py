import random

import pytest

from training.data.grouping import near_duplicate_groups
from training.scoring.tokens import tokens

WORDS = [
    f"{a}{b}" for a in ("ka", "lo", "mi", "nu", "re", "so", "ta", "vu") for b in ("da", "fe", "gi", "po", "zu", "xe")
]


def text(rng: random.Random, n: int) -> list[str]:
    return [rng.choice(WORDS) + rng.choice(WORDS) for _ in range(n)]


def jaccard(one: str, other: str, width: int) -> float:
    sets = []
    for words in (tokens(one), tokens(other)):
        sets.append({tuple(words[i : i + width]) for i in range(len(words) - width + 1)})
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


def test_groups_follow_the_true_similarity_on_both_sides_of_the_threshold() -> None:
    rng = random.Random(3)
    checked = {True: 0, False: 0}
    for n in (12, 40, 58, 64, 200):
        for changed in (0, 1, 2, 4, 8):
            base = text(rng, n)
            other = list(base)
            for i in rng.sample(range(n), min(changed, n)):
                other[i] = "otherword"
            documents = {"b": " ".join(base), "a": " ".join(other), "c": " ".join(text(rng, n))}
            groups = near_duplicate_groups(documents)
            widths = [
                w for w, use in ((3, max(len(tokens(d)) for d in documents.values()) <= 60), (5, n >= 64)) if use
            ] or [3]
            similar = any(jaccard(documents["a"], documents["b"], w) >= 0.8 for w in widths)
            assert (groups["a"] == groups["b"]) is similar, (n, changed)
            assert groups["c"] == "c"
            checked[similar] += 1
    assert min(checked.values()) >= 8


def test_a_pair_across_the_border_of_short_and_long_is_found() -> None:
    words = text(random.Random(5), 70)
    groups = near_duplicate_groups({"long": " ".join(words), "short": " ".join(words[:58])}, 0.8)
    assert groups == {"long": "long", "short": "long"}


def test_equal_texts_are_grouped_and_texts_without_a_word_are_not() -> None:
    documents = {"a": "Yes.", "b": "yes", "c": "", "d": "...", "e": "no", "f": "two words", "g": "Two words!"}
    assert near_duplicate_groups(documents) == {"a": "a", "b": "a", "c": "c", "d": "d", "e": "e", "f": "f", "g": "f"}


def test_a_chain_of_near_duplicates_is_one_group_whatever_the_order() -> None:
    words = text(random.Random(7), 120)
    chain = {}
    for step in range(6):
        words[step * 20] = "changed"
        words[step * 20 + 10] = "changed too"
        chain[f"v{step}"] = " ".join(words)
    assert jaccard(chain["v0"], chain["v5"], 5) < 0.8
    rng = random.Random(1)
    for _ in range(3):
        order = list(chain.items())
        rng.shuffle(order)
        groups = near_duplicate_groups(dict(order))
        assert set(groups.values()) == {"v0"}


def test_the_threshold_must_make_sense() -> None:
    for threshold in (0, -1, 1.1):
        with pytest.raises(ValueError, match="expected above 0"):
            near_duplicate_groups({"a": "x"}, threshold)
    assert near_duplicate_groups({}) == {}


def test_a_copy_is_found_among_1200_documents() -> None:
    rng = random.Random(11)
    documents = {f"d{i}": " ".join(text(rng, 130)) for i in range(1200)}
    documents["copy"] = documents["d7"] + " and one more"
    groups = near_duplicate_groups(documents)
    assert groups["copy"] == groups["d7"] == "copy"
    assert len(set(groups.values())) == 1200
