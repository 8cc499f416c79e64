"""What a client's messages come to: the question, the turns before it, and what is not used.

The question is the last user message. The client's system messages do not instruct the release, which was
measured with its own instructions; only the generator without retrieval follows them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from retrieval.prompt import Message
from service.http.problems import Problem
from service.http.schemas import ChatMessage


@dataclass(frozen=True)
class Conversation:
    """What a client's messages come to."""

    question: str
    history: tuple[Message, ...]
    """Alternating turns before the question, from the user's on."""
    sources: tuple[tuple[str, ...], ...]
    """The messages that each turn of the history is made of, such as ``messages[1]``."""
    system: str
    """The client's instructions, joined."""
    unused: tuple[str, ...]
    """What was sent and is used by nobody, such as ``messages[3]``."""
    instructions: tuple[str, ...]
    """The messages with the client's instructions."""


def read_conversation(messages: Sequence[ChatMessage]) -> Conversation:
    """The question, the turns before it, and what is ignored.

    Results of tools, and calls without a word of text, are left out: the service never calls a tool.

    Raises:
        Problem: the last turn is not the user's, or is empty.
    """
    turns = [number for number, message in enumerate(messages) if _is_turn(message)]
    position = turns[-1] if turns else len(messages) - 1
    last = messages[position]
    if last.role != "user":
        raise Problem(
            f"found a last message of role {last.role!r}, expected the user's question",
            param=f"messages[{position}].role",
        )
    if not last.text.strip():
        raise Problem("found an empty question, expected text", param=f"messages[{position}].content")
    history: list[tuple[str, list[str]]] = []
    sources: list[list[int]] = []
    unused: list[int] = []
    instructions: list[int] = []
    for number, message in enumerate(messages):
        if message.role in ("system", "developer"):
            instructions.append(number)
        elif number == position:
            continue
        elif number > position or not message.text.strip() or message.role in ("tool", "function"):
            unused.append(number)
        elif history and history[-1][0] == message.role:  # many chat templates insist on alternation
            history[-1][1].append(message.text)
            sources[-1].append(number)
        elif history or message.role == "user":
            history.append((message.role, [message.text]))
            sources.append([number])
        else:
            unused.append(number)
    if history and history[-1][0] == "user":  # the question before was never answered
        history.pop()
        unused += sources.pop()
    return Conversation(
        question=last.text,
        history=tuple(Message(role=role, content="\n\n".join(texts)) for role, texts in history),
        sources=tuple(map(_names, sources)),
        system="\n\n".join(messages[number].text for number in instructions).strip(),
        unused=_names(unused),
        instructions=_names(instructions),
    )


def _is_turn(message: ChatMessage) -> bool:
    return message.role == "user" or (message.role == "assistant" and bool(message.text.strip()))


def _names(numbers: Sequence[int]) -> tuple[str, ...]:
    return tuple(f"messages[{number}]" for number in sorted(numbers))
