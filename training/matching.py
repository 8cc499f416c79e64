"""Texts compared as sequences of normalised tokens: does a passage hold an answer, are two questions the same.

Knows nothing about scores; the metrics of answers have a normalisation of their own, the field's.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

ARTICLES = frozenset({"a", "an", "the"})

# Scripts that put no space between words: each character is a token.
_UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x3400, 0x9FFF),  # Han
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
# A sign belongs to a number only at the start of a word: "-5" is not "5", but "pH-11" is "pH 11".
_TOKEN = re.compile(r"(?:(?<!\S)-)?\d+(?:[.,]\d+)*|[^\s\d.,\-]+")
_THOUSANDS = re.compile(r",(?=\d{3}(?!\d))")


class _Plain(dict[int, str]):
    """Character to what stands for it before the split into tokens; filled as characters are met."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        category = unicodedata.category(char)
        if char in ".,-":
            plain = char
        elif char == "\N{MINUS SIGN}":
            plain = "-"
        elif char == "%" or category[0] == "S":
            plain = f" {char} "  # "5%" and "5 %", "5°C" and "5 °C" are the same
        elif category == "Cf":
            plain = ""  # soft hyphens, joiners
        elif category[0] in "LMN":
            plain = f" {char} " if any(low <= code <= high for low, high in _UNSPACED) else char
        else:
            plain = " "
        self[code] = plain
        return plain


_PLAIN = _Plain()


def tokens(text: str, *, articles: bool = False) -> list[str]:
    """The normalised tokens: case folded, compatibility forms resolved, punctuation and articles gone.

    A number is one token with its sign and decimals (thousands separators dropped), apart from its unit:
    "-1,234.5mm" gives ``["-1234.5", "mm"]``.

    Args:
        articles: keep "a", "an" and "the".
    """
    plain = unicodedata.normalize("NFKC", text).casefold().translate(_PLAIN)
    found = [_THOUSANDS.sub("", token) for token in _TOKEN.findall(plain)]
    return found if articles else [token for token in found if token not in ARTICLES]


@lru_cache(maxsize=8192)
def _padded(text: str, articles: bool) -> str:
    return f" {' '.join(tokens(text, articles=articles))} "


def holds_answer(text: str, answers: Iterable[str]) -> bool:
    """Whether a text contains one of the answers as whole words, normalised."""
    return any(_holds(text, answer) for answer in answers)


def _holds(text: str, answer: str) -> bool:
    wanted = _padded(answer, False)
    if wanted.strip():
        return wanted in _padded(text, False)
    wanted = _padded(answer, True)  # the answer is "A", say
    if wanted.strip():
        return wanted in _padded(text, True)
    return bool(answer.strip()) and answer.strip() in text  # nothing but punctuation


def supporting(texts: Sequence[str], answers: Sequence[str]) -> list[int]:
    """Which of a document's chunks support the answers, as indices into ``texts``.

    The only chunk of a document supports whatever its document supports; of several, those that
    hold an answer do. Empty if that leaves none, which is then for the caller to decide.
    """
    if len(texts) == 1:
        return [0]
    return [i for i, text in enumerate(texts) if holds_answer(text, answers)]


def first_verbatim(texts: Sequence[str], answers: Sequence[str]) -> str:
    """The first answer that stands literally, as whole words, in one of the texts; else the first answer."""
    for answer in answers:
        if any(answer in text and _holds(text, answer) for text in texts):
            return answer
    return answers[0]


def question_key(question: str) -> str:
    """Equal for questions that differ in case, punctuation, spacing or articles only."""
    return " ".join(tokens(question)) or question.strip().casefold()
