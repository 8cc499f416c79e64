"""Which languages texts are written in, by Google's compact language detector (CLD2), as ISO 639 codes.

Knows nothing about what a language means for search.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

import pycld2
import regex

_ALIASES = {"iw": "he", "jw": "jv", "nb": "no", "nn": "no", "zh-Hant": "zh"}
_NO_TEXT = regex.compile(r"[\p{Cc}\p{Cs}\p{Cn}\p{Co}]")  # the detector refuses them
_NAMES = frozenset(pycld2.DETECTED_LANGUAGES)
KNOWN = frozenset(_ALIASES.get(code, code) for name, code in pycld2.LANGUAGES if name in _NAMES and code.isalpha())
"""Codes of the languages that can be told apart."""


def spoken(texts: Iterable[str]) -> dict[str, float]:
    """The languages of texts with their share of what is written in a certain one, the largest first.

    Where no text is certain (a table of part numbers, short rows), that of all together, if any.
    """
    found: Counter[str] = Counter()
    seen = []
    for text in texts:
        seen.append(text)
        size, codes = _detected(text)
        found.update(dict.fromkeys(codes[:1], size))
    found = +found
    if not found:
        found.update(_detected("\n".join(seen))[1][:1])
    return {code: size / found.total() for code, size in sorted(found.items(), key=lambda one: (-one[1], one[0]))}


def closest(text: str, languages: Sequence[str]) -> str:
    """The one of ``languages`` that most of the text is written in; the first where it is none of them."""
    return next((code for code in _detected(text)[1] if code in languages), languages[0])


def _detected(text: str) -> tuple[int, list[str]]:
    """Bytes of text in a certain language (0: none is certain), and up to three languages, the most text first."""
    try:
        certain, size, details = pycld2.detect(_NO_TEXT.sub(" ", text), bestEffort=True)
    except pycld2.error:
        return 0, []
    codes = [_ALIASES.get(code, code) for _, code, _, _ in details]
    known = [code for code in codes if code in KNOWN]
    return (size if certain and codes[:1] == known[:1] else 0), known
