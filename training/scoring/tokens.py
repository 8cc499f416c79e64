"""A text as normalised tokens, each with its kind: what scores and matching compare.

Numbers are equal by value, codes (part numbers, versions, dates, paths) exactly, units by what they
mean, negations by what they do; what is left are words and symbols. Knows nothing about scores.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Literal

import regex as re  # its \w holds vowel signs, the standard library's does not

from training.scoring.wordlists import (
    ARTICLES,
    BREAKS,
    CURRENCIES,
    MONTHS,
    MULTIPLIERS,
    NEGATIONS,
    NUMBER_WORDS,
    PREFIXED_UNITS,
    RANGE_OPENERS,
    RANGE_PAIRS,
    RANGE_WORDS,
    UNITS,
)

Kind = Literal["number", "code", "unit", "negation", "word", "symbol", "break"]

# Scripts that put no space between words: each character is a token.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai and Lao, Myanmar, Khmer
    "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Japanese syllables, Han
)
_NUMERALS = "〇一二三四五六七八九十两"
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−﹣－"), "-")
_QUOTES = dict.fromkeys(map(ord, "’‘`´"), "'")
_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_LONGEST = 24
"""Digits of a number that is compared by value; a longer one is a code."""


@dataclass(frozen=True)
class Token:
    """One token: its kind, and the text by which it is compared."""

    kind: Kind
    text: str


_LETTERS = r"[^\W\d_]"
_NUMBER = (
    r"\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\d,])"  # 1,234.5
    r"|\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:\.\d{3}){2,}(?![\d.])"  # 1.234,5 and 1.234.567
    r"|\d{1,3}(?:[ ']\d{3})+(?:[.,]\d+)?(?![\d.,'])"  # 12 500 and 12'500
    r"|\d+(?:[.,]\d+)?"
)
_POWER = r"(?:\s*[x×·*]\s*10\s*\^\s*[-+]?\d+|e[-+]?\d+(?![^\W_]))"
_TOKEN = re.compile(
    rf"""
      # Most words are just words; found first, since the rest of the alternatives take their time.
      (?P<plain>(?<![^\s(])[^\W\d_{_UNSPACED}]+(?=[.,;:!?)"]*+(?:\s++[^\d\s^]|\s*+\Z)))
    | (?P<version>\bv\d+(?:\.\d+)*(?![^\W_]))
    | (?P<power>(?<![^\W_])10\s*\^\s*[-+]?\d+)
    | (?P<path>https?://\S+ | [\w.+-]+@[\w-]+(?:\.[\w-]+)+          # addresses
        | (?<![\w.])(?:[a-z]:)?(?:\.{{0,2}}|~)[/\\][\w.-]+(?:[/\\][\w.-]*)*   # /etc/x, ../a
        | (?<!\w)--?[a-z][\w-]*(?=$|[\s=,.;:)])                     # --option
        | \w[\w.-]*(?:[/\\][\w.-]+){{2,}}(?![\d]) | [\w-]+/[\w-]+\.[a-z]\w*   # a/b/c, a/b.txt
        | {_LETTERS}\w*(?:\.\w+)+ | [\w-]+\.(?:[a-z]{{2,4}}\b) | \w*[a-z]_\w+ )  # a.b, report.pdf, snake_case
    | (?P<iso>(?<!\d)\d{{4}}-\d{{1,2}}-\d{{1,2}}(?!\d))
    | (?P<dotted>(?<![\d.])\d{{1,2}}\.\s?\d{{1,2}}\.\s?\d{{4}}(?!\d))
    | (?P<dmy>(?<!\d)\d{{1,2}}(?:st|nd|rd|th|er|\.)?\s+(?:of\s+|de\s+)?(?:{_MONTH})\b\.?,?\s+(?:de\s+)?\d{{4}}(?!\d))
    | (?P<mdy>\b(?:{_MONTH})\b\.?\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+\d{{4}}(?!\d))
    | (?P<han>\d{{4}}\s?年\s?\d{{1,2}}\s?月\s?\d{{1,2}}\s?日)
    | (?P<number>(?P<sign>(?<![^\s(\[{{"'~±=:<>≤≥])[-+])?(?<![^\W_])(?:{_NUMBER}){_POWER}?
        (?![-_./:]?\d)(?!{_LETTERS}+[-_.]?\d)(?!/\d)
        (?P<ordinal>(?:st|nd|rd|th)\b)?)
    | (?P<range>(?<![^\W_])(?P<low>{_NUMBER})-(?P<high>{_NUMBER})(?![-./:]\d)(?!\d)(?!{_LETTERS}+\d))
    | (?P<code>[^\W_]+(?:[-_./:][^\W_]+)*(?<=\w))
    | (?P<unit_power>\^-?\d+)
    | (?P<break>[,;.:!?()\n。，；：！？、])
    | (?P<symbol>[^\w\s])
    """,
    re.VERBOSE,
)


def tokens(text: str, *, articles: bool = False, ranges: bool = True) -> list[str]:
    """The texts of the tokens without breaks: what is compared where kinds do not matter.

    "-1,234.5mm" gives ``["-1234.5", "mm"]``, and so does "-1234.50 millimetres".

    Args:
        articles: keep "a", "an" and "the".
        ranges: take a range for one token; else its ends are two, with what stands between them.
    """
    return [token.text for token in tokenise(text, ranges=ranges) if _counts(token, articles)]


def _counts(token: Token, articles: bool) -> bool:
    if token.kind == "symbol":
        return unicodedata.category(token.text)[0] == "S"
    if token.kind == "break":
        return token.text.isalpha()
    return articles or token.kind != "word" or token.text not in ARTICLES


@lru_cache(maxsize=16384)
def tokenise(text: str, *, ranges: bool = True) -> tuple[Token, ...]:
    """The tokens of a text with their kinds, articles and breaks between clauses included."""
    found = _scaled(list(_scan(_plain(text))))
    if ranges:
        return tuple(_ranges(found))
    return tuple(Token(token.kind, end) for token in found for end in token.text.split("…"))


_RAISED = re.compile("[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_FRACTION = re.compile("(?<=\\d)(?=[\u00bc-\u00be\u2150-\u215e])")
_CONTRACTED = re.compile(r"(?<=\w)n't\b|(?<=\b[Cc]an)(?:not|'t)\b")
_ELIDED = re.compile(r"(?<=\w)'s\b|\b[lLdD]'(?=\w)")
_COUNTED = re.compile(rf"(?<![{_NUMERALS}])[{_NUMERALS}](?=[年天个月周日时分秒米度伏瓦倍])")
_VERSION = re.compile(r"\b(?:version|release|ver\.?)\s+v?(?=\d)", re.IGNORECASE)
_UNSEEN = re.compile(r"\p{Cf}")


def _plain(text: str) -> str:
    """The text with one way to write a dash, a quotation mark, a power and a denial; soft hyphens gone."""
    if not text.isascii():
        text = _RAISED.sub(lambda match: "^" + match.group().translate(_SUPERSCRIPTS), text)
        text = _FRACTION.sub(" ", text)  # 5½ is not 51/2
        text = unicodedata.normalize("NFKC", text).replace("\N{FRACTION SLASH}", "/").translate(_DASHES | _QUOTES)
        text = _UNSEEN.sub("", text)
        text = _COUNTED.sub(lambda match: "2" if match.group() == "两" else str(_NUMERALS.index(match.group())), text)
    if "'" in text or "not" in text:
        text = _CONTRACTED.sub(" not", text)
        text = re.sub(r"\b[Nn]'(?=\w)", "ne ", text)  # French n'est
        text = _ELIDED.sub("", text)
    return str(_VERSION.sub("v", text))


def _scan(text: str) -> Iterator[Token]:
    lowered = text.casefold()
    if len(lowered) != len(text):  # ß becomes ss: positions no longer agree
        text = lowered
    after_number = False
    for match in _TOKEN.finditer(lowered):
        name = str(match.lastgroup)
        exact = text[match.start() : match.end()]
        if name == "plain":
            token = _word(match.group(), exact, after_number)
            after_number = token.kind in ("number", "unit")
            yield token
            continue
        made = list(_made(name, match, exact, after_number))
        yield from made
        if match.group() == "-":
            continue  # 10-year
        after_number = bool(made) and made[-1].kind in ("number", "unit")


def _made(name: str, match: re.Match[str], exact: str, after_number: bool) -> Iterator[Token]:
    whole = match.group()
    if name in ("iso", "dotted", "dmy", "mdy", "han"):
        yield Token("code", _date(name, whole))
    elif name == "path":
        yield Token("code", whole.rstrip(".,;:"))
    elif name == "version":
        yield Token("code", whole[1:])
    elif name == "number":
        yield _number(whole.removesuffix(match["ordinal"] or ""))
    elif name == "power":
        yield _number("1×" + whole)
    elif name == "range":
        yield Token("number", f"{_number(match['low']).text}…{_number(match['high']).text}")
    elif name == "unit_power":
        yield Token("unit", whole)
    elif name == "break":
        yield Token("break", whole)
    elif name == "symbol":
        meaning = UNITS.get(whole)
        yield Token("unit", meaning) if meaning else Token("symbol", whole)
    else:
        yield from _words(whole, exact, after_number)


def _words(whole: str, exact: str, after_number: bool) -> Iterator[Token]:
    """What a run of letters and digits, joined by hyphens and the like, is."""
    if re.search(f"[{_UNSPACED}]", whole):
        for part, exactly in _pieces(whole, exact):
            yield from _words(part, exactly, after_number) if len(part) > 1 else [_word(part, part, after_number)]
            after_number = part.isdigit()
        return
    if "/" in exact and (unit := _unit(exact)) and after_number:  # km/h
        yield Token("unit", unit)
        return
    if quantity := re.fullmatch(rf"({_NUMBER})({_LETTERS}+(?:/{_LETTERS}+)?)", exact):
        yield _number(quantity[1])
        yield _word(quantity[2].casefold(), quantity[2], True)
        return
    if quantity := re.fullmatch(rf"({_NUMBER})-({_LETTERS}+(?:-{_LETTERS}+)*)", exact):  # 10-year
        yield _number(quantity[1])
        for part in quantity[2].split("-"):
            yield _word(part.casefold(), part, True)
        return
    if any(char.isdigit() for char in whole):
        yield _number(whole) if whole.isdigit() else Token("code", whole)
        return
    for part in re.split("[-_./:]", exact):
        yield _word(part.casefold(), part, after_number)


def _pieces(whole: str, exact: str) -> Iterator[tuple[str, str]]:
    for match in re.finditer(f"[{_UNSPACED}]|[^{_UNSPACED}]+", whole):
        part = match.group().strip("-_./:")
        if part:
            yield part, exact[match.start() : match.end()].strip("-_./:")


def _word(word: str, exact: str, after_number: bool) -> Token:
    if word in NEGATIONS:
        return Token("negation", "not")
    if word in NUMBER_WORDS:
        return Token("number", NUMBER_WORDS[word])
    if word in CURRENCIES:
        return Token("unit", UNITS[word])
    if after_number and (unit := _unit(exact)):
        return Token("unit", unit)
    if word in BREAKS:
        return Token("break", word)
    return Token("word", word)


def _unit(exact: str) -> str | None:
    if exact == "A":
        return "a"
    if exact[:1] in ("m", "M") and exact[1:] in PREFIXED_UNITS:
        return ("milli" if exact[0] == "m" else "mega") + exact[1:].casefold()
    return UNITS.get(exact.casefold())


def _number(written: str) -> Token:
    """A number by its value.

    A comma before exactly three digits parts thousands (unless the number begins with 0), any other
    comma is a decimal point; a point parts thousands only where there are two or a comma follows.
    """
    written = re.sub(r"\s*[x×·*]\s*10\s*\^\s*", "e", written.strip())
    base, _, exponent = written.partition("e")
    base = base.replace(" ", "").replace("'", "")
    if re.fullmatch(r"[-+]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?", base):
        base = base.replace(",", "")
    elif re.fullmatch(r"[-+]?\d{1,3}(?:\.\d{3}){2,}|[-+]?\d{1,3}(?:\.\d{3})+,\d+", base):
        base = base.replace(".", "").replace(",", ".")
    else:
        base = base.replace(",", ".")
    try:
        if len(base) > _LONGEST or len(exponent) > 3:
            raise InvalidOperation
        value = Decimal(base) * Decimal(10) ** int(exponent or 0)
    except (InvalidOperation, ValueError):
        return Token("code", written)
    return Token("number", _canonical(value))


def _canonical(value: Decimal) -> str:
    if value == value.to_integral_value() and abs(value) < Decimal(10) ** _LONGEST:
        return str(int(value))
    return str(value.normalize())


def _date(name: str, written: str) -> str:
    """Year-month-day."""
    numbers = [int(one) for one in re.findall(r"\d+", written)]
    if name in ("iso", "han"):
        year, month, day = numbers
    elif name == "dotted":
        day, month, year = numbers
    else:
        day, year = numbers
        month = next(MONTHS[word] for word in re.findall(r"[^\W\d_]+", written) if word in MONTHS)
    return f"{year:04}-{month:02}-{day:02}"


def _scaled(found: list[Token]) -> list[Token]:
    """Numbers with the words around them that change their value: "minus 5", "5 million"."""
    out: list[Token] = []
    for token in found:
        before = out[-1] if out else None
        single = token.kind == "number" and "…" not in token.text
        if single and before == Token("word", "minus") and (len(out) < 2 or out[-2].kind not in ("number", "unit")):
            out[-1] = Token("number", _canonical(-Decimal(token.text)))
            continue
        if token.text in MULTIPLIERS and before is not None and before.kind == "number" and "…" not in before.text:
            out[-1] = Token("number", _canonical(Decimal(before.text) * MULTIPLIERS[token.text]))
            continue
        out.append(token)
    return out


def _ranges(found: list[Token]) -> list[Token]:
    """Two numbers with what makes them a range between them as one: "10 to 20", "between 10 bar and 20 bar"."""
    out: list[Token] = []
    position = 0
    while position < len(found):
        token = found[position]
        if token.kind == "number" and "…" not in token.text:
            middle = position + 1
            while middle < len(found) and middle < position + 3 and found[middle].kind == "unit":
                middle += 1
            opened = out[-1].text if out else ""
            if middle + 1 < len(found) and found[middle + 1].kind == "number" and "…" not in found[middle + 1].text:
                joint = found[middle].text
                if joint in RANGE_WORDS or joint == RANGE_PAIRS.get(opened):
                    units = found[position + 1 : middle]
                    after = found[middle + 2 : middle + 2 + len(units)]
                    if opened in RANGE_OPENERS:
                        out.pop()
                    out.append(Token("number", f"{token.text}…{found[middle + 1].text}"))
                    if after != units:
                        out += units
                    position = middle + 2
                    continue
        out.append(token)
        position += 1
    return out
