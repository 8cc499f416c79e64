"""Builds a document's text block by block and keeps the headings' offsets; what HTML, DOCX and PDF share."""

from retrieval.documents import Document, Heading
from retrieval.errors import InputError
from retrieval.parsing.columns import Table
from retrieval.parsing.text import clean


class Outline:
    """Blocks of text in document order. Only items and rows follow one another without a blank line."""

    def __init__(self, max_characters: int) -> None:
        self.max_characters = max_characters
        self.headings: list[Heading] = []
        self._parts: list[str] = []
        self._length = 0
        self._last = ""

    def paragraph(self, text: str) -> None:
        """A paragraph, or a block of code with its line breaks."""
        self._add(text, "paragraph")

    def item(self, text: str) -> None:
        """An item of a list, with its mark."""
        self._add(text, "item")

    def table(self, table: Table, *, guess: bool = True) -> None:
        """A table, a line for each row; ``guess`` as in :meth:`Table.lines`."""
        self._last = ""
        for line in table.lines(guess=guess):
            self._add(line, "row")

    def code(self, text: str, language: str = "") -> None:
        """A block of code between fences, which keep it together in chunks."""
        if text.strip():
            fence = "```" if "```" not in text else "~~~~"
            text = text.strip("\n")
            self._add(f"{fence}{language}\n{text}\n{fence}", "paragraph")

    def include(self, document: Document, *, below: int = 0) -> None:
        """Another document's text, its headings ``below`` levels deeper."""
        self._last = ""
        length = self._length
        self._add(document.text, "paragraph")
        shift = self._length - len(document.text) if self._length > length else 0
        self.headings += [Heading(min(one.level + below, 6), one.text, one.start + shift) for one in document.headings]

    def heading(self, level: int, text: str, *, mark: str = "") -> None:
        """A heading, on a line of its own, with ``mark`` before it in the text."""
        text = " ".join(clean(text).split())
        if text:
            start = self._add(mark + text, "heading")
            self.headings.append(Heading(level, text, start))

    def document(self, document_id: str, title: str, metadata: dict[str, str | int | float | bool]) -> Document:
        """What was built."""
        return Document(
            id=document_id,
            text="".join(self._parts),
            title=" ".join(clean(title).split()),
            headings=tuple(self.headings),
            metadata=metadata,
        )

    def _add(self, text: str, kind: str) -> int:
        """The offset at which the text stands."""
        text = clean(text).strip("\n").rstrip()
        if not text.strip():
            return self._length
        if self._parts:
            gap = "\n" if kind == self._last and kind in ("item", "row") else "\n\n"
            self._parts.append(gap)
            self._length += len(gap)
        start = self._length
        self._parts.append(text)
        self._length += len(text)
        self._last = kind
        if self._length > self.max_characters:
            raise InputError(
                f"found more than {self.max_characters} characters of text, expected fewer: split the file"
            )
        return start
