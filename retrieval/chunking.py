"""Documents into chunks that fit the embedder: token budgets, character offsets, headings as context.

Each text is encoded once and cut at character positions whose token counts are then known; the choice among
positions prefers headings over paragraphs over lines over sentences over words. (semantic-text-splitter
measures every candidate by encoding it again: 8.4 s for 2.8 MB that take this module 2 s.)
"""

import hashlib
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, pre_tokenizers

from retrieval.documents import Chunk, Document, Heading

_VERSION = 3
"""Raise it when the rules below give other chunks."""
_SENTENCE, _LINE, _PARAGRAPH, _SECTION = 1, 2, 3, 4  # a heading of level n begins a section: 10 - n, so 4 to 9
_BREAKS = re.compile(
    r"(?P<paragraph>\n[ \t]*\n\s*)"
    # A line of its own: after closing punctuation, or not going on in lower case (hard-wrapped prose does),
    # unless that begins "column: value" or "cell | cell".
    r"|(?P<line>(?<=[.!?:;|}\])])\n|\n(?=[ \t]*(?:[^a-z\s]|[^\n:|]{1,40}[:|][ \n])))"
    r"|(?P<wrap>\n)"  # counts in fenced code only
    r"|(?P<sentence>[.!?…]['\"”’)\]]*[ \t]+(?=[^a-z\s])|[。！？])"  # and those of Chinese and Japanese
)
_LEVELS = {"paragraph": _PARAGRAPH, "line": _LINE, "sentence": _SENTENCE}
_NUMBER = re.compile(r"(?:^|\n)[ \t]*(?:\d{1,3}|[A-Za-z]|[ivx]{1,5})\.[ \t]+$")
"""At the beginning of a list's item; it ends no sentence."""
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})", re.MULTILINE)
_NOT_SPACE = re.compile(r"\S")
_LONGEST_NUMBER = 24
"""Characters before its point, indentation included."""
_CONTEXT_SHARE = 4
"""The context takes at most one part in so many of the budget."""
_CHARACTERS_PER_TOKEN = 16
"""Upper bound of a chunk's length per token of the budget: a word of 100 kB may be one unknown token."""
_GOOD_FILL = 0.5
"""A boundary is good enough to end a chunk at once the chunk is so full; above that a higher level wins."""
_TINY = 8
"""A last chunk under one part in so many of the budget is tiny: the chunk before it gives some of its text."""
_ENCODED_AT_ONCE = 1 << 16
_PART = 4 << 20
"""Characters that are laid out at once: a layout takes up to a hundred bytes for each."""


