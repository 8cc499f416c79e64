"""Nested data (JSON, YAML, TOML) as text: keys above nested values as headings, objects in lists as rows.

YAML's scalars are taken as they are written (``1.10`` stays that, ``no`` is no boolean); its aliases are resolved
within a bound. What is malformed as data (templates, comments in JSON) is taken as the plain text that it is.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.parsing.outline import Outline
from retrieval.parsing.text import clean, decode

_MAX_DEPTH = 100
_MAX_VALUES = 2_000_000
_HEADING_DEPTH = 3
_LONG = 120
"""Characters: a longer text is a paragraph of its own."""
_TITLES = ("title", "name")


def parse_json(document_id: str, data: bytes, *, max_characters: int) -> Document:
    """JSON, or several values one after another; its title is a ``title`` at the top.

    Raises:
        InputError: binary content, nested too deeply, or over the limit.
    """
    text = clean(decode(data))
    try:
        value = _json_values(text)
    except ValueError:
        return Document(document_id, text.strip("\n"))
    return _document(document_id, value, max_characters)


def parse_yaml(document_id: str, data: bytes, *, max_characters: int) -> Document:
    """YAML, of one document or several.

    Raises:
        InputError: binary content, nested too deeply, more values than the limit (alias bombs), or too much text.
    """
    text = clean(decode(data))
    try:
        values = list(_yaml_values(text))
    except yaml.YAMLError:
        return Document(document_id, text.strip("\n"))
    return _document(document_id, values[0] if len(values) == 1 else values, max_characters)


def parse_toml(document_id: str, data: bytes, *, max_characters: int) -> Document:
    """TOML.

    Raises:
        InputError: binary content, nested too deeply, or over the limit.
    """
    text = clean(decode(data))
    try:
        value = tomllib.loads(text)
    except ValueError:
        return Document(document_id, text.strip("\n"))
    return _document(document_id, value, max_characters)


def _json_values(text: str) -> Any:
    decoder = json.JSONDecoder()
    values = []
    position = 0
    while True:
        while position < len(text) and text[position] in " \t\n,":
            position += 1
        if position == len(text):
            break
        value, position = decoder.raw_decode(text, position)
        values.append(value)
    return values[0] if len(values) == 1 else values


def _yaml_values(text: str) -> Iterator[Any]:
    """Each document's value, built from the events, so that no scalar is converted and depth is bounded."""
    anchors: dict[str, Any] = {}
    stack: list[tuple[Any, list[str]]] = []  # open containers, each with the key that waits for its value
    roots: list[Any] = []

    def put(value: Any) -> None:
        if not stack:
            roots.append(value)
        elif isinstance(stack[-1][0], list):
            stack[-1][0].append(value)
        elif stack[-1][1]:
            key = stack[-1][1].pop()
            if key == "<<" and isinstance(value, dict):
                stack[-1][0].update({name: one for name, one in value.items() if name not in stack[-1][0]})
            else:
                stack[-1][0][key] = value
        else:
            stack[-1][1].append(value if isinstance(value, str) else json.dumps(value)[:_LONG])

    for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        value: Any
        if isinstance(event, yaml.ScalarEvent):
            value = "" if event.value == "~" and event.style is None else event.value
        elif isinstance(event, yaml.AliasEvent):
            value = anchors.get(str(event.anchor), "")
        elif isinstance(event, yaml.CollectionStartEvent):
            value = [] if isinstance(event, yaml.SequenceStartEvent) else {}
            if len(stack) >= _MAX_DEPTH:
                raise _too_deep()
        elif isinstance(event, yaml.CollectionEndEvent):
            put(stack.pop()[0])
            continue
        else:
            if isinstance(event, yaml.DocumentEndEvent):
                anchors = {}
                yield from roots
                roots = []
            continue
        if getattr(event, "anchor", None) and not isinstance(event, yaml.AliasEvent):
            anchors[str(event.anchor)] = value
        if isinstance(event, yaml.CollectionStartEvent):
            stack.append((value, []))
        else:
            put(value)


