"""A text into the terms that search by words compares, but for case, stop words and stems, which depend on language.

What is done here depends on characters alone, so a text of several scripts needs no language to be told. Scripts
without spaces between words are cut into overlapping n-grams (for Chinese as good as dictionaries: Nie, Gao, Zhang
and Zhou 2000; Lucene's CJKBigramFilter); a dictionary cuts a question and the sentence that answers it differently.
"""

import re
import unicodedata
from collections.abc import Callable

import regex

SCHEME = "terms 1"
"""Raise it when a text gives other terms: collections are encoded again then."""

# Beyond `normalise`, for search only: joiners, stresses of emoji, Arabic's elongation say nothing; trademark signs
# are no letters of the word before them; a numeral stuck to a digit (10⁶, 5½) is a number of its own; Turkish
# capital I with a dot is an i with two characters in lower case.
_IGNORED = regex.compile(r"[\u200C\u200D\u0640\uFE00-\uFE0F\uFFF0-\uFFFB]+")
_SIGNS = regex.compile(r"[\u2122\u2120\u00AE\u00A9]+")
_UNFOLDED = re.compile("[\u00a9\u00ae\u0130\u0640\u200c\u200d\ufe00-\ufe0f]")
_NUMERAL = regex.compile(r"(?<=\d)(?=[\p{No}\p{Nl}])")

_DENSE = r"\p{Han}\p{Hiragana}\p{Katakana}\u30FC\p{Hangul}"
_SPARSE = r"\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}"
_UNSPACED = regex.compile(rf"(?P<dense>[{_DENSE}]+)|[{_SPARSE}][{_SPARSE}\p{{M}}]*")
_DENSE_SIZES, _SPARSE_SIZES = (1, 2), (2, 3)
"""Characters of a term: one says much in Chinese, little in Thai."""
_MAYBE_OWN = re.compile("[\u0300-\u036f\u0483-\u1fff\u2c00-\U0010ffff]")  # five times as fast
_OWN = regex.compile(rf"[\p{{M}}{_DENSE}{_SPARSE}]")
_TERM = regex.compile(r"[\p{Alphabetic}\p{M}\p{N}]+\uFDD0?")
_MARK = "\ufdd0"
"""Set after an abbreviation that is spelled like a stop word: a character that no text holds."""
_CAPITAL = "[A-Z\u00c0-\u00de\u0391-\u03a9\u0400-\u042f]"
_MAYBE_SHORT = re.compile(f"{_CAPITAL}{{2}}")  # much faster than the next
_SHORT = re.compile(
    rf"\b(?:{_CAPITAL}+(?:[ ,]{{1,3}}{_CAPITAL}+){{2,}}"  # words that shout are no abbreviations
    rf"|(?P<short>{_CAPITAL}{{2,6}}))\b"
)


def folded(text: str) -> str:
    """The text (normalised already) without the differences that a search by words ignores in every language."""
    if text.isascii() or (unicodedata.is_normalized("NFKC", text) and not _UNFOLDED.search(text)):
        return text
    text = _NUMERAL.sub(" ", _SIGNS.sub(" ", _IGNORED.sub("", text)))
    return unicodedata.normalize("NFKC", text.replace("İ", "i"))


def needs_own(text: str) -> bool:
    """Whether :func:`terms` cuts the text otherwise than at whatever is neither letter nor digit."""
    return not text.isascii() and _MAYBE_OWN.search(text) is not None and _OWN.search(text) is not None


def terms(text: str, *, question: bool = False) -> list[str]:
    """The terms of a folded text, in order.

    Args:
        question: of n-grams only the longest: the shorter ones of a document are there for questions that are as
            short, and would let every document that shares a character into the ranking.
    """
    if not text.isascii():
        text = _UNSPACED.sub(lambda found: _ngrams(found, question), text)
    found: list[str] = _TERM.findall(text)
    return found


def marked(text: str, is_stop_word: Callable[[str], bool]) -> str:
    """The text with a mark after each abbreviation that would be taken for a stop word: IT, WHO."""

    if not _MAYBE_SHORT.search(text):
        return text

    def mark(found: re.Match[str]) -> str:
        short = found["short"]
        return f"{short}{_MARK}" if short and is_stop_word(short.lower()) else found[0]

    return _SHORT.sub(mark, text)


def is_marked(term: str) -> bool:
    """Whether it is an abbreviation that :func:`marked` has found."""
    return term.endswith(_MARK)


def as_abbreviations(found: list[str]) -> list[str]:
    """Terms that are all stop words, as if each were an abbreviation: whoever asks for "it" alone means IT."""
    return [term if is_marked(term) else term + _MARK for term in found]


def _ngrams(found: regex.Match[str], question: bool) -> str:
    dense = found["dense"]
    units = list(dense) if dense else regex.findall(r"\X", found[0])
    wanted = _DENSE_SIZES if dense else _SPARSE_SIZES
    sizes = [size for size in wanted if size <= len(units)] or [len(units)]
    if question:
        sizes = sizes[-1:]
    grams = ["".join(units[i : i + size]) for size in sizes for i in range(len(units) - size + 1)]
    return f" {' '.join(grams)} "
