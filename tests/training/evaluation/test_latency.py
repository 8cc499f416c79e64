"""Seconds per answer, with a clock of its own."""

from typing import Any

from retrieval.search_settings import SearchSettings
from training.evaluation.latency import latency, reranking


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


class Search:
    settings = SearchSettings(reranked=7)

    def __init__(self, rerank: Any, log: list[str]) -> None:
        self.rerank, self.log = rerank, log

    def reranking(self, rerank: Any) -> "Search":
        return Search(rerank, self.log)

    def search(self, question: str) -> None:
        self.log.append(f"{'again' if self.rerank else 'once'} {question}")


def test_a_search_is_timed_with_and_without_its_reranker() -> None:
    log = list[str]()
    searcher: Any = Search(str, log)
    found = reranking(searcher, ["1"])
    assert found is not None
    assert found.keys() == {"n", "candidates", "without", "with"}
    assert (found["n"], found["candidates"]) == (1, 7)
    assert log == ["once 1", "again 1", "once 1", "again 1"]
    plain: Any = Search(None, log)
    assert reranking(plain, ["1"]) is None
    assert reranking(searcher, []) is None
