"""Formulas of DOCX (Office Math, ECMA-376 part 1, section 22.1) as a line of text: ``P = 2.5 · Q^2``."""

import re
from typing import Any

M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_ONE = re.compile(r"[\w.,]*|.|\([^()]*\)")
_DELETED = (f"{_WORD}del", f"{_WORD}moveFrom")


def linear(element: Any) -> str:
    """The formula below ``element`` (an ``m:oMath``, or any part of one)."""
    if element is None or not isinstance(element.tag, str) or element.tag in _DELETED:
        return ""
    if element.tag == f"{M}t":
        return element.text or ""
    name = element.tag.removeprefix(M)
    if name.endswith("Pr"):
        return ""
    form = _FORMS.get(name)
    return form(element) if form else "".join(map(linear, element))


def _part(element: Any, name: str) -> str:
    return linear(element.find(M + name)).strip()


def _one(text: str) -> str:
    """The text so that what stands before or after it takes all of it."""
    return text if _ONE.fullmatch(text) else f"({text})"


def _scripts(element: Any, base: str) -> str:
    below, above = (_part(element, name) for name in ("sub", "sup"))
    return base + (f"_{_one(below)}" if below else "") + (f"^{_one(above)}" if above else "")


def _property(element: Any, name: str, default: str) -> str:
    found = element.find(f"{M}{element.tag.removeprefix(M)}Pr/{M}{name}")
    return default if found is None else str(found.get(f"{M}val", ""))


def _nary(element: Any) -> str:
    return f"{_scripts(element, _property(element, 'chr', '∫'))} {_part(element, 'e')}"


def _root(element: Any) -> str:
    degree = _part(element, "deg")
    return f"√{f'[{degree}]' if degree else ''}({_part(element, 'e')})"


def _delimited(element: Any) -> str:
    inner = _property(element, "sepChr", "|").join(linear(part).strip() for part in element.findall(f"{M}e"))
    return _property(element, "begChr", "(") + inner + _property(element, "endChr", ")")


def _matrix(element: Any) -> str:
    rows = (", ".join(linear(cell).strip() for cell in row) for row in element.findall(f"{M}mr"))
    return f"[{'; '.join(rows)}]"


_FORMS = {
    "sSup": lambda e: _scripts(e, _one(_part(e, "e"))),
    "sSub": lambda e: _scripts(e, _one(_part(e, "e"))),
    "sSubSup": lambda e: _scripts(e, _one(_part(e, "e"))),
    "sPre": lambda e: _scripts(e, "") + _part(e, "e"),
    "f": lambda e: f"{_one(_part(e, 'num'))}/{_one(_part(e, 'den'))}",
    "rad": _root,
    "nary": _nary,
    "d": _delimited,
    "func": lambda e: f"{_part(e, 'fName')} {_part(e, 'e')}",
    "limLow": lambda e: f"{_part(e, 'e')}_{_one(_part(e, 'lim'))}",
    "limUpp": lambda e: f"{_part(e, 'e')}^{_one(_part(e, 'lim'))}",
    "eqArr": lambda e: "; ".join(linear(line).strip() for line in e.findall(f"{M}e")),
    "m": _matrix,
}
