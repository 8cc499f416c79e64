"""Seconds per answer, with a clock of its own."""

from training.evaluation.latency import latency


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class System:
    def __init__(self, name: str, clock: Clock, seconds: float, log: list[str]) -> None:
        self.name, self.clock, self.seconds, self.log = name, clock, seconds, log

    def answer(self, question: str) -> None:
        self.log.append(self.name + question)
        self.clock.now += self.seconds


def test_both_answer_in_turn_after_an_untimed_question() -> None:
    clock, log = Clock(), list[str]()
    old, new = System("old", clock, 2.0, log), System("new", clock, 3.0, log)
    found = latency(old, new, ["1", "2", "3"], clock=clock)
    assert found == {"n": 3, "baseline": 2.0, "candidate": 3.0, "times": 1.5}
    assert log == ["old1", "new1", "old1", "new1", "new2", "old2", "old3", "new3"]


def test_without_questions_nothing_is_measured() -> None:
    log = list[str]()
    system = System("old", Clock(), 1.0, log)
    assert latency(system, system, []) is None
    assert log == []
