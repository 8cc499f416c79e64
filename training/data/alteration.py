"""Names and numbers changed so that they mean another thing of the same kind."""

import re

NAME = re.compile(
    r"\b(?=[\w-]*[A-Za-z])(?=[\w-]*\d)[A-Z][\w-]*\b"
    r"|\b(?!Step|Phase|Part|Section|Example|Option|Chapter|Table)[A-Z][a-z]+ \d{1,4}\b(?!\s*%)"
)
"""MB-8215, G2, "Petrel 3": names that have brothers with other digits."""


def brother(name: str, draw: int) -> str:
    """The name with another last digit: another thing of its kind."""
    place = max(at for at, character in enumerate(name) if character.isdigit())
    return name[:place] + altered(name[place], draw) + name[place + 1 :]


def altered(figure: str, draw: int) -> str:
    """Another number in the same form: as many digits, the first of them changed; words become other words."""
    digits = [place for place, character in enumerate(figure) if character.isdigit()]
    if not digits:
        return {"two": "four", "three": "five"}.get(figure, "three")
    place = digits[0]
    changed = (int(figure[place]) + 1 + draw % 8) % 10 or 9
    if str(changed) == figure[place]:
        changed = changed % 9 + 1
    return f"{figure[:place]}{changed}{figure[place + 1 :]}"
