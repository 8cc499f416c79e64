"""Running heads and feet of pages: lines at a page's edge that most pages share are kept once."""

import re
from collections import defaultdict
from collections.abc import Sequence

_SHARE = 0.4
"""Of the pages: left and right ones may have heads of their own."""
_PAGES = 4
_LINES = 3
"""Running lines at each edge, at most."""
_NUMBER = re.compile(r"\d{1,9}")
_PAGE_WORD = re.compile(
    "pages?|pg?|of|seiten?|s|von|blatt|p[áa]ginas?|p[áa]g|de|di|sida|sid|av|side|strona|str|z|sivu|oldal"
    "|страница|стр|из|页|第|共|頁|ページ"
)
_FEW_WORDS = 2
"""Words that with a counted number are rather a name (``Locker 12``) than a running line."""


def without_running_lines(pages: Sequence[str]) -> list[str]:
    """The pages with each running line on the first page that has it; page numbers go everywhere.

    A line is a running one if it is the same on many pages, or differs only by a number that counts the pages. Other
    digits are content: the model on a data sheet, a price. A page keeps its last line, so none is emptied.
    """
    split = [page.strip("\n").split("\n") for page in pages]
    for end in (0, -1):
        kept: list[dict[int, str]] = []
        for _ in range(_LINES):
            found = _running(split, end)
            if not found:
                break
            kept.append({min(group): split[min(group)][end] for group in found})
            bare = [group for group in found if _is_bare(split[min(group)][end])]
            for group in found:
                for page in group:
                    del split[page][end]
            for group in bare:
                kept[-1].pop(min(group))
        for lines in reversed(kept):
            for page, line in lines.items():
                split[page].insert(0 if end == 0 else len(split[page]), line)
    return ["\n".join(lines) for lines in split]


def _running(split: Sequence[Sequence[str]], end: int) -> list[list[int]]:
    """Groups of pages that share the line at this end, each by page number from 0."""
    enough = max(_PAGES, _SHARE * sum(any(line.strip() for line in lines) for lines in split))
    groups: dict[tuple[str, tuple[int, ...]], list[int]] = defaultdict(list)
    for page, lines in enumerate(split):
        if len(lines) < 2:
            continue
        line = " ".join(lines[end].split())
        numbers = [int(number) for number in _NUMBER.findall(line)]
        groups[(line, ())].append(page)
        if numbers:
            words = _NUMBER.sub("0", line)
            for i, number in enumerate(numbers):
                # A document's own count begins after its cover; one that is ahead of the pages counts other things.
                if _is_bare(line) or (number - page <= 1 and len(_words(line)) > _FEW_WORDS):
                    others = (*numbers[:i], *numbers[i + 1 :])
                    groups[(words, (i, number - page, *others))].append(page)
    found: list[list[int]] = []
    taken: set[int] = set()
    for (line, _), group in sorted(groups.items(), key=lambda item: -len(item[1])):
        if line.strip() and len(group) >= enough and taken.isdisjoint(group):
            taken.update(group)
            found.append(group)
    return found


def _is_bare(line: str) -> bool:
    """Whether the line is a page number and nothing else: ``Page 3 of 9``, ``- 3 -``."""
    return bool(_NUMBER.search(line)) and all(map(_PAGE_WORD.fullmatch, _words(line)))


def _words(line: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", line.lower())
