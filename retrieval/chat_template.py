"""A chat model's template: messages into token ids, with nothing in them but text.

Knows nothing about questions, passages or releases; a tokenizer is all it needs.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from jinja2 import TemplateError

from retrieval.errors import InputError
from retrieval.prompt import Message

Tool = Mapping[str, Any]
"""A function in OpenAI's form: ``{"type": "function", "function": {"name", "description", "parameters"}}``."""


def encode(
    tokenizer: Any, messages: Sequence[Message], *, thinking: bool = False, tools: Sequence[Tool] = ()
) -> list[int]:
    """Token ids of the messages with the generation prompt, ready for the generator.

    A special token written inside a message (``<|im_end|>`` in a document, say) is encoded as
    the text that it is: nobody can close a turn from within a document.

    Args:
        tokenizer: a transformers tokenizer with a chat template.
        thinking: let a hybrid model think; a template without the switch ignores it.
        tools: functions that the model may call, see :func:`takes_tools`.
    """
    specials = [token for token in tokenizer.get_added_vocab() if token]
    messages = [_plain_calls(message, specials) for message in _fitting(tokenizer, messages)]
    contents = [message["content"] for message in messages]
    if any(token in content for content in contents for token in specials):
        return _encode_around(tokenizer, messages, specials, thinking=thinking, tools=tools)
    text = _rendered(tokenizer, messages, thinking=thinking, tools=tools)
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def takes_tools(tokenizer: Any, conversation: Sequence[Message], tools: Sequence[Tool]) -> bool:
    """Whether a template shows the model its tools, the calls it made and what they gave; many leave them out.

    Args:
        conversation: with a call and its result.
    """
    try:
        shown = _rendered(tokenizer, conversation, thinking=False, tools=tools)
    except InputError:
        return False
    told = [tool["function"]["description"] for tool in tools]
    calls = [call["function"]["arguments"] for turn in conversation for call in turn.get("tool_calls", ())]
    given = [value for arguments in calls for value in arguments.values()]
    results = [turn["content"] for turn in conversation if turn["role"] == "tool"]
    return all(text in shown for text in (*told, *given, *results))


def _plain_calls(message: Message, specials: Sequence[str]) -> Message:
    """A message whose calls hold no special token: a template puts them where no mark can stand for them."""
    if "tool_calls" not in message:
        return message
    calls = []
    for call in message["tool_calls"]:
        arguments = dict(call["function"]["arguments"])
        for name, value in arguments.items():
            for token in specials:
                value = value.replace(token, " ")
            arguments[name] = value
        calls.append({**call, "function": {**call["function"], "arguments": arguments}})
    return {**message, "tool_calls": calls}


def _rendered(tokenizer: Any, messages: Sequence[Message], *, thinking: bool, tools: Sequence[Tool] = ()) -> str:
    """The messages in the tokenizer's template.

    Raises:
        InputError: the template refuses them.
    """
    try:
        return str(
            tokenizer.apply_chat_template(
                list(messages),
                tools=list(tools) or None,
                tokenize=False,
                add_generation_prompt=True,
                enable_thinking=thinking,
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
    tokenizer: Any,
    messages: Sequence[Message],
    specials: Sequence[str],
    *,
    thinking: bool = False,
    tools: Sequence[Tool] = (),
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
        [{**m, "content": f"{mark}{i}{mark}" if m["content"] else ""} for i, m in enumerate(messages)],
        thinking=thinking,
        tools=tools,
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
