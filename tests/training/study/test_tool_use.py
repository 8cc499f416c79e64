"""The model searches itself: what it is shown, how often it may call, and what its answer rests on."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from retrieval.documents import Passage
from retrieval.prompt import Prompt
from retrieval.search_settings import SearchSettings
from training.answering.answerer import Answer
from training.generator.tool_calls import Call, first_call
from training.study.tool_use import NOTHING, SEARCH, Searching


class Searcher:
    """One document for each query."""

    def __init__(self) -> None:
        self.settings = SearchSettings(abstain_below=0.3)
        self.asked: list[str] = []

    def search_batch(self, questions: Sequence[str], *, top_k: int | None = None) -> list[list[Passage]]:
        self.asked += questions
        return [
            [Passage(q, f"{q}#{n}", f"{q} weighs {n} kg", "", 1.0, n + 1, 0.1 if q == "odd" else 0.9) for n in range(2)]
            for q in questions
        ]


class Generator:
    """Says what it is told to, one text for each turn; a token is a character."""

    def __init__(self, *says: str, max_context: int = 100_000) -> None:
        self.says, self.max_context = list(says), max_context
        self.seen: list[tuple[list[dict[str, Any]], bool]] = []

    def encode(self, messages: Any, *, thinking: bool = False, tools: Any = ()) -> str:
        return json.dumps([messages, bool(tools)])

    def complete(self, prompts: Sequence[str], max_new_tokens: int) -> list[tuple[str, str]]:
        self.seen += [json.loads(prompt) for prompt in prompts]
        return [(self.says.pop(0), "stop") for _ in prompts]


def call(query: str) -> str:
    return Call("search", {"query": query}).written()


def ask(generator: Generator, searcher: Searcher | None = None) -> Answer:
    answerer = Searching(searcher or Searcher(), generator, Prompt(), "")  # type: ignore[arg-type]
    return answerer.answer_prepared([answerer.prepare_found("How heavy is the skua?", [])])[0]


def test_an_answer_cites_what_the_model_has_searched_for() -> None:
    generator = Generator(call("skua"), call("weight"), "1 kg [4]")
    answer = ask(generator)
    assert answer.text == "1 kg [4]"
    assert [one.chunk_id for one in answer.citations] == ["weight#1"]
    assert [one.chunk_id for one in answer.passages] == ["skua#0", "skua#1", "weight#0", "weight#1"]
    assert [tools for _, tools in generator.seen] == [True, True, False]  # after two calls it must answer
    turns = generator.seen[-1][0]
    assert [turn["role"] for turn in turns] == ["system", "user", "assistant", "tool", "assistant", "tool"]
    assert turns[2]["tool_calls"][0]["function"] == {"name": "search", "arguments": {"query": "skua"}}
    assert turns[5]["content"].startswith("[3]\nweight weighs 0 kg")


def test_a_passage_is_shown_once() -> None:
    generator = Generator(call("skua"), call("skua"), "0 kg [1]")
    ask(generator)
    assert generator.seen[-1][0][-1]["content"] == NOTHING


@pytest.mark.parametrize("says", [["5 kg"], [call("odd"), "5 kg [1]"], [call("a"), call("b"), call("c")]])
def test_what_rests_on_nothing_similar_is_the_abstention(says: list[str]) -> None:
    answer = ask(Generator(*says))
    assert answer.abstained
    assert answer.text == Prompt().abstention


def test_passages_that_do_not_fit_go_first_and_a_context_too_short_is_no_fault() -> None:
    turns = 1_050
    generator = Generator(call("skua"), "0 kg [1]", max_context=turns)
    assert [one.chunk_id for one in ask(generator).passages] in (["skua#0"], ["skua#0", "skua#1"])
    assert all(len(json.dumps(seen)) <= turns for seen in generator.seen)
    assert ask(Generator(max_context=80)).abstained


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ('<tool_call>\n{"name": "search", "arguments": {"query": "a {b}"}}\n</tool_call>', {"query": "a {b}"}),
        ('{"name": "search", "parameters": {"query": "a"}}', {"query": "a"}),
        ('I look. [TOOL_CALLS][{"name": "search", "arguments": "{\\"query\\": \\"a\\"}"}]', {"query": "a"}),
        ("The set {1, 2} has two.", None),
        ('{"name": "search", "arguments": "a"}', None),
        ('{"name": "search", "arguments": {"query": "a"', None),
    ],
)
def test_calls_are_read_as_different_models_write_them(text: str, arguments: dict[str, str] | None) -> None:
    found = first_call(text)
    assert (found.arguments if found else None) == arguments


def test_the_search_is_described() -> None:
    assert SEARCH["function"]["parameters"]["required"] == ["query"]
