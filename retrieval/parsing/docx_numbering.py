"""Automatic numbers of DOCX: what Word prints before a numbered paragraph, which the file does not hold as text."""

import re
from dataclasses import dataclass
from typing import Any

from retrieval.parsing.notation import numeral

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_PLACE = re.compile(r"%([1-9])")
_LEVELS = 9


@dataclass(frozen=True)
class _Level:
    start: int
    form: str
    text: str
    legal: bool
    """Whether all numbers in it are decimal, whatever their own form."""


@dataclass
class _List:
    """An abstract numbering: its levels, and how far each has counted (None: not begun)."""

    levels: dict[int, _Level]
    counts: list[int | None]


class Numbering:
    """The numbers of one document, asked for in the order of its paragraphs.

    Args:
        root: the ``w:numbering`` element, or None.
    """

    def __init__(self, root: Any) -> None:
        self._lists: dict[str, _List] = {}
        self._instances: dict[str, tuple[_List, dict[int, int]]] = {}
        by_style: dict[str, _List] = {}
        links: dict[str, str] = {}
        for abstract in root.findall(f"{W}abstractNum") if root is not None else ():
            identity = abstract.get(f"{W}abstractNumId", "")
            counted = _List({}, [None] * _LEVELS)
            for level in abstract.findall(f"{W}lvl"):
                counted.levels[_integer(level.get(f"{W}ilvl"), 0)] = _level(level)
            self._lists[identity] = counted
            if name := value(abstract, "styleLink"):
                by_style[name] = counted
            if name := value(abstract, "numStyleLink"):
                links[identity] = name
        for identity, name in links.items():
            self._lists[identity] = by_style.get(name, self._lists[identity])
        for instance in root.findall(f"{W}num") if root is not None else ():
            found = self._lists.get(value(instance, "abstractNumId") or "")
            if found is None:
                continue
            restarts = {}
            for override in instance.findall(f"{W}lvlOverride"):
                start = value(override, "startOverride")
                if start is not None:
                    restarts[_integer(override.get(f"{W}ilvl"), 0)] = _integer(start, 1)
            self._instances[instance.get(f"{W}numId", "")] = found, restarts

    def mark(self, number_id: str, depth: int) -> str:
        """What stands before the next paragraph of this list and depth, ``-`` for a bullet; it counts on."""
        if number_id not in self._instances:
            return "-"
        counted, restarts = self._instances[number_id]
        depth = min(max(depth, 0), _LEVELS - 1)
        level = counted.levels.get(depth)
        if level is None or level.form == "bullet":
            return "-"
        for i in range(depth):
            if counted.counts[i] is None and i in counted.levels:
                counted.counts[i] = counted.levels[i].start
        before = counted.counts[depth]
        following = level.start if before is None else before + 1
        counted.counts[depth] = restarts.pop(depth, following)
        counted.counts[depth + 1 :] = [None] * (_LEVELS - depth - 1)

        def number(place: re.Match[str]) -> str:
            i = int(place[1]) - 1
            form = counted.levels[i].form if i in counted.levels and not level.legal else "decimal"
            return numeral(counted.counts[i] or 0, form)

        return " ".join(_PLACE.sub(number, level.text).split()) if level.form != "none" else ""


def value(element: Any, *path: str) -> str | None:
    """The ``w:val`` of the element at the path below ``element``."""
    for name in path:
        element = element.find(f"{W}{name}") if element is not None else None
    return None if element is None else element.get(f"{W}val")


def _level(element: Any) -> _Level:
    legal = element.find(f"{W}isLgl") is not None
    start = max(_integer(value(element, "start"), 1), 0)
    return _Level(start, value(element, "numFmt") or "decimal", (value(element, "lvlText") or "")[:100], legal)


def _integer(text: str | None, default: int) -> int:
    try:
        return int((text or "")[:9])
    except ValueError:
        return default
