"""Successive halving."""

from training.study.halving import halve, rounds

TRUTH = {"a": 0.1, "b": 0.5, "c": 0.9, "d": 0.4, "e": 0.3, "f": 0.2, "g": 0.8, "h": 0.7, "i": 0.6}


def test_rounds_grow_as_the_field_shrinks() -> None:
    assert rounds(90, 36) == [(10, 36), (30, 12), (90, 4)]
    assert rounds(20, 36) == [(20, 36)]  # a third would be fewer than eight
    assert rounds(30, 3) == [(10, 3), (30, 1)]
    assert rounds(1000, 1) == [(1000, 1)]


def test_the_best_and_what_is_served_reach_all_questions() -> None:
    asked: dict[str, int] = {}
    best = halve(list(TRUTH), 81, lambda one, size: asked.update({one: size}), lambda one: TRUTH[one], always="a")
    assert best == ["c", "a"]
    assert asked == {"a": 81, "c": 81, "g": 27, "h": 27, **dict.fromkeys("bdefi", 9)}


def test_a_round_that_is_cut_does_not_count() -> None:
    calls: list[tuple[str, int]] = []
    best = halve(
        list(TRUTH),
        27,
        lambda one, size: calls.append((one, size)),
        lambda one: TRUTH[one],
        always="a",
        enough=lambda: len(calls) > 10,
    )
    assert best[:2] == ["c", "g"]
    assert len(best) == 9
    assert [size for _, size in calls] == [9] * 9 + [27] * 2


def test_what_was_measured_in_the_first_round_counts_always() -> None:
    done: list[str] = []
    best = halve(
        list(TRUTH),
        9,
        lambda one, size: done.append(one),
        lambda one: TRUTH[one],
        always="a",
        enough=lambda: len(done) > 1,
    )
    assert best == ["b", "a"]
