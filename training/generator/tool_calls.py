"""Calls of a tool in what a model wrote: each family writes them in its own way, but always as a JSON object.

Knows nothing about what a tool does.
"""

import json
from dataclasses import dataclass
from typing import Any

_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class Call:
    """A tool's name and what it is given."""

    name: str
    arguments: dict[str, Any]

    def written(self) -> str:
        """As Hermes' and Qwen's models write it."""
        return f"<tool_call>\n{json.dumps({'name': self.name, 'arguments': self.arguments})}\n</tool_call>"


def first_call(text: str) -> Call | None:
    """The first call in a text; None where there is none that can be read.

    Takes ``{"name": …, "arguments": {…}}`` whatever stands around it, ``parameters`` for ``arguments`` (Llama), and
    arguments that are themselves a string of JSON.
    """
    start = text.find("{")
    while start >= 0:
        try:
            found, _ = _DECODER.raw_decode(text, start)
        except ValueError:
            found = None
        if isinstance(found, dict) and isinstance(found.get("name"), str):
            arguments = parsed(found.get("arguments", found.get("parameters")))
            if arguments is not None:
                return Call(found["name"], arguments)
        start = text.find("{", start + 1)
    return None


def parsed(arguments: Any) -> dict[str, Any] | None:
    """Arguments as an object; None where they are none."""
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except ValueError:
            return None
    return arguments if isinstance(arguments, dict) else None
