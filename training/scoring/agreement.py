"""Whether an answer says what a reference says: facts must agree, what is left must overlap.

Facts are numbers with their units, codes and negations. An answer may hold more than the reference
asks for; what it must not do is to put another fact of the same kind in the place of one.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from training.scoring.tokens import Token, tokenise
from training.scoring.wordlists import ARTICLES, EITHER, FUNCTION_WORDS, NO, OPPOSITE_PREFIXES, OPPOSITES, YES

Agreement = Literal["agrees", "contradicts", "differs"]

OVERLAP = 0.55
"""F1 that names and phrases must reach: the judged pairs of ``tests/training`` are right from 0.51 to 0.6."""

_VERSION = re.compile(r"\bversi[oó]n|\brelease|版本|バージョン", re.IGNORECASE)
"""In a question: numbers that answer it are versions, not quantities."""
_FACTS = ("number", "code")
_REACH = 8
"""Tokens that a negation denies at most."""


def agreement(answer: str, reference: str, question: str = "") -> Agreement:
    """Compare an answer with one reference.

    Returns:
        ``contradicts`` where a number, unit, code or negation stands against the reference's;
        ``differs`` where something of the reference is missing or other words stand in its place.
    """
    said, wanted = tokenise(answer), tokenise(reference)
    if _VERSION.search(question) and not any(one.kind == "unit" for one in wanted):
        said, wanted = tokenise(_as_versions(answer)), tokenise(_as_versions(reference))
    polarity, found = _polarity(wanted), _polarity(said)
    if polarity is not None and found is not None:
        if polarity != found:
            return "contradicts"
        if len(_content(wanted)) == 1:  # nothing but yes or no
            return "agrees"
    if _negation_differs(said, wanted) or _opposite(said, wanted):
        return "contradicts"
    own, theirs = Counter(_facts(said)), Counter(_facts(wanted))
    missing, instead = theirs - own, own - theirs
    if missing or _units_differ(said, wanted) or _left_open(said, wanted):
        return "differs" if missing and not instead else "contradicts"
    return "agrees" if _rest_agrees(said, wanted, _texts(tokenise(question))) else "differs"


def overlap_f1(answer: Sequence[str], reference: Sequence[str]) -> float:
    """F1 of two bags of words; 0 where they share none."""
    return f1_of((Counter(answer) & Counter(reference)).total(), answer, reference)


def f1_of(common: int, answer: Sequence[object], reference: Sequence[object]) -> float:
    """F1 of two sequences, of words say, with so many of them in common."""
    return 2 * common / (len(answer) + len(reference)) if common else 0.0


def _as_versions(text: str) -> str:
    """Numbers with a point marked as versions: 3.10 is not 3.1 then, and is v3.10."""
    return re.sub(r"(?<![\w.,-])\d+(?:\.\d+)+(?!\w|[.,]\d)", r"v\g<0>", text)


def _rest_agrees(said: Sequence[Token], wanted: Sequence[Token], asked: frozenset[str]) -> bool:
    """Names and phrases: the reference's words stand together in the answer, or overlap is large enough."""
    rest = _rest(wanted)
    if not rest:
        return bool(_facts(wanted)) or _texts(said) >= _texts(wanted)
    own = _rest(said)
    if any(own[i : i + len(rest)] == rest for i in range(len(own) - len(rest) + 1)):
        return True
    idle = FUNCTION_WORDS | asked
    core = [word for word in rest if word not in idle]
    if not core and _facts(wanted):
        return True
    core = core or rest
    return overlap_f1([word for word in own if word in core or word not in idle], core) >= OVERLAP


def _content(sentence: Sequence[Token]) -> list[Token]:
    return [one for one in sentence if one.kind != "break"]


def _rest(sentence: Sequence[Token]) -> list[str]:
    return [one.text for one in sentence if one.kind in ("word", "symbol") and one.text not in ARTICLES]


def _texts(sentence: Sequence[Token]) -> frozenset[str]:
    return frozenset(one.text for one in sentence if one.kind != "break")


def _facts(sentence: Sequence[Token]) -> list[Token]:
    """Numbers and codes; a code that looks like a number equals it ("v12", "12")."""
    return [
        Token("number", one.text) if one.text.replace(".", "", 1).isdigit() else one
        for one in sentence
        if one.kind in _FACTS
    ]


def _units(sentence: Sequence[Token]) -> dict[str, set[tuple[str, ...]]]:
    """Number to the units that stand after it (or before it: $5)."""
    units: dict[str, set[tuple[str, ...]]] = {}
    for position, token in enumerate(sentence):
        if token.kind != "number":
            continue
        end = position + 1
        while end < len(sentence) and sentence[end].kind == "unit":
            end += 1
        unit = tuple(one.text for one in sentence[position + 1 : end])
        if not unit and position and sentence[position - 1].kind == "unit":
            unit = (sentence[position - 1].text,)
        units.setdefault(token.text, set()).add(tuple(one for one in unit if one != "°") or unit)
    return units


def _units_differ(said: Sequence[Token], wanted: Sequence[Token]) -> bool:
    """Whether a number of the reference has another unit in the answer; none at all is no other."""
    own = _units(said)
    return any(
        unit and number in own and not any(other in (unit, ()) for other in own[number])
        for number, units in _units(wanted).items()
        for unit in units
    )


def _left_open(said: Sequence[Token], wanted: Sequence[Token]) -> bool:
    """Whether the answer offers another fact beside one of the reference: "42 or 43 mm"."""
    facts = [one.text for one in wanted if one.kind in _FACTS]
    for position, token in enumerate(said):
        if token.text in EITHER and not any(one.text in EITHER for one in wanted):
            before = next((one for one in reversed(said[max(0, position - 3) : position]) if one.kind in _FACTS), None)
            after = next((one for one in said[position + 1 : position + 3] if one.kind in _FACTS), None)
            if before and after and (before.text in facts) != (after.text in facts):
                return True
    return False


def _negation_differs(said: Sequence[Token], wanted: Sequence[Token]) -> bool:
    """Whether one of the two denies what the other says."""
    if any(one.kind == "negation" for one in wanted):
        return not any(one.kind == "negation" for one in said)
    content = {one.text for one in wanted if one.kind in ("number", "code", "word")} - FUNCTION_WORDS - ARTICLES
    for position, token in enumerate(said):
        if token.kind != "negation":
            continue
        for one in said[position + 1 : position + 1 + _REACH]:
            if one.kind == "break":
                break
            if one.text in content:
                return True
    return False


def _opposite(said: Sequence[Token], wanted: Sequence[Token]) -> bool:
    """Whether a word of the answer is the opposite of one that it lacks."""
    own, theirs = _texts(said), _texts(wanted)
    lacking, instead = theirs - own, own - theirs
    if any(OPPOSITES.get(word, set()) & instead for word in lacking):
        return True
    return any(
        f"{prefix}{word}" in other
        for prefix in OPPOSITE_PREFIXES
        for words, other in ((lacking, instead), (instead, lacking))
        for word in words
        if len(word) > 3
    )


def _polarity(sentence: Sequence[Token]) -> bool | None:
    """True where it begins with yes, False with no, None with neither."""
    words = _content(sentence)
    if not words:
        return None
    if words[0].text in YES:
        return True
    alone = len(sentence) == 1 or (sentence[0] == words[0] and sentence[1].kind == "break")
    return False if words[0].text in NO or (words[0].kind == "negation" and alone) else None
