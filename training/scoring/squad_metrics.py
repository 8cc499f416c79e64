"""SQuAD's own exact match and F1 (Rajpurkar et al. 2016, https://arxiv.org/abs/1606.05250), for comparison.

Its normalisation deletes ``.``, ``-`` and ``/``, so "15" equals "1.5": nothing is decided by it.
"""

import re
import string
from collections import Counter
from collections.abc import Sequence

_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalise(text: str) -> str:
    """Lower case, no punctuation, no English articles, single spaces: SQuAD's ``normalize_answer``."""
    text = text.lower().translate(_PUNCTUATION)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def squad_exact_match(answer: str, references: Sequence[str]) -> float:
    """1.0 if the answer equals one of the references after normalisation."""
    return float(any(_words(answer) == _words(reference) for reference in references))


def squad_f1(answer: str, references: Sequence[str]) -> float:
    """F1 of the words in common, with multiplicity; the best over the references."""
    return max((overlap_f1(_words(answer), _words(reference)) for reference in references), default=0.0)


def overlap_f1(answer: Sequence[str], reference: Sequence[str]) -> float:
    """F1 of two bags of tokens; 0 where they share none."""
    common = sum((Counter(answer) & Counter(reference)).values())
    return 2 * common / (len(answer) + len(reference)) if common else 0.0


def _words(text: str) -> list[str]:
    """A text of which normalisation leaves nothing ("+", "The") is compared by its raw words."""
    return normalise(text).split() or text.lower().split()
