"""The one prompt: training rows and live requests are rendered here, byte for byte alike.

Knows nothing about releases, search or models.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NotRequired, Protocol

from pydantic import BaseModel, ConfigDict, Field, field_validator
from typing_extensions import TypedDict

from retrieval.documents import Passage
from retrieval.normalisation import normalise

PLACEHOLDER = re.compile(r"\{(question|passages|examples|abstention)\}")


class Message(TypedDict):
    """A chat message in OpenAI's form."""

    role: str
    content: str
    tool_calls: NotRequired[list[dict[str, Any]]]
    """What a turn of the model calls, arguments as an object."""
    tool_call_id: NotRequired[str]
    """Of the call that a turn of the role ``tool`` answers."""


class Prompt(BaseModel):
    """The wording of the prompt; part of a release."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = "default"
    """Of the template that it is made of."""
    system: str = (
        "Answer the question with the words of the passages and cite the passage, like this: 42 mm [2]. "
        "If no passage answers it, reply: {abstention}"
    )
    """May hold ``{abstention}``; it is replaced literally, no template engine is involved."""
    user: str = "{examples}\n\nQuestion: {question}\n\n{passages}\n\nQuestion: {question}"
    """Holds ``{question}`` and ``{passages}``, and may hold ``{examples}`` and ``{abstention}``.

    By default the question stands before the passages and again after them: a causal model reads a passage
    better when it knows what is asked (Liu et al. 2023, arXiv 2307.03172, section 4.2).
    """
    abstention: str = "I cannot find this in the documents."
    max_passages: int = Field(default=4, ge=1)
    examples: int = Field(default=0, ge=0, le=16)
    """Worked examples shown, those of the training questions that are most like the question (Liu et al. 2022,
    arXiv 2101.06804)."""
    thinking_tokens: int = Field(default=0, ge=0)
    """Room for a model that can think before it answers; 0 asks its template for an answer without thinking."""

    @field_validator("user")
    @classmethod
    def _shows_question_and_passages(cls, value: str) -> str:
        missing = {"question", "passages"} - set(PLACEHOLDER.findall(value))
        if missing:
            raise ValueError(f"found no {{{min(missing)}}} in it, expected {{question}} and {{passages}}")
        return value

    def instructions(self) -> str:
        """The system message."""
        return self.system.replace("{abstention}", self.abstention)


class Excerpt(Protocol):
    """What a prompt shows of a passage."""

    @property
    def context(self) -> str:
        """Where it stands: title and headings."""

    @property
    def text(self) -> str:
        """Its words."""


@dataclass(frozen=True)
class ShownExcerpt:
    """An excerpt kept for itself."""

    context: str
    text: str


@dataclass(frozen=True)
class Demonstration:
    """A worked example in a prompt: what was asked on which passages, and how it is to be answered."""

    question: str
    passages: tuple[ShownExcerpt, ...]
    completion: str
    """With its citation marks, or the abstention."""


def render(
    question: str, passages: Sequence[Passage], prompt: Prompt, examples: Sequence[Demonstration] = ()
) -> list[Message]:
    """The chat messages for a question over passages, in the order given, marked [1], [2], ...

    Passages beyond ``prompt.max_passages`` are left out: the first ones are the best. Nothing that is put in
    is looked at for placeholders.

    Args:
        examples: worked examples, where the template has a place for them.
    """
    parts = {
        "question": normalise(question),
        "passages": marked(passages[: prompt.max_passages]),
        "examples": "\n\n".join(_demonstrated(one) for one in examples),
        "abstention": prompt.abstention,
    }
    template = prompt.user
    for name in ("passages", "examples"):  # an empty part takes its line along
        if not parts[name]:
            template = re.sub(rf"\{{{name}\}}\n*", "", template)
    return [
        {"role": "system", "content": prompt.instructions()},
        {"role": "user", "content": PLACEHOLDER.sub(lambda found: parts[found[1]], template)},
    ]


def _demonstrated(example: Demonstration) -> str:
    passages = marked(example.passages)
    return "\n\n".join(filter(None, (f"Question: {example.question}", passages, f"Answer: {example.completion}")))


def marked(passages: Sequence[Excerpt], first: int = 1) -> str:
    """The passages one after the other, each under its mark, from ``first`` on."""
    blocks = []
    for mark, passage in enumerate(passages, start=first):
        heading = f" {passage.context}" if passage.context else ""
        blocks.append(f"[{mark}]{heading}\n{passage.text}")
    return "\n\n".join(blocks)


MARK = re.compile(r"\[(\d{1,3})\]")
"""A citation mark in an answer."""


def cited_marks(answer: str, passages: int) -> list[int]:
    """The passage marks that an answer cites, in order, each once; marks out of range are left out."""
    marks = [int(mark) for mark in re.findall(r"\[([1-9]\d{0,2})\]", answer)]
    return [mark for mark in dict.fromkeys(marks) if 1 <= mark <= passages]


def strip_marks(answer: str) -> str:
    """The answer without its citation marks."""
    return re.sub(r"\s*\[[1-9]\d{0,2}\]", "", answer).strip()


def strip_thinking(text: str) -> str:
    """A generated text without the block of thoughts that it begins with; nothing where the block never ends.

    Some templates open the block in the prompt, so that only its end is in the text.
    """
    thoughts, end, answer = text.partition("</think>")
    if end and thoughts.count("<think>") <= 1 and thoughts.lstrip().startswith("<think>") == ("<think>" in thoughts):
        return answer.lstrip()
    return "" if text.lstrip().startswith("<think>") else text


def is_abstention(answer: str, prompt: Prompt) -> bool:
    """Whether the answer is the abstention sentence (case, closing full stop, marks and thoughts do not matter)."""
    return strip_marks(strip_thinking(answer)).rstrip(".").casefold() == prompt.abstention.rstrip(".").casefold()
