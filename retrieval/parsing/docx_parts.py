"""What stands beside the text of a DOCX: styles, numbering, notes, headers and footers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from retrieval.parsing.docx_numbering import Numbering, W, value

_HEADING = "heading "
_MAX_DEPTH = 20
"""Of styles that are based on one another."""


@dataclass(frozen=True)
class Style:
    """A paragraph style, with what it takes over from the one that it is based on."""

    name: str = ""
    level: int = 0
    """Of the heading that it makes, 1 to 9; 0: none."""
    number: str | None = None
    """Id of the list that it belongs to."""
    depth: int = 0
    """In that list."""


class Parts:
    """Styles, numbering, notes, headers and footers of a document.

    Args:
        main: python-docx' document part.
    """

    def __init__(self, main: Any) -> None:
        self._main = main
        self.styles = _styles(self._root("styles"))
        self.numbering = Numbering(self._root("numbering"))
        self._notes = {
            kind: {note.get(f"{W}id", ""): note for note in _children(self._root(f"{kind}s"), kind)}
            for kind in ("footnote", "endnote")
        }

    def note(self, kind: str, identity: str) -> Any:
        """The element of a note, or None."""
        return self._notes[kind].get(identity)

    def margins(self, kind: str) -> list[Any]:
        """The headers or footers in use, in order.

        Args:
            kind: ``header`` or ``footer``.
        """
        identities = [
            reference.get("{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id")
            for reference in self._main.element.iter(f"{W}{kind}Reference")
        ]
        links = self._main.rels
        return [_parsed(links[identity].target_part) for identity in dict.fromkeys(identities) if identity in links]

    def _root(self, kind: str) -> Any:
        """The root element of the part that the document is linked to, or None."""
        for link in self._main.rels.values():
            if link.reltype.endswith(f"/{kind}") and not link.is_external:
                return _parsed(link.target_part)
        return None


def _parsed(part: Any) -> Any:
    from docx.oxml import parse_xml

    return part.element if hasattr(part, "element") else parse_xml(part.blob)


def _children(root: Any, name: str) -> list[Any]:
    return [] if root is None else root.findall(f"{W}{name}")


def _styles(root: Any) -> Mapping[str, Style]:
    elements = {element.get(f"{W}styleId", ""): element for element in _children(root, "style")}
    resolved: dict[str, Style] = {}

    def resolve(identity: str, depth: int) -> Style:
        if identity in resolved or identity not in elements or depth > _MAX_DEPTH:
            return resolved.get(identity, Style())
        element = elements[identity]
        style = resolve(value(element, "basedOn") or "", depth + 1)
        name = value(element, "name") or ""
        style = replace(style, name=name, level=_level(name, value(element, "pPr", "outlineLvl")) or style.level)
        number = value(element, "pPr", "numPr", "numId")
        if number is not None:
            style = replace(style, number=number)
        ilvl = value(element, "pPr", "numPr", "ilvl")
        if ilvl is not None and ilvl.isdecimal():
            style = replace(style, depth=int(ilvl[:2]))
        resolved[identity] = style
        return style

    for identity in elements:
        resolve(identity, 0)
    return resolved


def _level(name: str, outline: str | None) -> int:
    rest = name.lower().removeprefix(_HEADING)
    if rest != name.lower() and rest in tuple("123456789"):
        return int(rest)
    return int(outline) + 1 if outline is not None and outline in tuple("012345678") else 0
