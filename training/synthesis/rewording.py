"""A question said otherwise, by rules that keep what it asks for. English only where words are moved.

Each gives None where it does not apply: nothing is made that is not sure.
"""

import re
from random import Random

from training.scoring.stopwords import STOP_WORDS

_KEYS = {
    "a": "qsz", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "f": "dg", "g": "fh", "h": "gj", "i": "uo", "k": "jl",
    "l": "ko", "m": "n", "n": "bm", "o": "ip", "p": "o", "r": "et", "s": "ad", "t": "ry", "u": "yi", "v": "cb",
    "w": "qe", "y": "tu",
}  # fmt: skip
"""Keys beside one another."""
_PLAIN_WORD = re.compile(r"(?<![\w./_-])[a-z]{5,}(?![\w./_-])")
"""A word that a slip does not turn into another name or code."""
_OPENERS = ("hi, ", "quick question: ", "sorry to bother, ", "I am trying to find out: ", "")
_ASKED_THING = re.compile(r"What (?P<be>is|are|was|were) (?P<what>(?:the|a|an|my|our|your) [^?]+)\?")
_ENDS_OPEN = re.compile(r"\b(?:in|on|at|by|for|from|with|of|to|about|like|used|called)$")
_TRUE = re.compile(r"Is it true that (?P<claim>.+)\?")


def misspelled(question: str, draw: Random) -> str | None:
    """One or two slips of the fingers, in plain words only: never in a name, a number or a code."""
    words = list(_PLAIN_WORD.finditer(question))
    if not words:
        return None
    for word in sorted(draw.sample(words, min(len(words), draw.choice((1, 1, 2)))), key=lambda one: -one.start()):
        question = question[: word.start()] + _slip(word.group(), draw) + question[word.end() :]
    return question


def careless(question: str, draw: Random) -> str | None:
    """As people type in haste: small letters at the start, no question mark, a few words before it."""
    said = question.rstrip("?. ")
    first = said.split(" ", 1)[0]
    if first.istitle() and first.lower() in STOP_WORDS:
        said = said[0].lower() + said[1:]
    said = draw.choice(_OPENERS) + said
    return said if said != question else None


def in_key_words(question: str, draw: Random) -> str | None:
    """The question's own words without those that carry nothing."""
    words = question.rstrip("?. ").split()
    kept = [word for word in words if word.strip(",.;:").casefold() not in STOP_WORDS]
    return " ".join(kept) if 2 <= len(kept) < len(words) else None


def indirect(question: str, draw: Random) -> str | None:
    """A question inside a sentence: "Can you tell me what the deposit is?"."""
    opener = draw.choice(("Can you tell me", "I would like to know", "Do you know"))
    end = "." if opener.startswith("I ") else "?"
    if (found := _ASKED_THING.fullmatch(question)) and not _ENDS_OPEN.search(found["what"]):
        if re.search(r"\b(?:is|are|that|which|when|if|and)\b", found["what"]):
            return None
        return f"{opener} what {found['what']} {found['be']}{end}"
    return None


def turned_round(question: str, draw: Random) -> str | None:
    """The thing before what is asked of it: "Rain hood: what is its price?"."""
    found = re.fullmatch(r"What is the (?P<what>[\w -]{3,40}?) (?:of|for) (?P<thing>[^?]{2,80})\?", question)
    return f"{found['thing'][0].upper()}{found['thing'][1:]}: what is its {found['what']}?" if found else None


def denied(question: str, answer: str) -> tuple[str, str] | None:
    """The opposite claim with the opposite verdict; only where question and answer say what is claimed."""
    found = _TRUE.fullmatch(question)
    verdict = re.match(r"(?P<said>Yes|No)\b", answer)
    if not found or not verdict:
        return None
    other = "No" if verdict["said"] == "Yes" else "Yes"
    return f"Is it wrong that {found['claim']}?", other + answer[verdict.end() :]


def _slip(word: str, draw: Random) -> str:
    place = draw.randrange(1, len(word) - 1)
    match draw.randrange(4):
        case 0:
            swapped = word[:place] + word[place + 1] + word[place] + word[place + 2 :]
            return swapped if swapped != word else word[:place] + word[place + 1 :]
        case 1:
            return word[:place] + word[place + 1 :]
        case 2:
            return word[:place] + word[place] + word[place:]
        case _:
            near = _KEYS.get(word[place])
            return word[:place] + draw.choice(near) + word[place + 1 :] if near else word[:place] + word[place + 1 :]
