"""Files and folders into the catalog, incrementally: unchanged content costs a checksum and nothing else."""

import os
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from retrieval.catalog import Catalog
from retrieval.catalog_changes import ParsedFile, text_hash
from retrieval.chunking import Chunker
from retrieval.corpus_files import EXCLUDED, IGNORED, NOT_INCLUDED, Survey, survey
from retrieval.documents import Chunk, Document, SourceFile
from retrieval.embedder import Embedder
from retrieval.errors import InputError, NoText
from retrieval.file_records import FileRecords, is_under
from retrieval.files import path_key, path_of, sha256
from retrieval.identity import Identities
from retrieval.outcomes import Outcome, headline, refusal
from retrieval.parsing.parse import ParseFailure, ParseLimits, ParseWarning, parse_files, parser_pool
from retrieval.patterns import Selection
from retrieval.progress import Progress, silent

CHUNKS_PER_COMMIT = 2048
"""Large enough that sorting by length pays, small enough that a crash costs seconds."""
PARSING_VERSION = 3
"""Raise it when parsing or chunking gives other results: everything is parsed again then."""


@dataclass
class IngestResult:
    """What an ingest did; the fields of ``lockstep ingest --json``."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    failed: list[dict[str, str]] = field(default_factory=list)
    """Files and rows that should have been taken and were not: ``path`` and ``error``."""
    warned: list[dict[str, str]] = field(default_factory=list)
    """Documents that were taken with a loss or a guess: ``path`` and ``warning``."""
    skipped: dict[str, int] = field(default_factory=dict)
    """How many files, or folders as a whole, were passed over for a reason."""
    gone: list[dict[str, Any]] = field(default_factory=list)
    """Known files that are no longer there, whose ``documents`` stay: ``path`` and ``reason``."""
    renamed: list[dict[str, str]] = field(default_factory=list)
    """New documents whose ``id`` holds more of the path than from the root on, since that was taken: ``path``."""
    chunks: int = 0
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """The fixed form, and beside it what came later."""
        return {
            "documents": {
                "added": self.added,
                "updated": self.updated,
                "unchanged": self.unchanged,
                "deleted": self.deleted,
                "failed": self.failed,
            },
            "chunks": self.chunks,
            "seconds": round(self.seconds, 3),
            "chunks_per_second": round(self.chunks / self.seconds, 1) if self.seconds else 0.0,
            "warned": self.warned,
            "skipped": self.skipped,
            "gone": self.gone,
            "renamed": self.renamed,
        }


def ingest(
    catalog: Catalog,
    embedder: Embedder,
    chunker: Chunker,
    paths: Sequence[Path],
    *,
    prune: bool = False,
    selection: Selection | None = None,
    limits: ParseLimits | None = None,
    encoding: str | None = None,
    progress: Progress = silent,
) -> IngestResult:
    """Bring the catalog up to what lies under the paths.

    A document is replaced as a whole in one transaction. A file that cannot be parsed is reported
    and what the catalog holds of it stays. The index is not touched: :func:`retrieval.sync.sync`
    follows.

    Args:
        prune: delete the documents of files under the paths that are no longer there, or that a
            ``.lockstepignore`` leaves out by now.
        selection: which of the files are meant; those that it leaves out stay in the catalog as they are.
        encoding: of text that is not Unicode and does not say its encoding; None to guess. With another one than
            the last time every file is parsed again, since any may have been a guess.

    Raises:
        InputError: a path does not exist, or ``prune`` would delete everything under it.
        StorageError: the disk refused; what was committed before stays.
    """
    started = time.monotonic()
    job = _Ingest(catalog, embedder, chunker, progress, encoding)
    selection = selection or Selection()
    _expect_known(job.files, paths)
    found = survey(paths, selection)
    gone = _vanished(job.files, paths, found, refuse_all=prune)
    job.run(found.files, limits or ParseLimits())
    if prune:
        job.delete(sorted(gone))
    else:
        job.name(gone)
    job.account(found, paths)
    FileRecords(catalog).remember_folders(paths, selection)
    job.result.seconds = time.monotonic() - started
    return job.result


class _Ingest:
    def __init__(
        self, catalog: Catalog, embedder: Embedder, chunker: Chunker, progress: Progress, encoding: str | None
    ) -> None:
        self.catalog, self.embedder, self.chunker, self.progress = catalog, embedder, chunker, progress
        self.encoding = encoding
        tokenizer = sha256(embedder.tokenizer_path)[:16]
        self.pipeline = f"{PARSING_VERSION}:{tokenizer}:{chunker.max_tokens}:{chunker.overlap}"
        if encoding is not None:
            self.pipeline += f":{encoding}"
        self.result = IngestResult()
        self.files = catalog.file_hashes()
        self.known = catalog.sources()
        self.identities = Identities({document_id: source for document_id, (source, _, _) in self.known.items()})
        self.waiting: list[ParsedFile] = []
        self.texts: dict[bytes, str] = {}
        self.paths: dict[str, str] = {}
        """Key of a file that is read to its path below the root, as it is told."""
        self.digests: dict[str, str] = {}
        self.refused: list[Outcome] = []
        self.without_text: list[Outcome] = []

    def run(self, sources: Sequence[SourceFile], limits: ParseLimits) -> None:
        with parser_pool(limits) as pool:
            for source, items in parse_files(self._changed(sources), limits, pool, encoding=self.encoding):
                try:
                    self._file(source, items)
                except NoText as error:
                    if self.identities.held(source.key):  # a file that was cut by accident looks the same
                        self._refuse(source, f"{error}; what it held before stays")
                    else:
                        detail = _without_path(source, str(error))
                        self.without_text.append(Outcome(source.key, "skipped", headline(detail), detail))
                except InputError as error:
                    self._refuse(source, str(error))
                finally:
                    self.identities.refuse(source.key, source.id)  # what it was given is its own by now
                if len(self.texts) >= CHUNKS_PER_COMMIT:
                    self._commit()
        self._commit()
        self.progress("reading", len(sources), len(sources))

    def delete(self, gone: Sequence[str]) -> None:
        if gone:
            self.catalog.commit([], gone, pipeline=self.pipeline)
            self.result.deleted += sum(len(self.identities.held(key)) for key in gone)

    def name(self, gone: dict[str, str]) -> None:
        for key, reason in sorted(gone.items()):
            if documents := len(self.identities.held(key)):
                self.result.gone.append({"path": key, "documents": documents, "reason": reason})

    def account(self, found: Survey, paths: Sequence[Path]) -> None:
        """Keep what was refused and passed over, so that it can be counted afterwards."""
        skipped = [Outcome(one.key, "skipped", one.reason, "") for one in found.skipped] + self.without_text
        self.result.skipped = dict(Counter(one.reason for one in skipped).most_common())
        roots = [path_key(os.path.realpath(path)) for path in paths]
        FileRecords(self.catalog).settle(roots, [*skipped, *self.refused])

    def _refuse(self, source: SourceFile, error: str) -> Outcome:
        self.result.failed.append({"path": self.paths.get(source.key, source.id), "error": error})
        outcome = refusal(source.key, _without_path(source, error))
        self.refused.append(outcome)
        return outcome

    def _changed(self, sources: Sequence[SourceFile]) -> Iterator[SourceFile]:
        """The files whose content the catalog does not hold, under the ids that their documents get."""
        for done, source in enumerate(sources):
            self.progress("reading", done, len(sources))
            try:
                digest = sha256(source.path)
            except OSError as error:
                self._refuse(source, f"cannot be read ({error.strerror}): check its permissions")
                continue
            if self.files.get(source.key) == (digest, self.pipeline):
                self.result.unchanged += len(self.identities.held(source.key))
                continue
            self.digests[source.key], self.paths[source.key] = digest, source.id
            yield replace(source, id=self.identities.choose(source))

    def _file(self, source: SourceFile, items: Iterator[Document | ParseFailure | ParseWarning]) -> None:
        held = frozenset(self.identities.held(source.key))
        path, digest = self.paths[source.key], self.digests[source.key]
        changed: list[tuple[Document, Sequence[Chunk]]] = []
        kept: set[str] = set()
        """Ids of documents that are in the catalog as they are in the file."""
        unchanged = 0
        outcomes: list[Outcome] = []
        elsewhere: dict[str, list[str]] = {}
        faults = 0
        last: str | None = None
        for parsed in items:
            if isinstance(parsed, ParseWarning):
                self.result.warned.append({"path": path, "warning": parsed.warning})
                outcomes.append(Outcome(source.key, "warned", headline(parsed.warning), parsed.warning, last))
                continue
            if isinstance(parsed, ParseFailure):
                faults += 1
                outcomes.append(self._refuse(source, parsed.error))
                continue
            holder = self.identities.holder(parsed.id, source.key)
            if holder is not None:
                elsewhere.setdefault(holder, []).append(parsed.id)
                continue
            last = parsed.id
            if self.known.get(parsed.id) == (source.key, parsed.content_hash, self.pipeline):
                kept.add(parsed.id)
                unchanged += 1
            else:
                changed.append((parsed, self._chunks(parsed)))
            if len(self.texts) >= 2 * CHUNKS_PER_COMMIT and len(changed) > 1:
                # One file with very many rows. Until its last ones it has no checksum, and loses no document.
                kept |= self._take(ParsedFile(source.key, "", changed, None, outcomes))
                self._commit()
                changed = []
        outcomes += [self._refuse(source, _taken(ids, holder)) for holder, ids in elsewhere.items()]
        if faults:
            # A row that is malformed today may be a document of yesterday: nothing is deleted
            # on the word of a file that could not be read whole.
            unchanged += len(held - kept - {document.id for document, _ in changed})
            kept |= held
        if faults or elsewhere:
            digest = ""  # it is read again next time
        if source.id != path and source.id not in self.known and any(one.id == source.id for one, _ in changed):
            self.result.renamed.append({"path": path, "id": source.id})
        kept |= self._take(ParsedFile(source.key, digest, changed, frozenset(kept), outcomes))
        self.result.unchanged += unchanged
        self.result.deleted += len(held - kept)
        self.identities.give(source.key, kept)

    def _take(self, file: ParsedFile) -> set[str]:
        """Have the documents of a file committed with the next batch; their ids."""
        fresh = {document.id for document, _ in file.documents}
        new = fresh - self.known.keys()
        self.result.added += len(new)
        self.result.updated += len(fresh - new)
        for document, _ in file.documents:
            self.known[document.id] = (file.path, document.content_hash, self.pipeline)
        self.identities.add(file.path, fresh)
        self.waiting.append(file)
        return fresh

    def _chunks(self, document: Document) -> Sequence[Chunk]:
        pieces = self.chunker.chunk(document)
        self.result.chunks += len(pieces)
        self.texts |= {text_hash(piece.indexed_text): piece.indexed_text for piece in pieces}
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


def _without_path(source: SourceFile, error: str) -> str:
    return error.removeprefix(f"{source.path}: ")


def _taken(ids: Sequence[str], holder: str) -> str:
    more = f" and {len(ids) - 1} more of its ids" if len(ids) > 1 else ""
    return (
        f"found the id {ids[0]!r}{more} in {holder} too, expected each in one file: give the rows of one file other "
        "ids, or leave one of the files out and remove its documents (`lockstep documents rm`)"
    )


def _expect_known(known: Iterable[str], paths: Sequence[Path]) -> None:
    """Refuse a path that is gone, and whose documents the catalog holds."""
    for path in paths:
        root = path_key(os.path.realpath(path))
        if not path.exists() and (below := sum(is_under(key, [root]) for key in known)):
            raise InputError(
                f"found no {path}, expected the {below} files of it that the catalog holds: check the path, or remove "
                f"their documents by `lockstep documents rm --under {path}`"
            )


def _vanished(known: Iterable[str], paths: Sequence[Path], found: Survey, *, refuse_all: bool) -> dict[str, str]:
    """Known files under the paths that are no longer there, or no longer meant, each with the reason.

    Raises:
        InputError: nothing is left under a folder, and ``refuse_all`` is set.
    """
    present = {source.key for source in found.files}
    unasked = {one.key for one in found.skipped if one.reason in (EXCLUDED, NOT_INCLUDED)}
    ignored = {one.key for one in found.skipped if one.reason == IGNORED}
    gone: dict[str, str] = {}
    for root in (path_key(os.path.realpath(path)) for path in paths):
        below = [key for key in known if is_under(key, [root])]
        missing = [key for key in below if key not in present and not _covered(key, unasked)]
        if refuse_all and below and len(missing) == len(below) and path_of(root).is_dir():
            raise InputError(
                f"found none of the {len(below)} known files left under {root}, expected some: if the folder is "
                f"really meant to be empty, run `lockstep documents rm --under {root}`"
            )
        gone |= {key: IGNORED if _covered(key, ignored) else "no longer there" for key in missing}
    return gone


def _covered(key: str, passed_over: Collection[str]) -> bool:
    """Whether a file, or a folder that it lies in, was passed over."""
    return bool(passed_over) and any(str(path) in passed_over for path in (Path(key), *Path(key).parents))
