"""One form for every text: documents on their way in, questions and reference answers.

What is stored, shown, embedded and quoted is the normalised text, so that a quotation stands verbatim in the
document as everyone sees it. The form is therefore careful: it changes how characters are encoded, never what a
reader reads. Superscripts, fractions and trademark signs stay as they are (10⁶ is not 106); what only search
should ignore about them is the sparse encoder's business (:mod:`retrieval.index.terms`).

Knows nothing about documents' formats, languages or search.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from itertools import accumulate, pairwise

import regex

from retrieval.documents import Document

# Characters with a compatibility form that reads the same: ligatures, presentation forms of Arabic and Hebrew,
# half-width kana and Hangul, full-width letters, digits and the signs of codes and measures (the punctuation of
# Chinese and Japanese prose is full-width by right and stays), radicals that PDFs put for whole characters,
# mathematical letters, special spaces and hyphens.
_SAME = regex.compile(
    r"[\uFB00-\uFB06\uFB13-\uFB17\uFB1D-\uFDFB\uFE70-\uFEFC\uFF61-\uFFDC"
    r"\uFF03-\uFF06\uFF0A\uFF0B\uFF0D-\uFF19\uFF1C-\uFF1E\uFF20-\uFF3A\uFF3C\uFF3E-\uFF5A\uFFE0-\uFFE2\uFFE4-\uFFE6"
    r"\u2E9F\u2EF3\u2F00-\u2FD5\U0001D400-\U0001D7FF"
    r"\u00A0\u2000-\u200A\u202F\u205F\u3000\u2011]+"
)
_HYPHENS = str.maketrans("\u2010\u2011", "--")
_LINES = str.maketrans("\u0085\u2028\u2029", "\n\n\n")
# What takes no room and says nothing: soft hyphens, zero-width spaces, joiners of words, bidirectional marks, byte
# order marks, tags, invisible operators, annotation marks. Joiners (U+200C, U+200D) spell words in Persian and
# Indian scripts and build emoji: they go beside letters of scripts that do not join only.
_INVISIBLE = regex.compile(
    r"[\u00AD\u034F\u061C\u115F\u1160\u17B4\u17B5\u180E\u200B\u200E\u200F\u202A-\u202E\u2060-\u2064\u2066-\u206F"
    r"\u3164\uFEFF\uFFA0\uFFF9-\uFFFC\U000E0000-\U000E007F]+"
)
_JOINERS = regex.compile(
    r"(?<=[\p{Latin}\p{Greek}\p{Cyrillic}\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Nd}\p{P}\s]|^)[\u200C\u200D]+"
    r"|[\u200C\u200D]+(?=[\p{Latin}\p{Greek}\p{Cyrillic}\p{Han}\p{Nd}\p{P}\s]|$)"
)
_SOFT_BREAK = regex.compile(r"(?<=\p{L})\u00AD[ \t]*\n[ \t]*(?=\p{Ll})")
_LINE_END = regex.compile(r"-[ \t]*+\n")
_BROKEN = regex.compile(r"(?<![\p{L}\p{N}_-])(\p{L}++(?:-\p{L}++)*)-[ \t]*+\n[ \t]*+(\p{Ll}++)(?![\p{L}\p{N}_])")
_WORD = regex.compile(r"\p{L}+(?:-\p{L}+)*")
_FENCE = regex.compile(r"^ {0,3}(`{3,}|~{3,})[^\n]*\n(?:.*?^ {0,3}\1[`~]*[ \t]*$|.*\Z)", regex.MULTILINE | regex.DOTALL)
_SUSPENDED = re.compile("and|or|nor|to|und|oder|bzw|sowie|et|ou|y|o|e|i|och|eller|og|of|en|ja|tai")
"""After one of these words' predecessors a hyphen stands for a part left out: "pre- and post-treatment"."""
_WHOLE_WORDS = 4
"""Letters of both halves from which a compound of two known words keeps its hyphen ("long-" "term")."""


def normalise(text: str, *, words_of: str = "") -> str:
    """The text in the one form; normalising again changes nothing.

    Canonical composition (NFC); the compatibility forms that read the same (ligatures, full-width letters, special
    spaces) as plain characters; invisible characters gone; words broken by a hyphen at a line's end joined. Code
    between fences keeps its characters and its line ends, but for invisible ones.

    Args:
        words_of: the whole text that ``text`` is a part of: it tells whether "long-" and "term" are one word.
    """
    if not text.isascii():
        text = _SOFT_BREAK.sub("", text.translate(_LINES))
        text = _outside_fences(unicodedata.normalize("NFC", _INVISIBLE.sub("", text)), _characters)
        text = unicodedata.normalize("NFC", _JOINERS.sub("", text))
    if _LINE_END.search(text):
        text = _outside_fences(text, lambda part: _joined(part, words_of or text))
    return text


def normalise_document(document: Document) -> Document:
    """The document with text, title and headings in the one form; its id and metadata stay as they are."""
    starts = [heading.start for heading in document.headings]
    cuts = [0, *starts, len(document.text)]
    parts = [normalise(document.text[start:end], words_of=document.text) for start, end in pairwise(cuts)]
    moved = accumulate(map(len, parts))
    return replace(
        document,
        text="".join(parts),
        title=normalise(document.title),
        headings=tuple(
            replace(heading, text=normalise(heading.text), start=start)
            for heading, start in zip(document.headings, moved, strict=False)
        ),
    )


def _characters(text: str) -> str:
    text = _SAME.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text).translate(_HYPHENS)
    return unicodedata.normalize("NFC", text)


def _joined(text: str, whole: str) -> str:
    def join(found: regex.Match[str]) -> str:
        first, second = found[1], found[2]
        if _SUSPENDED.fullmatch(second):
            return str(found[0])
        words = _words(whole)
        if (first + second).lower() in words:
            return str(first + second)
        halves = {first.lower(), second}
        known = halves <= words and min(map(len, halves)) >= _WHOLE_WORDS
        compound = f"{first}-{second}"
        return compound if known or compound.lower() in words else str(first + second)

    return str(_BROKEN.sub(join, text))


@lru_cache(maxsize=1)
def _words(text: str) -> frozenset[str]:
    """Words and compounds of a text, in lower case, but for the halves of broken ones."""
    return frozenset(_WORD.findall(_BROKEN.sub(" ", text).lower()))


def _outside_fences(text: str, change: Callable[[str], str]) -> str:
    parts, end = [], 0
    for fence in _FENCE.finditer(text) if "```" in text or "~~~" in text else ():
        parts += [change(text[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, change(text[end:])])
