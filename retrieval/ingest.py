"""Files and folders into the catalog, incrementally: unchanged content costs a checksum and nothing else."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from retrieval.catalog import Catalog, ParsedFile, text_hash
from retrieval.chunking import Chunker
from retrieval.documents import Chunk, Document
from retrieval.embedder import Embedder
from retrieval.errors import InputError
from retrieval.files import sha256
from retrieval.parsing.parse import (
    ParseFailure,
    ParseLimits,
    ParseWarning,
    SourceFile,
    find_files,
    parse_files,
    parser_pool,
)
from retrieval.progress import Progress, silent

CHUNKS_PER_COMMIT = 2048
"""Large enough that sorting by length pays, small enough that a crash costs seconds."""
PARSING_VERSION = 1
"""Raise it when parsing or chunking gives other results: everything is parsed again then."""


@dataclass
class IngestResult:
    """What an ingest did; the fields of ``lockstep ingest --json``."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    failed: list[dict[str, str]] = field(default_factory=list)
    warned: list[dict[str, str]] = field(default_factory=list)
    """Files that were taken, each with what should be told about it."""
    chunks: int = 0
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """The fixed form."""
        counts = asdict(self)
        chunks, seconds = counts.pop("chunks"), counts.pop("seconds")
        return {
            "documents": counts,
            "chunks": chunks,
            "seconds": round(seconds, 3),
            "chunks_per_second": round(chunks / seconds, 1) if seconds else 0.0,
        }


def ingest(
    catalog: Catalog,
    embedder: Embedder,
    chunker: Chunker,
    paths: Sequence[Path],
    *,
    prune: bool = False,
    limits: ParseLimits | None = None,
    progress: Progress = silent,
) -> IngestResult:
    """Bring the catalog up to what lies under the paths.

    A document is replaced as a whole in one transaction. A file that cannot be parsed is reported
    and what the catalog holds of it stays. The index is not touched: :func:`retrieval.sync.sync`
    follows.

    Args:
        prune: delete the documents of files under the paths that are no longer there.

    Raises:
        InputError: a path does not exist, or ``prune`` would delete everything under it.
        StorageError: the disk refused; what was committed before stays.
    """
    started = time.monotonic()
    job = _Ingest(catalog, embedder, chunker, progress)
    sources = find_files(paths)
    gone = _vanished(catalog, paths, sources) if prune else []
    job.run(sources, limits or ParseLimits())
    job.delete(gone)
    job.result.seconds = time.monotonic() - started
    return job.result


