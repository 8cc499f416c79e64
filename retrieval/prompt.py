"""The one prompt: training rows and live requests are rendered and encoded here, byte for byte alike.

Knows nothing about releases, search or models; a tokenizer is all it needs.
"""

import re
from collections.abc import Sequence
from typing import Any, TypedDict

from pydantic import BaseModel, ConfigDict

from retrieval.documents import Passage


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

    def instructions(self) -> str:
        """The system message."""
        return self.system.replace("{abstention}", self.abstention)


def render(question: str, passages: Sequence[Passage], prompt: Prompt) -> list[Message]:
    """The chat messages for a question over passages, in the order given, marked [1], [2], ...

    Passages beyond ``prompt.max_passages`` are left out: the first ones are the best.
    """
    blocks = []
    for mark, passage in enumerate(passages[: prompt.max_passages], start=1):
        heading = f" {passage.context}" if passage.context else ""
        blocks.append(f"[{mark}]{heading}\n{passage.text}")
    blocks.append(f"Question: {question}")
    return [
        {"role": "system", "content": prompt.instructions()},
        {"role": "user", "content": "\n\n".join(blocks)},
    ]


def encode(tokenizer: Any, messages: Sequence[Message]) -> list[int]:
    """Token ids of the messages with the generation prompt, ready for the generator.

    A special token written inside a message (``<|im_end|>`` in a document, say) is encoded as
    the text that it is: nobody can close a turn from within a document. Messages that hold none
    are encoded in one piece; the others piece by piece around their contents.

    Args:
        tokenizer: a transformers tokenizer with a chat template.
    """
    contents = [message["content"] for message in messages]
    specials = [token for token in tokenizer.get_added_vocab() if token]
    if not any(token in content for content in contents for token in specials):
        return _chat_ids(tokenizer, messages)
    # A private-use character that no content holds stands in for each content, so that the
    # template's own special tokens can be told from those that a content happens to spell.
    placeholder = next(chr(c) for c in range(0xE000, 0xF8FF) if all(chr(c) not in text for text in contents))
    skeleton = tokenizer.apply_chat_template(
        [{"role": m["role"], "content": f"{placeholder}{i}{placeholder}"} for i, m in enumerate(messages)],
        tokenize=False,
        add_generation_prompt=True,
    )
    ids: list[int] = []
    for position, piece in enumerate(re.split(f"{placeholder}(\\d+){placeholder}", skeleton)):
        is_content = position % 2 == 1
        text = contents[int(piece)] if is_content else piece
        ids += tokenizer(text, add_special_tokens=False, split_special_tokens=is_content)["input_ids"]
    return ids


def _chat_ids(tokenizer: Any, messages: Sequence[Message]) -> list[int]:
    text = tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=True)
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def cited_marks(answer: str, passages: int) -> list[int]:
    """The passage marks that an answer cites, in order, each once; marks out of range are left out."""
    marks = [int(mark) for mark in re.findall(r"\[(\d{1,3})\]", answer)]
    return [mark for mark in dict.fromkeys(marks) if 1 <= mark <= passages]


def strip_marks(answer: str) -> str:
    """The answer without its citation marks."""
    return re.sub(r"\s*\[\d{1,3}\]", "", answer).strip()


def is_abstention(answer: str, prompt: Prompt) -> bool:
    """Whether the answer is the abstention sentence (case, closing full stop and marks do not matter)."""
    return strip_marks(answer).rstrip(".").casefold() == prompt.abstention.rstrip(".").casefold()
