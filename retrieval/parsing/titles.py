"""Which titles in a file's properties say something about it: programs and templates leave many that do not."""

import re

from retrieval.parsing.outline import Outline

_MEANINGLESS = re.compile(
    r"\W*\d{0,3}\W*|untitled.{0,20}|anonymous|unknown|no (?:slide )?title|title|template|normal"
    r"|(?:word |text )?do[ck]ument[oe]?(?: ?\d+)?|word[- ]?dokument|presentation(?: ?\d+)?|book ?\d+"
    r"|(?:slide|folie) ?\d+"
    r"|(?:\w{1,20} (?:de |do |di |van )?)?power ?point(?:[ -]\w{1,20})?"
    r"|microsoft (?:word|powerpoint|excel)\b.*"
    r"|.*\.(?:do[ct][xm]?|pp[ts][xm]?|xls[xm]?|odt|rtf|pdf|indd|qxd|tex|dvi|pages|p65|html?)",
    re.IGNORECASE,
)


def meaningful_title(title: str) -> str:
    """The title on one line, or nothing where it is a program's, a template's or a file's name."""
    title = " ".join(title.split())
    return "" if _MEANINGLESS.fullmatch(title) else title


def first_title(outline: Outline) -> str:
    """The first heading that says something, rather than counts slides."""
    return next((heading.text for heading in outline.headings if meaningful_title(heading.text)), "")
