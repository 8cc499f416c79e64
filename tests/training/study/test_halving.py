"""Successive halving."""

from training.study.halving import Halved, halve, rounds

TRUTH = {"a": 0.1, "b": 0.5, "c": 0.9, "d": 0.4, "e": 0.3, "f": 0.2, "g": 0.8, "h": 0.7, "i": 0.6}


def test_rounds_grow_as_the_field_shrinks() -> None:
    assert rounds(90, 36) == [(10, 36), (30, 12), (90, 4)]
    assert rounds(20, 36) == [(20, 36)]  # a third would be fewer than eight
    assert rounds(30, 3) == [(10, 3), (30, 1)]
    assert rounds(1000, 1) == [(1000, 1)]


class Clock:
    """Measures candidates, each in its own seconds for a question."""

    def __init__(self, **slow: float) -> None:
        self.now, self.slow = 100.0, slow
        self.asked: dict[str, int] = {}

    def __call__(self) -> float:
        return self.now

    def measure(self, one: str, questions: int) -> None:
        self.now += (questions - self.asked.get(one, 0)) * self.slow.get(one, 1.0)
        self.asked[one] = questions

    def halve(self, questions: int, seconds: float) -> Halved[str]:
        return halve(
            list(TRUTH), questions, self.measure, lambda one: TRUTH[one], always="a", seconds=seconds, clock=self
        )


def test_the_best_and_what_is_served_reach_all_questions() -> None:
    clock = Clock()
    assert clock.halve(81, 1000.0) == Halved(["c", "a"], 81, True)
    assert clock.asked == {"a": 81, "c": 81, "g": 27, "h": 27, **dict.fromkeys("bdefi", 9)}


def test_where_time_is_short_all_have_the_same_questions_and_the_last_round_is_reached() -> None:
    clock = Clock(d=5.0)
    found = clock.halve(81, 150.0)  # a pass over all with five questions takes 65 s, more than a third of the time
    assert found.best == ["c", "a"]
    assert not found.complete
    assert clock.now <= 250.0
    assert {clock.asked[one] for one in "bdefi"} == {5}
    assert {clock.asked[one] for one in "ca"} == {found.questions}
    assert found.questions > 15


def test_the_time_that_a_round_leaves_is_the_later_ones() -> None:
    clock = Clock()
    assert clock.halve(81, 270.0).complete  # 81, 72 and 108 seconds: the last round takes more than a third


def test_time_that_is_over_before_all_had_their_turn_leaves_those_measured() -> None:
    clock = Clock()
    assert clock.halve(9, 7.0) == Halved(["b", "a"], 5, False)
    assert clock.asked == {"a": 5, "b": 5}


def test_no_time_measures_one() -> None:
    assert Clock().halve(9, -1.0) == Halved(["a"], 5, False)
