"""Raised and lowered text, and the numbers of lists, in plain characters: 10^6, H2O, x_max, iv."""

import re

_EXPONENT = re.compile(r"[-+−–±]?(?:\d[\d.,/]*|[^\W\d_])|[-+−*′]")
_ENDING = re.compile(r"[^\W\d_]{2,}\.?|[®™©†‡§°ºª]|[\[(].*")
_FORMULA = re.compile(r"(?:[A-Z][a-z]?|[)\]\d])$")
_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"),
          (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))  # fmt: skip


def raised(before: str, text: str) -> str:
    """``text`` as a superscript after ``before``: ``^6`` after 10, ``st`` after 1, itself at the start of a word."""
    text = " ".join(text.split())
    if not text or not before or before[-1].isspace() or _ENDING.fullmatch(text):
        return text
    return f"^{text}" if _EXPONENT.fullmatch(text) else f"^({text})"


def lowered(before: str, text: str) -> str:
    """``text`` as a subscript after ``before``: ``2`` after H, ``_max`` after x."""
    text = " ".join(text.split())
    if not text or not before or before[-1].isspace() or text[0] in "([":
        return text
    if text.isdigit() and _FORMULA.search(before[-2:]) and not before[-1].isdigit():
        return text
    return f"_{text}" if text.isalnum() else f"_({text})"


def numeral(number: int, form: str) -> str:
    """A number as lists write it.

    Args:
        form: ``decimal``, ``decimalZero``, ``lowerLetter``, ``upperLetter``, ``lowerRoman`` or ``upperRoman``, as
            Open XML names them (ECMA-376, ST_NumberFormat); any other is taken for decimal.
    """
    if form.endswith("Letter") and 0 < number <= 26 * 26:
        text = chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1)
    elif form.endswith("Roman") and 0 < number < 4000:
        text = ""
        for value, digits in _ROMAN:
            text += digits * (number // value)
            number %= value
    else:
        return f"{number:02d}" if form == "decimalZero" else str(number)
    return text.upper() if form.startswith("upper") else text