def _document(document_id: str, value: Any, max_characters: int) -> Document:
    writer = _Writer(Outline(max_characters))
    writer.write(value, 0)
    title = ""
    if isinstance(value, dict):
        info = value.get("info")
        for part in (value, info if isinstance(info, dict) else {}):
            title = title or next((part[key] for key in _TITLES if isinstance(part.get(key), str)), "")
    return writer.outline.document(document_id, title if len(title) <= _LONG else "", {})


class _Writer:
    def __init__(self, outline: Outline) -> None:
        self.outline = outline
        self._values = 0

    def write(self, value: Any, depth: int) -> None:
        """A value below ``depth`` keys."""
        if depth > _MAX_DEPTH:
            raise _too_deep()
        if isinstance(value, Mapping):
            self._mapping(value, depth)
        elif isinstance(value, list):
            self._list(value, depth)
        else:
            self._line(_scalar(value))

    def _mapping(self, value: Mapping[Any, Any], depth: int) -> None:
        for key, one in value.items():
            self._count()
            name = " ".join(str(key).split())
            if _is_simple(one):
                text = _joined(one)
                if text:
                    self._line(f"{name}: {text}")
            elif depth < _HEADING_DEPTH:
                self.outline.heading(depth + 1, name)
                self.write(one, depth + 1)
            else:
                self._line(f"{name}: {self._flat(one, depth)}")

    def _list(self, values: list[Any], depth: int) -> None:
        for one in values:
            self._count()
            if isinstance(one, Mapping) and depth < _HEADING_DEPTH and not _is_flat(one):
                title = next((one[key] for key in _TITLES if isinstance(one.get(key), str)), "")
                if title and len(title) <= _LONG:
                    self.outline.heading(depth + 1, title)
                self._mapping(one, depth + 1)
            else:
                self._line(_joined(one) if _is_simple(one) else self._flat(one, depth))

    def _flat(self, value: Any, depth: int) -> str:
        """A nested value on one line."""
        self._count()
        if depth > _MAX_DEPTH:
            raise _too_deep()
        if isinstance(value, Mapping):
            parts = []
            for key, one in value.items():
                text = _joined(one) if _is_simple(one) else self._flat(one, depth + 1)
                if text:
                    parts.append(f"{key}: {text}")
            text = "; ".join(parts)
        elif isinstance(value, list):
            texts = (_joined(one) if _is_simple(one) else self._flat(one, depth + 1) for one in value)
            text = ", ".join(filter(None, texts))
        else:
            text = _scalar(value)
        if len(text) > self.outline.max_characters:
            raise InputError(
                f"found more than {self.outline.max_characters} characters of text, expected fewer: split the file"
            )
        return text

    def _line(self, text: str) -> None:
        if "\n" in text.strip() or len(text) > _LONG:
            self.outline.paragraph(text)
        else:
            self.outline.item(text.strip())

    def _count(self) -> None:
        self._values += 1
        if self._values > _MAX_VALUES:
            raise InputError(f"found more than {_MAX_VALUES} values in it, expected fewer: split the file")


def _is_simple(value: Any) -> bool:
    """A scalar, or a list of scalars."""
    if isinstance(value, list):
        return not any(isinstance(one, Mapping | list) for one in value)
    return not isinstance(value, Mapping)


def _is_flat(value: Mapping[Any, Any]) -> bool:
    return all(_is_simple(one) and not (isinstance(one, str) and len(one) > _LONG) for one in value.values())


def _joined(value: Any) -> str:
    return ", ".join(filter(None, map(_scalar, value))) if isinstance(value, list) else _scalar(value)


def _scalar(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _too_deep() -> InputError:
    return InputError(f"found values nested more than {_MAX_DEPTH} deep, expected fewer levels: leave it out")
