"""The text of a DOCX paragraph as its reader sees it: changes accepted, fields, raised text and formulas resolved."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from retrieval.parsing.docx_math import M, linear
from retrieval.parsing.docx_numbering import W, value
from retrieval.parsing.notation import lowered, raised

# Text that was deleted or moved away, instructions of fields, what a reader of this program does not see.
_SKIPPED = frozenset([f"{W}{name}" for name in ("del", "moveFrom", "tbl", "pPr", "rPr", "tcPr", "sectPr")])
_CHARACTERS = {
    f"{W}tab": "\t",
    f"{W}ptab": "\t",
    f"{W}br": "\n",
    f"{W}cr": "\n",
    f"{W}noBreakHyphen": "-",
}
_NOTES = {f"{W}footnoteReference": "footnote", f"{W}endnoteReference": "endnote"}
_PAGE_FIELD = re.compile(r"\s*(?:PAGE|NUMPAGES|SECTIONPAGES)\b")
# Codes of the font Symbol in which data sheets give their signs; Unicode's own need no table.
_SYMBOLS = {
    0xA3: "≤", 0xB0: "°", 0xB1: "±", 0xB3: "≥", 0xB4: "×", 0xB7: "•", 0xB8: "÷", 0xB9: "≠", 0xBB: "≈", 0xAE: "→",
    0x44: "Δ", 0x57: "Ω", 0x61: "α", 0x62: "β", 0x67: "γ", 0x6D: "μ", 0x70: "π", 0x73: "σ", 0xA5: "∞", 0xD6: "√",
}  # fmt: skip


@dataclass
class _Field:
    instruction: str
    is_result: bool
    """Whether what follows is what the field shows."""


class ParagraphText:
    """Reads one paragraph (``w:p``, or anything that holds runs)."""

    def __init__(self, element: Any) -> None:
        self.notes: list[tuple[str, str]] = []
        """Kind (``footnote`` or ``endnote``) and id of the notes that it refers to, in order."""
        self.has_page_number = False
        self._fields: list[_Field] = []
        text = ""
        for place, pieces in groupby(self._pieces(element, ""), key=lambda piece: piece[0]):
            joined = "".join(piece for _, piece in pieces)
            if place:
                text += raised(text[-2:], joined) if place == "superscript" else lowered(text[-2:], joined)
            else:
                text += joined
        self.text = text

    def _pieces(self, element: Any, place: str) -> Iterator[tuple[str, str]]:
        """Where text stands (``superscript``, ``subscript`` or nothing), and the text."""
        for child in element:
            tag = child.tag
            if not isinstance(tag, str) or tag in _SKIPPED or tag.endswith("}Fallback"):
                continue
            if tag == f"{W}fldSimple":
                self._fields.append(_Field(child.get(f"{W}instr", ""), is_result=True))
            elif tag == f"{W}fldChar":
                self._field(child.get(f"{W}fldCharType", ""))
            if tag in _NOTES:
                self.notes.append((_NOTES[tag], child.get(f"{W}id", "")))
            elif tag == f"{W}instrText":
                if self._fields:
                    self._fields[-1].instruction += child.text or ""
            elif tag == f"{W}t" and any(f.is_result and _PAGE_FIELD.match(f.instruction) for f in self._fields):
                self.has_page_number = True
            elif tag == f"{W}t":
                yield place, child.text or ""
            elif tag in _CHARACTERS:
                yield "", _CHARACTERS[tag]
            elif tag == f"{W}sym":
                yield place, _symbol(child)
            elif tag == f"{M}oMath":
                before = child.getprevious()
                yield "", (" " if before is not None and before.tag == tag else "") + linear(child)
            else:
                at = value(child, "rPr", "vertAlign") or "" if tag == f"{W}r" else place
                yield from self._pieces(child, at if at != "baseline" else "")
                if tag in (f"{W}p", f"{M}oMathPara"):
                    yield "", "\n"
            if tag == f"{W}fldSimple":
                self._fields.pop()

    def _field(self, kind: str) -> None:
        if kind == "begin":
            self._fields.append(_Field("", is_result=False))
        elif self._fields and kind == "separate":
            self._fields[-1].is_result = True
        elif self._fields and kind == "end":
            self._fields.pop()


def _symbol(element: Any) -> str:
    try:
        code = int(element.get(f"{W}char", ""), 16)
    except ValueError:
        return ""
    if not 0xE000 <= code < 0xF900:
        return chr(code) if code < 0xD800 or 0xF900 <= code < 0x10000 else ""
    return _SYMBOLS.get(code & 0xFF, "") if element.get(f"{W}font") == "Symbol" else ""