class _Ingest:
    def __init__(self, catalog: Catalog, embedder: Embedder, chunker: Chunker, progress: Progress) -> None:
        self.catalog, self.embedder, self.chunker, self.progress = catalog, embedder, chunker, progress
        tokenizer = sha256(embedder.tokenizer_path)[:16]
        self.pipeline = f"{PARSING_VERSION}:{tokenizer}:{chunker.max_tokens}:{chunker.overlap}"
        self.result = IngestResult()
        self.files = catalog.file_hashes()
        self.known = catalog.sources()
        self.held: dict[str, list[str]] = {}
        for document_id, (source, _, _) in self.known.items():
            self.held.setdefault(source, []).append(document_id)
        self.digests: dict[str, str] = {}
        self.waiting: list[ParsedFile] = []
        self.texts: dict[bytes, str] = {}

    def run(self, sources: Sequence[SourceFile], limits: ParseLimits) -> None:
        with parser_pool(limits) as pool:
            for source, items in parse_files(self._changed(sources), limits, pool):
                try:
                    self._file(source, items)
                except InputError as error:
                    self.result.failed.append({"path": source.id, "error": str(error)})
                if len(self.texts) >= CHUNKS_PER_COMMIT:
                    self._commit()
        self._commit()
        self.progress("reading", len(sources), len(sources))

    def delete(self, gone: Sequence[str]) -> None:
        if gone:
            self.catalog.commit([], gone, pipeline=self.pipeline)
            self.result.deleted += sum(len(self.held.get(path, ())) for path in gone)

    def _changed(self, sources: Sequence[SourceFile]) -> Iterator[SourceFile]:
        """The files whose content the catalog does not hold, with their checksums noted."""
        for done, source in enumerate(sources):
            self.progress("reading", done, len(sources))
            path = str(source.path.resolve())
            try:
                digest = sha256(source.path)
            except OSError as error:
                message = f"cannot be read ({error.strerror}): check its permissions"
                self.result.failed.append({"path": source.id, "error": message})
                continue
            if self.files.get(path) == (digest, self.pipeline):
                self.result.unchanged += len(self.held.get(path, ()))
                continue
            self.digests[path] = digest
            yield source

    def _file(self, source: SourceFile, items: Iterator[Document | ParseFailure | ParseWarning]) -> None:
        path = str(source.path.resolve())
        digest = self.digests.pop(path)
        changed: list[tuple[Document, Sequence[Chunk]]] = []
        kept: set[str] = set()
        faults = 0
        for parsed in items:
            if isinstance(parsed, ParseWarning):
                self.result.warned.append({"path": parsed.path, "warning": parsed.warning})
            elif isinstance(parsed, ParseFailure):
                faults += 1
                self.result.failed.append({"path": parsed.path, "error": parsed.error})
            elif self._claim(parsed, path):
                if self.known.get(parsed.id) == (path, parsed.content_hash, self.pipeline):
                    kept.add(parsed.id)
                else:
                    changed.append((parsed, self._chunks(parsed)))
        held = set(self.held.get(path, ()))
        if faults:
            # A row that is malformed today may be a document of yesterday: nothing is deleted
            # on the word of a file that could not be read whole, and it is read again next time.
            kept |= held
            digest = ""
        self.waiting.append(ParsedFile(path, digest, changed, frozenset(kept)))
        fresh = {document.id for document, _ in changed}
        self.result.added += len(fresh - self.known.keys())
        self.result.updated += len(fresh & self.known.keys())
        self.result.unchanged += len(kept - fresh)
        self.result.deleted += len(held - fresh - kept)
        for document, _ in changed:
            self.known[document.id] = (path, document.content_hash, self.pipeline)

    def _claim(self, document: Document, path: str) -> bool:
        """Whether this file may have the document's id; another file that still has it keeps it."""
        holder = self.known.get(document.id, (path,))[0]
        if holder == path or not Path(holder).exists():
            return True
        message = f"found the id {document.id!r} in {holder} too, expected it once: rename one, or ingest their parent"
        self.result.failed.append({"path": path, "error": message})
        return False

    def _chunks(self, document: Document) -> Sequence[Chunk]:
        pieces = self.chunker.chunk(document)
        self.result.chunks += len(pieces)
        self.texts |= {text_hash(piece.indexed_text): piece.indexed_text for piece in pieces}
        if len(self.texts) >= 2 * CHUNKS_PER_COMMIT:
            self._embed()  # one file with very many rows: its vectors are kept as they are made
        return pieces

    def _embed(self) -> None:
        cached = self.catalog.cached_vectors(list(self.texts), self.embedder.fingerprint)
        missing = {key: text for key, text in self.texts.items() if key not in cached}
        if missing:
            done = 0

            def advance(count: int) -> None:
                nonlocal done
                done += count
                self.progress("embedding", done, len(missing))

            vectors = self.embedder.encode_passages(list(missing.values()), progress=advance)
            self.catalog.store_vectors(self.embedder.fingerprint, dict(zip(missing, vectors, strict=True)))
        self.texts = {}

    def _commit(self) -> None:
        if self.texts:
            self._embed()
        if self.waiting:
            self.catalog.commit(self.waiting, pipeline=self.pipeline)
            self.waiting = []


def _vanished(catalog: Catalog, paths: Sequence[Path], sources: Sequence[SourceFile]) -> list[str]:
    """Known files under the paths that are no longer there."""
    present = {str(source.path.resolve()) for source in sources}
    known = list(catalog.file_hashes())
    gone: list[str] = []
    for root in (path.resolve() for path in paths):
        below = [path for path in known if Path(path).is_relative_to(root)]
        missing = [path for path in below if path not in present]
        if below and len(missing) == len(below) and root.is_dir():
            raise InputError(
                f"found none of the {len(below)} known files left under {root}, expected some: if the folder is "
                "really meant to be empty, delete the workspace's documents by ingesting its parent with --prune"
            )
        gone += missing
    return sorted(set(gone))