class Chunker:
    """Cuts documents into chunks of at most ``max_tokens`` tokens, context and special tokens included.

    Special tokens that a document spells (``[SEP]``) are counted as the text they are.

    Args:
        tokenizer_path: the embedder's ``tokenizer.json``.
        max_tokens: what the embedder takes; a prompt that it puts before passages must be subtracted.
        overlap: tokens that a chunk may repeat from the end of the one before it, within a section.
    """

    def __init__(self, tokenizer_path: Path, max_tokens: int, overlap: int = 0) -> None:
        if max_tokens < 16:
            raise ValueError(f"max_tokens is {max_tokens}, expected at least 16")
        if not 0 <= overlap <= max_tokens // 4:
            raise ValueError(f"overlap is {overlap}, expected 0 to a quarter of max_tokens ({max_tokens // 4})")
        self.max_tokens = max_tokens
        self.overlap = overlap
        definition = Path(tokenizer_path).read_bytes()
        self.fingerprint = hashlib.sha256(b"%d %d %d " % (_VERSION, max_tokens, overlap) + definition).hexdigest()
        """Equal fingerprints give equal chunks for equal documents."""
        self._tokenizer = Tokenizer.from_buffer(definition)
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._tokenizer.encode_special_tokens = True
        self._budget = max_tokens - self._tokenizer.num_special_tokens_to_add(False)
        # BERT's pre-tokenizer parts at white space and punctuation, so the counts of two pieces cut there add up.
        # Elsewhere (byte-level BPE, SentencePiece) a piece may count differently alone: each chunk is then verified.
        self._additive = isinstance(self._tokenizer.pre_tokenizer, pre_tokenizers.BertPreTokenizer)
        self._context = lru_cache(maxsize=1024)(self._fitted_context)

    def count(self, text: str) -> int:
        """Tokens of the text, without special tokens."""
        return sum(len(starts) for starts in self._token_starts(text))

    def chunk(self, document: Document) -> list[Chunk]:
        """The document's chunks, in order; together they hold all of its text except white space between them."""
        outline = _Headings(document)
        chunks: list[Chunk] = []
        start = covered = _skip_space(document.text, 0)
        while start < len(document.text):
            layout = self._layout(document.text, outline, start)
            while start < layout.end:
                context, context_tokens = self._context(document.title, outline.path(start))
                end = self._end(layout, start, covered, self._budget - context_tokens)
                if end is None:
                    start = covered
                    continue
                stripped = document.text[start:end].rstrip()
                chunks.append(Chunk(document.id, len(chunks), stripped, start, start + len(stripped), context))
                covered = _skip_space(document.text, end)
                start = self._next_start(layout, start, covered)
        return chunks

    def _end(self, layout: "_Layout", start: int, covered: int, budget: int) -> int | None:
        """Where the chunk that begins at ``start`` ends, beyond ``covered``, which earlier chunks hold.

        None if the overlap alone, counted by itself, fills the budget.
        """
        longest = self.max_tokens * _CHARACTERS_PER_TOKEN
        allowed = budget
        adds_up = self._additive and (start == 0 or layout.text[start - 1].isspace())
        while True:
            end, natural = layout.best_end(start, covered, allowed, longest)
            if (natural and adds_up) or end - start <= 1:
                return end
            excess = self.count(layout.text[start:end].rstrip()) - budget
            if excess <= 0:
                return end
            if start < covered and end <= covered + 1:
                return None
            # Cut inside a word, or alone, the piece has more tokens than its share of the whole text.
            allowed = max(1, min(allowed, layout.tokens(start, end)) - excess)
            longest = max(1, (end - start) * 3 // 4)

    def _next_start(self, layout: "_Layout", start: int, covered: int) -> int:
        """``covered``, or a boundary at most ``overlap`` tokens before it; a section begins without overlap."""
        if not self.overlap or covered >= layout.end or layout.outline.begins_section(covered):
            return covered
        return layout.overlap_start(start, covered, self.overlap)

    def _layout(self, text: str, outline: "_Headings", begin: int) -> "_Layout":
        end = outline.part_end(begin)
        token_starts = [starts + begin for starts in self._token_starts(text[begin:end])]
        joined = np.concatenate(token_starts) if token_starts else np.zeros(0, np.int64)
        return _Layout(text, outline, begin, end, joined)

    def _token_starts(self, text: str) -> Iterator[np.ndarray]:
        """Character offsets of the tokens, block by block: the library takes 150 bytes for each character."""
        start = 0
        while start < len(text):
            end = start + _ENCODED_AT_ONCE
            if end < len(text):
                space = max(text.rfind("\n", start, end), text.rfind(" ", start, end))
                end = space if space > start else end
            offsets = self._tokenizer.encode(text[start:end], add_special_tokens=False).offsets
            flat = np.fromiter(chain.from_iterable(offsets), np.int64, 2 * len(offsets))
            yield np.maximum.accumulate(flat[::2]) + start  # offsets of some tokenizers step back now and then
            start = end

    def _fitted_context(self, title: str, path: tuple[str, ...]) -> tuple[str, int]:
        """The context and its tokens, with the newline after it; names in the middle go first where it is too long."""
        names = [" ".join(name.split()) for name in (title, *path)]
        names = [name for i, name in enumerate(names) if name and (i == 0 or name != names[i - 1])]
        limit = self.max_tokens // _CONTEXT_SHARE
        context = " > ".join(names)
        while self.count(context + "\n") > limit and len(names) > 2:
            del names[1]
            context = " > ".join(names)
        while (tokens := self.count(context + "\n")) > limit:
            starts = np.concatenate(list(self._token_starts(context)))
            keep = min(limit, len(starts) - 1)
            end = min(int(starts[keep]), len(context) - 1, limit * _CHARACTERS_PER_TOKEN)
            space = context.rfind(" ", end // 2, end + 1)
            context = context[: end if space < 0 else space].rstrip()
        return context, tokens if context else 0


class _Headings:
    """A document's headings and fences: what holds for all of it."""

    def __init__(self, document: Document) -> None:
        self.text = document.text
        self.headings = document.headings
        self.fences = _fenced(self.text)
        self.starts = [heading.start for heading in document.headings]
        self.ends = [_line_end(self.text, heading.start) for heading in document.headings]
        self._paths = _paths(document.headings)

    def path(self, start: int) -> tuple[str, ...]:
        """The headings above ``start``; not the one that ``start`` stands on, which the chunk's text holds."""
        index = bisect_right(self.starts, start) - 1
        if index < 0:
            return ()
        path = self._paths[index]
        return path[:-1] if start < self.ends[index] else path

    def begins_section(self, position: int) -> bool:
        """Whether a heading stands at ``position`` (the first character that is not white space)."""
        index = bisect_right(self.starts, position) - 1
        return index >= 0 and position < self.ends[index]

    def part_end(self, begin: int) -> int:
        """Where a part that is laid out at once ends: a heading, else a paragraph, a line or a word."""
        limit = begin + _PART
        if limit >= len(self.text):
            return len(self.text)
        index = bisect_right(self.starts, limit) - 1
        if index >= 0 and self.starts[index] > begin + _PART // 2:
            return self.starts[index]
        for gap in ("\n\n", "\n", " "):
            found = self.text.rfind(gap, begin + _PART // 2, limit)
            if found >= 0:
                return found + len(gap)
        return limit


class _Layout:
    """Where a part of a document may be cut, how good each place is, and how many tokens lie between two places."""

    def __init__(self, text: str, outline: _Headings, begin: int, end: int, token_starts: np.ndarray) -> None:
        self.text = text
        self.outline = outline
        self.end = end
        self._token_starts = token_starts  # (tokens,) ascending character offsets
        levels = _levels(outline, begin, end)
        self._boundaries = sorted(levels)
        self._levels = [levels[position] for position in self._boundaries]

    def tokens(self, start: int, end: int) -> int:
        """Tokens that begin in ``text[start:end]``."""
        low, high = self._token_starts.searchsorted((start, end))
        return int(high - low)

    def best_end(self, start: int, covered: int, budget: int, longest: int) -> tuple[int, bool]:
        """The end, in (covered, ...], of a chunk of at most ``budget`` tokens; and whether no word is cut there.

        The whole rest if it fits; else the highest boundary among those that leave the chunk well filled,
        the last of equals; else the last space between words; else a place inside a word.
        """
        first = int(self._token_starts.searchsorted(start))
        rest = len(self._token_starts) - first
        if rest <= budget and self.end - start <= longest:
            return self.end, True
        tiny = budget // _TINY
        if budget < rest < budget + tiny:
            budget = rest - tiny
        limit = min(start + longest, self.end)
        if rest > budget:
            limit = min(limit, int(self._token_starts[first + budget]))
        floor = max(start, covered)
        limit = max(limit, floor + 1)
        good = start + 1
        if first < len(self._token_starts):
            good = int(self._token_starts[min(first + int(budget * _GOOD_FILL), len(self._token_starts) - 1)])
        low = bisect_left(self._boundaries, max(min(good, limit), floor + 1))
        high = bisect_right(self._boundaries, limit)
        if low < high:
            best = max(range(low, high), key=lambda i: (self._levels[i], i))
            return self._boundaries[best], True
        for position in range(limit, max(floor, min(good, limit) - 1), -1):
            if self.text[position - 1].isspace() or (position < self.end and self.text[position].isspace()):
                return position, True
        return max(limit, floor + 1), False

    def overlap_start(self, start: int, end: int, overlap: int) -> int:
        """The first boundary after ``start`` at most ``overlap`` tokens before ``end``, not across a heading."""
        index = int(self._token_starts.searchsorted(end)) - overlap
        earliest = max(start + 1, int(self._token_starts[max(0, index)]))
        section = bisect_right(self.outline.starts, end) - 1
        if section >= 0:
            earliest = max(earliest, self.outline.ends[section])
        position = bisect_left(self._boundaries, earliest)
        if position < len(self._boundaries) and self._boundaries[position] < end:
            return _skip_space(self.text, self._boundaries[position])
        return end


def _levels(outline: _Headings, begin: int, end: int) -> dict[int, int]:
    """Character offsets in a part at which the text may be cut, with the level of each."""
    levels: dict[int, int] = {}
    text, fences = outline.text, outline.fences
    fence_starts = [start for start, _, _ in fences]
    for match in _BREAKS.finditer(text, begin, end):
        kind = match.lastgroup
        index = bisect_right(fence_starts, match.start()) - 1
        if index >= 0 and match.end() <= fences[index][1]:  # code stays together rather than prose
            if kind != "sentence" and match.end() != fences[index][2]:
                levels[match.end()] = _LINE if kind == "paragraph" else _SENTENCE
        elif kind == "sentence" and _NUMBER.search(text, max(0, match.start() - _LONGEST_NUMBER), match.end()):
            continue
        elif kind != "wrap":
            # What a line with a colon announces (a command, a tab, a list) stays with it where it can.
            announces = text[match.start() - 1 : match.start()] == ":"
            levels[match.end()] = _SENTENCE if announces else _LEVELS[kind or ""]
    here = range(bisect_left(outline.starts, begin), bisect_left(outline.starts, end))
    ranks = {i: _SECTION + 6 - min(max(outline.headings[i].level, 1), 6) for i in here}
    levels |= {outline.starts[i]: ranks[i] for i in here}
    # A heading is not left behind at the end of a chunk: no cut between it and what follows, unless
    # that is a heading of its own level or a higher one.
    positions = sorted(levels)
    for i in here:
        following = _skip_space(text, outline.ends[i])
        for position in positions[bisect_right(positions, outline.starts[i]) : bisect_right(positions, following)]:
            if levels.get(position, 0) < ranks[i]:
                levels.pop(position, None)
    levels.pop(0, None)
    return levels


def _fenced(text: str) -> list[tuple[int, int, int]]:
    """Start, end, and start of the closing mark of the blocks of fenced code."""
    blocks = []
    opened: re.Match[str] | None = None
    for match in _FENCE.finditer(text) if "```" in text or "~~~" in text else ():
        if opened is None:
            opened = match
        elif match[1].startswith(opened[1]):
            blocks.append((opened.start(), match.end(), match.start()))
            opened = None
    if opened is not None:
        blocks.append((opened.start(), len(text), len(text)))
    return blocks


def _paths(headings: Sequence[Heading]) -> list[tuple[str, ...]]:
    """For each heading its path: the headings that it stands under, and itself."""
    paths = []
    open_headings: list[Heading] = []
    for heading in headings:
        while open_headings and open_headings[-1].level >= heading.level:
            open_headings.pop()
        open_headings.append(heading)
        paths.append(tuple(above.text for above in open_headings))
    return paths


def _line_end(text: str, start: int) -> int:
    end = text.find("\n", _skip_space(text, start))
    return len(text) if end < 0 else end


def _skip_space(text: str, position: int) -> int:
    """The first character at or after ``position`` that is not white space, or the text's end."""
    match = _NOT_SPACE.search(text, position)
    return match.start() if match else len(text)
