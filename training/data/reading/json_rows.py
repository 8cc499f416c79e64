"""Rows of JSON: one object a line (JSON Lines), or an array of objects.

Strict: a key that stands twice, a number that is none and half a character are faults of their row.
"""

import json
from collections.abc import Iterator
from typing import Any

from training.data.reading.faults import FaultyRow

JsonRow = tuple[int, dict[str, Any] | FaultyRow]
"""The number of its line, from 1, and what stands there."""


def lines(data: bytes) -> Iterator[JsonRow]:
    """The objects of JSON Lines; blank lines are passed over."""
    for number, raw in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if not raw.strip():
            continue
        try:
            yield number, _object(_value(_text(raw)))
        except FaultyRow as fault:
            yield number, fault


def array(text: str) -> Iterator[JsonRow]:
    """The objects of an array; what follows a place that is no JSON cannot be read."""
    decoder = json.JSONDecoder(object_pairs_hook=_unique_keys, parse_constant=_no_constant)
    place, number, counted = text.index("[") + 1, 1, 0
    while True:
        place = _past_blanks(text, place)
        number += text.count("\n", counted, place)
        counted = place
        if text.startswith("]", place) and not text[place + 1 :].strip():
            return
        try:
            value, end = decoder.raw_decode(text, place)
        except json.JSONDecodeError as error:
            line = number + text.count("\n", place, error.pos)
            yield (
                line,
                FaultyRow(f"found malformed JSON ({error.msg}), expected an array of objects: the rest is unread"),
            )
            return
        except FaultyRow as fault:  # where the object ends is not known then
            yield number, FaultyRow(f"{fault}; the rest of the array is unread")
            return
        except (ValueError, RecursionError):
            yield number, _too_large()
            return
        try:
            yield number, _object(_whole(value))
        except FaultyRow as fault:
            yield number, fault
        place = _past_blanks(text, end)
        if text.startswith(",", place):
            place += 1
        elif not text.startswith("]", place):
            line = number + text.count("\n", counted, place)
            yield line, FaultyRow("found malformed JSON (no ',' or ']' after an object), expected an array of objects")
            return


def shown(value: Any) -> str:
    """A value as messages quote it."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."


def _past_blanks(text: str, place: int) -> int:
    while place < len(text) and text[place] in " \t\r\n":
        place += 1
    return place


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise FaultyRow(
            f"found the byte 0x{raw[error.start]:02x} at position {error.start + 1}, expected UTF-8: save it as UTF-8"
        ) from error


def _value(text: str) -> Any:
    try:
        return _whole(json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_no_constant))
    except FaultyRow:
        raise
    except json.JSONDecodeError as error:
        raise FaultyRow(
            f"found malformed JSON ({error.msg} at column {error.colno}), expected one JSON object a line"
        ) from error
    except (ValueError, RecursionError) as error:
        raise _too_large() from error


def _whole(value: Any) -> Any:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise FaultyRow("found half of a surrogate pair (\\ud800 to \\udfff), expected whole characters") from error
    except (ValueError, RecursionError) as error:
        raise _too_large() from error
    return value


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise FaultyRow(f"found {shown(value)}, expected one JSON object a line, or an array of them")
    return value


def _too_large() -> FaultyRow:
    return FaultyRow("found a value that is too deep or too long, expected a plain JSON object")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise FaultyRow(f"found the key {twice!r} twice in one object, expected it once")
    return row


def _no_constant(name: str) -> Any:
    raise FaultyRow(f"found {name}, expected JSON")
