"""The one prompt: training rows and live requests are rendered and encoded here, byte for byte alike.

Knows nothing about releases, search or models; a tokenizer is all it needs.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from jinja2 import TemplateError
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from retrieval.documents import Passage
from retrieval.errors import InputError
from retrieval.normalisation import normalise


class Message(TypedDict):
    """A chat message in OpenAI's form."""

    role: str
    content: str


class Prompt(BaseModel):
    """The wording of the prompt; part of a release."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    system: str = (
        "Answer the question with the words of the passages and cite the passage, like this: 42 mm [2]. "
        "If no passage answers it, reply: {abstention}"
    )
    """May hold ``{abstention}`` once; it is replaced literally, no template engine is involved."""
    abstention: str = "I cannot find this in the documents."
    max_passages: int = 4
    thinking_tokens: int = Field(default=0, ge=0)
    """Room for a model that can think before it answers; 0 asks its template for an answer without thinking."""

    def instructions(self) -> str:
        """The system message."""
        return self.system.replace("{abstention}", self.abstention)


def render(question: str, passages: Sequence[Passage], prompt: Prompt) -> list[Message]:
    """The chat messages for a question over passages, in the order given, marked [1], [2], ...

    The question stands before the passages and again after them: a causal model reads a passage
    better when it knows what is asked (Liu et al. 2023, arXiv 2307.03172, section 4.2). Passages
    beyond ``prompt.max_passages`` are left out: the first ones are the best.
    """
    asked = f"Question: {normalise(question)}"
    blocks = [asked]
    for mark, passage in enumerate(passages[: prompt.max_passages], start=1):
        heading = f" {passage.context}" if passage.context else ""
        blocks.append(f"[{mark}]{heading}\n{passage.text}")
    blocks.append(asked)
    return [
        {"role": "system", "content": prompt.instructions()},
        {"role": "user", "content": "\n\n".join(blocks)},
    ]


def encode(tokenizer: Any, messages: Sequence[Message], *, thinking: bool = False) -> list[int]:
    """Token ids of the messages with the generation prompt, ready for the generator.

    A special token written inside a message (``<|im_end|>`` in a document, say) is encoded as
    the text that it is: nobody can close a turn from within a document.

    Args:
        tokenizer: a transformers tokenizer with a chat template.
        thinking: let a hybrid model think; a template without the switch ignores it.
    """
    messages = _fitting(tokenizer, messages)
    contents = [message["content"] for message in messages]
    specials = [token for token in tokenizer.get_added_vocab() if token]
    if any(token in content for content in contents for token in specials):
        return _encode_around(tokenizer, messages, specials, thinking=thinking)
    text = _rendered(tokenizer, messages, thinking=thinking)
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def _rendered(tokenizer: Any, messages: Sequence[Message], *, thinking: bool) -> str:
    """The messages in the tokenizer's template.

    Raises:
        InputError: the template refuses them.
    """
    try:
        return str(
            tokenizer.apply_chat_template(
                list(messages), tokenize=False, add_generation_prompt=True, enable_thinking=thinking
            )
        )
    except (TemplateError, ValueError, TypeError, ArithmeticError, LookupError) as error:
        roles = ", ".join(message["role"] for message in messages)
        raise InputError(
            f"{tokenizer.name_or_path or 'the model'}: found a chat template that cannot render the turns {roles} "
            f"({error}), expected one that can: use another chat model"
        ) from error


def _fitting(tokenizer: Any, messages: Sequence[Message]) -> Sequence[Message]:
    """The messages as the template takes them: without a system role, the instructions open the first turn."""
    if [message["role"] for message in messages[:2]] != ["system", "user"] or _takes_system(
        tokenizer, tokenizer.chat_template
    ):
        return messages
    instructions, first, *rest = messages
    told = Message(role="user", content=f"{instructions['content']}\n\n{first['content']}")
    return [told, *rest]


@lru_cache(maxsize=4)
def _takes_system(tokenizer: Any, template: Any) -> bool:
    """Whether a template shows what the system says; some refuse it, some leave it out."""
    turns = [Message(role="system", content="lockstep-system"), Message(role="user", content="lockstep-user")]
    try:
        return "lockstep-system" in _rendered(tokenizer, turns, thinking=False)
    except InputError:
        return False


def _encode_around(
    tokenizer: Any, messages: Sequence[Message], specials: Sequence[str], *, thinking: bool = False
) -> list[int]:
    """Encode with only the template's own special tokens as such.

    The text is cut at the template's special tokens and nowhere else, as the tokenizer itself
    does, so that everything between them comes out as it would without the forged ones.
    """
    contents = [message["content"] for message in messages]
    # A private-use character that no content holds marks where the contents go.
    mark = next(chr(c) for c in range(0xE000, 0xF8FF) if all(chr(c) not in text for text in contents))
    skeleton = _rendered(
        tokenizer,
        [Message(role=m["role"], content=f"{mark}{i}{mark}") for i, m in enumerate(messages)],
        thinking=thinking,
    )
    longest_first = sorted(specials, key=len, reverse=True)
    pattern = f"{mark}(?P<content>\\d+){mark}|(?P<special>{'|'.join(map(re.escape, longest_first))})"
    ids: list[int] = []
    text, end = "", 0
    for match in re.finditer(pattern, skeleton):
        text += skeleton[end : match.start()]
        end = match.end()
        if match["content"] is not None:
            text += contents[int(match["content"])]
        else:
            ids += _text_ids(tokenizer, text)
            ids.append(tokenizer.convert_tokens_to_ids(match["special"]))
            text = ""
    return ids + _text_ids(tokenizer, text + skeleton[end:])


def _text_ids(tokenizer: Any, text: str) -> list[int]:
    if not text:
        return []
    return list(tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"])


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
