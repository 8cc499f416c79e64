import pytest

from service.admission import UNMEASURED, Admission, Overloaded


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def measured(clock: Clock, seconds: float, most_seconds: float = 10) -> Admission:
    """One at a time was done in so many seconds."""
    admission = Admission(most_seconds, clock=clock)
    for _ in range(50):
        entry = admission.enter()
        clock.now += seconds
        entry.leave(done=True)
    return admission


def test_as_many_are_inside_as_get_done_in_time(clock):
    admission = measured(clock, seconds=2)
    assert admission.rate == pytest.approx(0.5, rel=0.05)
    entries = [admission.enter() for _ in range(5)]
    with pytest.raises(Overloaded) as caught:
        admission.enter()
    assert caught.value.retry_after == 2, "6 take 12 s"
    assert "5 requests" in str(caught.value)
    entries[0].leave(done=True)
    admission.enter()


def test_before_anything_is_measured_a_few_are_let_in(clock):
    admission = Admission(10, clock=clock)
    entries = [admission.enter() for _ in range(UNMEASURED)]
    with pytest.raises(Overloaded):
        admission.enter()
    clock.now += 1
    for entry in entries:
        entry.leave(done=True)
    for _ in range(100):
        admission.enter()


def test_somebody_is_let_in_whatever_was_measured(clock):
    admission = measured(clock, seconds=60)
    admission.enter()
    with pytest.raises(Overloaded) as caught:
        admission.enter()
    assert caught.value.retry_after == 10, "no more than the bound"


def test_who_leaves_undone_makes_room_and_counts_for_nothing(clock):
    admission = measured(clock, seconds=2)
    before = admission.rate
    entries = [admission.enter() for _ in range(5)]
    for entry in entries:
        entry.leave()
        entry.leave(done=True)  # once is enough
    assert admission.inside == 0
    assert admission.rate == before


def test_time_in_which_nobody_is_inside_does_not_count(clock):
    admission = measured(clock, seconds=2)
    before = admission.rate
    clock.now += 3600
    assert admission.rate == before


def test_the_rate_follows_the_load(clock):
    admission = measured(clock, seconds=0.1)
    assert admission.rate == pytest.approx(10, rel=0.05)
    admission.enter()
    clock.now += 60  # nothing gets done any more
    assert admission.rate < 2
