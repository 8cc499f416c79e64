"""A chat model's template: messages into token ids, with nothing in them but text.

Knows nothing about questions, passages or releases; a tokenizer is all it needs.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from jinja2 import TemplateError

from retrieval.errors import InputError
from retrieval.prompt import Message


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
