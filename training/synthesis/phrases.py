"""Pieces of English that rules of this room share: quantities, subjects, what a word is in another form."""

import re
import tomllib
from collections.abc import Collection
from pathlib import Path

WORDS = {
    name: frozenset(words.split())
    for name, words in tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8")).items()
}
"""Lists of words by name."""
QUANTIFIED = r"(?:up to|about|at least|at most|only|exactly|around|roughly|less than|more than|no more than)"
NUMBER_WORD = r"(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
FIGURE = rf"(?:(?:EUR|USD|GBP|€|\$|£)\s?)?[-−]?\d[\d,.]*(?<=\d)|{NUMBER_WORD}\b"
"""A number as documents write it, with the currency before it."""
TIME = r"(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?|nights?|working days?|business days?)"
_SUBJECT_WORDS = 7
_UNFIT = re.compile(
    r"^(?:it|its|this|that|these|those|they|their|he|she|his|her|we|you|i|there|here|such|both|each of|the same|"
    r"the other|the above|the following|the default|the default value|the previous|the next|the example|an example|"
    r"another|one|ones|some|others|all|none|alternatively|now|however|also|finally|additionally|otherwise|instead|therefore|what|who|when|neither|either|if|then|and|but|so|or|as|in|at|on|after|before|"
    r"for|from|with|of|to|by|during|since|until|below|above|under|over|note|example|see)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(
    r"\b(?:that|which|who|whose|where|when|if|because|while|and|or|but|is|are|was|were|be|been|has|have|had|can|may|must|"
    r"will|should|could|would|not|never|also|then|only|now|still|always|usually)\b|[,;:()]"
)
"""What makes a phrase more than a plain subject."""
_POINTING = re.compile(r"\b(?:this|that|these|those|it|its|they|their|them|he|she|above|below|former|latter)\b", re.I)
_DETERMINERS = ("The ", "A ", "An ", "Each ", "Every ", "All ", "Our ", "Your ", "No ")


def stands_alone(text: str) -> bool:
    """Whether a sentence says what it is about: it begins with no word that points at what stands before it."""
    return not _UNFIT.match(text)


def points(text: str) -> bool:
    """Whether a text points at something that stands elsewhere."""
    return bool(_POINTING.search(text))


def is_subject(text: str) -> bool:
    """Whether a phrase is a plain subject: short, of one clause, pointing at nothing."""
    words = text.removeprefix("The ").split()
    named = [word for word in words if f"{word} " not in _DETERMINERS]
    return (
        bool(named)
        and len(words) <= _SUBJECT_WORDS
        and stands_alone(text)
        and not points(text)
        and not _CLAUSE.search(text)
    )


def inside(text: str, common: Collection[str]) -> str:
    """A phrase from the beginning of a sentence as it stands inside one: names keep their capital.

    Args:
        common: words that documents write small.
    """
    first = re.split(r"[^\w-]", text, maxsplit=1)[0]
    small = text.startswith(_DETERMINERS) or (first.istitle() and (first.lower() in common or first.endswith("ing")))
    return text[0].lower() + text[1:] if small else text
