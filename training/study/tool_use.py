"""The model searches itself: ``search`` is a function that it may call twice before it must answer.

What it says without having searched rests on no passage, and becomes the abstention as in every other way of asking.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from retrieval.chat_template import Tool
from retrieval.documents import Passage
from retrieval.prompt import Message, marked, strip_thinking
from training.answering.answerer import Answer, Answerer, Encoded, Generates, Prepared
from training.generator.tool_calls import first_call

NAME = "search"
SEARCH: Tool = {
    "type": "function",
    "function": {
        "name": NAME,
        "description": "Search the documents. Returns the best passages, each under its mark.",
        "parameters": {
            "type": "object",
            "properties": {"query": {"type": "string", "description": "What to search for, in a few words."}},
            "required": ["query"],
        },
    },
}
CALLS = 2
TOLD = "Call search before you answer. You may call it twice."
NOTHING = "No further passage was found."
CALL_TOKENS = 64
"""Room for a call, where answers have less."""


class CallsTools(Generates, Protocol):
    """A generator that can be told of tools."""

    def encode(self, messages: Sequence[Message], *, thinking: bool = False, tools: Sequence[Tool] = ()) -> Encoded:
        """The messages with the generation prompt."""

    def takes_tools(self, conversation: Sequence[Message], tools: Sequence[Tool]) -> bool:
        """Whether its template, or its server, shows the model tools, calls and results."""


def can_search(generator: CallsTools) -> bool:
    """Whether the model can be offered the search: found out by rendering, or by asking its server once."""
    turns: list[Message] = [
        {"role": "system", "content": TOLD},
        {"role": "user", "content": "What opens at 12 bar?"},
        *_called("valve 12 bar", "[1] The valve opens at 12 bar.", 1),
    ]
    return generator.takes_tools(turns, [SEARCH])


@dataclass
class _Talk:
    """A question, and what the model has searched for."""

    question: str
    searches: list[tuple[str, list[Passage]]] = field(default_factory=list)
    answer: tuple[str, str] | None = None
    """Text, and why it ended."""

    @property
    def found(self) -> list[Passage]:
        return [passage for _, passages in self.searches for passage in passages]


class Searching(Answerer):
    """Answers with what the model itself searches for; its generator is one that :func:`can_search`."""

    def prepare_found(self, question: str, passages: Sequence[Passage], task: str | None = None) -> Prepared:
        """Only the question: what was found for it is left aside, but for tasks, which have forms of their own."""
        if task in self.tasks:
            return super().prepare_found(question, passages, task)
        return Prepared(question, [], None, (), 0, False)

    def answer_prepared(self, prepared: Sequence[Prepared]) -> list[Answer]:
        """Let the model search, twice at most, and answer."""
        of_tasks = iter(super().answer_prepared([one for one in prepared if one.task is not None]))
        talks = [_Talk(one.question) for one in prepared if one.task is None]
        for left in range(CALLS, -1, -1):
            self._turn([talk for talk in talks if talk.answer is None], may_call=left > 0)
        concluded = iter([self._concluded(talk) for talk in talks])
        return [next(concluded if one.task is None else of_tasks) for one in prepared]

    def _turn(self, talks: Sequence[_Talk], *, may_call: bool) -> None:
        room = max(self.max_new_tokens, CALL_TOKENS) if may_call else self.max_new_tokens
        prompts = [self._prompt(talk, may_call, room) for talk in talks]
        for talk, prompt in zip(talks, prompts, strict=True):
            if prompt is None:
                talk.answer = ("", "stop")
        asked = [(talk, prompt) for talk, prompt in zip(talks, prompts, strict=True) if prompt is not None]
        if not asked:
            return
        queries: dict[int, str] = {}
        completed = self.generator.complete([prompt for _, prompt in asked], room)
        for place, (text, ended) in enumerate(completed):
            call = first_call(strip_thinking(text))
            query = str(call.arguments.get("query") or "").strip() if call else ""
            if may_call and query:
                queries[place] = query
            else:
                asked[place][0].answer = ("" if call else text, ended)
        results = self.searcher.search_batch(list(queries.values()), top_k=self.prompt.max_passages)
        for (place, query), passages in zip(queries.items(), results, strict=True):
            talk = asked[place][0]
            known = {one.chunk_id for one in talk.found}
            talk.searches.append((query, [one for one in passages if one.chunk_id not in known]))

    def _prompt(self, talk: _Talk, may_call: bool, room: int) -> Encoded | None:
        """With as many of the passages found last as the context holds; None where that is too short for one."""
        generator: Any = self.generator
        options = {"tools": [SEARCH]} if may_call else {}
        while True:
            prompt = generator.encode(self._messages(talk), thinking=bool(self.prompt.thinking_tokens), **options)
            if len(prompt) + room <= generator.max_context:
                return prompt
            if not talk.searches or not talk.searches[-1][1]:
                return None
            talk.searches[-1][1].pop()

    def _messages(self, talk: _Talk) -> list[Message]:
        messages: list[Message] = [
            {"role": "system", "content": f"{self.prompt.instructions()}\n\n{TOLD}"},
            {"role": "user", "content": talk.question},
        ]
        shown = 0
        for number, (query, passages) in enumerate(talk.searches, start=1):
            messages += _called(query, marked(passages, shown + 1) or NOTHING, number)
            shown += len(passages)
        return messages

    def _concluded(self, talk: _Talk) -> Answer:
        found = talk.found
        prepared = super().prepare_found(talk.question, found)
        return self.conclude(replace(prepared, shown=len(found)), *(talk.answer or ("", "stop")))


def _called(query: str, result: str, number: int) -> list[Message]:
    """A call and what it gave."""
    name = f"search{number:03d}"  # nine letters and digits: some templates take no other
    call = {"id": name, "type": "function", "function": {"name": NAME, "arguments": {"query": query}}}
    return [
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": result, "tool_call_id": name},
    ]
