"""Several requests for an answer: the model rewrites the question, search takes that, and the model checks its answer.

Rewriting after Ma et al. 2023 (arXiv 2305.14283), checking after Dhuliawala et al. 2023 (arXiv 2309.11495), both in
their plainest form: one request each.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from retrieval.documents import Passage
from retrieval.prompt import Message, marked, strip_marks, strip_thinking
from retrieval.search import Searcher
from training.answering.answerer import Answer, Answerer, Encoded, Generates, Prepared

REWRITE = (
    "Rewrite the question as a short query for a search engine: the words that documents with the answer would use, "
    "names and numbers unchanged, nothing added. Reply with the query only."
)
CHECK = "You check answers. Reply with one word, yes or no."
ASKED = "Do the passages support this answer to the question? Reply yes or no."
QUERY_TOKENS, VERDICT_TOKENS = 48, 8
_WORD = re.compile(r"\w+")


class Rewriting:
    """A searcher that searches for what a generator makes of a question; stands in for :class:`Searcher`."""

    def __init__(self, searcher: Searcher, generator: Generates) -> None:
        self.searcher, self.generator = searcher, generator
        self.settings = searcher.settings

    def search_batch(self, questions: Sequence[str], *, top_k: int | None = None) -> list[list[Passage]]:
        """The best passages for each question as it is rewritten."""
        if not questions:
            return []
        asked = [
            self.generator.encode([Message(role="system", content=REWRITE), Message(role="user", content=question)])
            for question in questions
        ]
        written = self.generator.complete(asked, QUERY_TOKENS)
        queries = [query_of(text) or question for question, (text, _) in zip(questions, written, strict=True)]
        return self.searcher.search_batch(queries, top_k=top_k)


def query_of(text: str) -> str:
    """The first line that says something, without quotation marks; empty where there is none."""
    lines = (line.strip().strip("\"'`“”„«»").strip() for line in strip_thinking(text).splitlines())
    return next((line for line in lines if _WORD.search(line)), "")


class Checking(Answerer):
    """Asks the generator of each answer whether the passages support it, and abstains where it says no."""

    def answer_prepared(self, prepared: Sequence[Prepared]) -> list[Answer]:
        """Generate, conclude and check."""
        answers = super().answer_prepared(prepared)
        places = [
            place
            for place, (one, answer) in enumerate(zip(prepared, answers, strict=True))
            if one.task is None and not answer.abstained and answer.text
        ]
        prompts = {place: self._question(prepared[place], answers[place].text) for place in places}
        asked = {place: prompt for place, prompt in prompts.items() if prompt is not None}
        replies = self.generator.complete(list(asked.values()), VERDICT_TOKENS) if asked else []
        for place, (reply, _) in zip(asked, replies, strict=True):
            if denied(reply):
                answers[place] = replace(answers[place], text=self.prompt.abstention, abstained=True, citations=())
        return answers

    def _question(self, prepared: Prepared, answer: str) -> Encoded | None:
        """With as many of the passages that were read as the context holds; None where not one of them fits."""
        for shown in range(prepared.shown, 0, -1):
            parts = (
                marked(prepared.passages[:shown]),
                f"Question: {prepared.question}",
                f"Answer: {strip_marks(answer)}",
                ASKED,
            )
            prompt = self.generator.encode(
                [Message(role="system", content=CHECK), Message(role="user", content="\n\n".join(parts))]
            )
            if len(prompt) + VERDICT_TOKENS <= self.generator.max_context:
                return prompt
        return None


def denied(reply: str) -> bool:
    """Whether the first word is no. What is neither yes nor no decides nothing."""
    word = _WORD.search(strip_thinking(reply))
    return word is not None and word.group().casefold() == "no"
