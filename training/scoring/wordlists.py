"""The words of ``words.toml`` as the sets and tables that tokens and agreement look them up in."""

import tomllib
from decimal import Decimal
from pathlib import Path

_WORDS = tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))


def _spelled(meanings: dict[str, str]) -> dict[str, str]:
    """Spelling to meaning, of a table of meaning to spellings."""
    return {spelling: meaning for meaning, spellings in meanings.items() for spelling in spellings.split()}


ARTICLES, NEGATIONS, YES, NO = (frozenset(_WORDS[name].split()) for name in ("articles", "negations", "yes", "no"))
BREAKS = frozenset(_WORDS["breaks"].split())
"""Words that end what a negation before them denies."""
EITHER = frozenset(_WORDS["either"].split())
"""Words between answers of which one is meant."""
FUNCTION_WORDS = frozenset(_WORDS["function_words"].split())
"""Words that a sentence around an answer consists of: they neither add to it nor spoil it."""
OPPOSITES: dict[str, set[str]] = {}
"""A word may have several: "more" has "less" and "fewer"."""
for _pair in _WORDS["opposites"].split(","):
    _first, _second = _pair.split()
    OPPOSITES.setdefault(_first, set()).add(_second)
    OPPOSITES.setdefault(_second, set()).add(_first)
OPPOSITE_PREFIXES = tuple(_WORDS["opposite_prefixes"].split())

RANGE_WORDS = frozenset(_WORDS["range_words"].split())
RANGE_PAIRS: dict[str, str] = _WORDS["range_pairs"]
"""What opens a range, and the word that then stands between its ends."""
RANGE_OPENERS = frozenset({*_WORDS["range_openers"].split(), *RANGE_PAIRS})

NUMBER_WORDS = _spelled(_WORDS["numbers"])
MULTIPLIERS = {word: Decimal(10) ** int(power) for word, power in _spelled(_WORDS["multipliers"]).items()}
MONTHS = {word: int(number) for word, number in _spelled(_WORDS["months"]).items()}
UNITS = _spelled(_WORDS["units"])
PREFIXED_UNITS = frozenset(_WORDS["prefixed_units"].split())
"""After m or M, whose case tells milli from mega."""
CURRENCIES = frozenset(_WORDS["currencies"].split())
"""Units that also stand before their number."""
