"""What travels through retrieval: source files, documents, their chunks, and the passages a search returns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class SourceFile:
    """A file that was found, with what tells whether it changed."""

    id: str
    """POSIX path relative to the directory given, or the name of the file given."""
    path: Path
    size: int
    mtime_ns: int
    key: str
    """Its absolute path without links, as text: what the catalog knows it by."""


@dataclass(frozen=True)
class Heading:
    """A heading of a document: its level (1 is the highest), its text, and where it stands."""

    level: int
    text: str
    start: int
    """Character offset in the document's text at which the heading's section begins."""


@dataclass(frozen=True)
class Document:
    """A source file or a row, parsed to plain text.

    ``id`` is the path relative to the ingested root (POSIX form), or the row's own id.
    """

    id: str
    text: str
    title: str = ""
    headings: tuple[Heading, ...] = ()
    metadata: Mapping[str, str | int | float | bool] = field(default_factory=dict)

    @property
    def content_hash(self) -> str:
        """sha256 over everything that changes what is indexed, as 64 hexadecimal digits."""
        import hashlib  # here: a parser's child needs no hash, and starts sooner without

        digest = hashlib.sha256()
        parts = [self.title, self.text]
        parts += [f"{h.level} {h.start} {h.text}" for h in self.headings]
        parts += [f"{key}={self.metadata[key]!r}" for key in sorted(self.metadata)]
        for part in parts:
            encoded = part.encode("utf-8", "surrogatepass")
            digest.update(len(encoded).to_bytes(8, "big"))
            digest.update(encoded)
        return digest.hexdigest()


@dataclass(frozen=True)
class Chunk:
    """A piece of a document that is embedded.

    ``text`` is exactly ``document.text[start:end]``; ``context`` is what is put before it when
    it is embedded and shown (title and headings), so that a chunk out of the middle of a manual
    still says which manual.
    """

    document_id: str
    ordinal: int
    text: str
    start: int
    end: int
    context: str = ""

    @property
    def id(self) -> str:
        """The public id: document id, ``#``, ordinal."""
        return f"{self.document_id}#{self.ordinal}"

    @property
    def indexed_text(self) -> str:
        """What the embedder and BM25 see."""
        return f"{self.context}\n{self.text}" if self.context else self.text


@dataclass(frozen=True)
class Passage:
    """A chunk that a search returned."""

    document_id: str
    chunk_id: str
    text: str
    context: str
    score: float
    """The fused score by which the engine ranked it; comparable within one result only."""
    rank: int
    """1 for the first."""
    similarity: float
    """Cosine between the question's and the chunk's dense vectors, in [-1, 1]."""
