"""Which id a file's document gets: the path below the root, and more of the path where another file has that already.

An id that a document has once stays, under whatever root its file is found: examples and releases refer to it.
"""

import os
from collections.abc import Collection, Iterator, Mapping, Set

from retrieval.documents import SourceFile
from retrieval.files import path_of, printable

_NOTHING: frozenset[str] = frozenset()


class Identities:
    """Ids and the files that hold them, while an ingest changes both.

    Args:
        sources: id of every document to the key of its file.
    """

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._holder = dict(sources)
        self._promised: dict[str, str] = {}
        self._held: dict[str, set[str]] = {}
        for document_id, key in sources.items():
            self._held.setdefault(key, set()).add(document_id)

    def held(self, key: str) -> Set[str]:
        """Ids of the documents of a file."""
        return self._held.get(key, _NOTHING)

    def holder(self, document_id: str, key: str) -> str | None:
        """The other file that has an id and is still there; None where ``key`` may have it."""
        promised = self._promised.get(document_id, key)
        if promised != key:
            return promised
        holder = self._holder.get(document_id, key)
        return None if holder == key or not path_of(holder).exists() else holder

    def choose(self, source: SourceFile) -> str:
        """The id for a file that is one document: its own, or the shortest ending of its path that is free.

        Until :meth:`give` or :meth:`refuse` no other file gets it: files may be read ahead.
        """
        chosen = self._choose(source)
        self._promised.setdefault(chosen, source.key)
        return chosen

    def refuse(self, key: str, document_id: str) -> None:
        """Take back an id that a file was promised."""
        if self._promised.get(document_id) == key:
            del self._promised[document_id]

    def _choose(self, source: SourceFile) -> str:
        endings = list(_endings(source))
        own = self.held(source.key)
        if len(own) == 1 and (kept := next(iter(own))) in endings:
            return kept
        longer = (ending for ending in endings if len(ending) >= len(source.id))
        return next((ending for ending in longer if self.holder(ending, source.key) is None), source.id)

    def give(self, key: str, document_ids: Collection[str]) -> None:
        """Let a file hold these ids and no others."""
        for document_id in self.held(key):
            del self._holder[document_id]
        self._held[key] = set()
        self.add(key, document_ids)

    def add(self, key: str, document_ids: Collection[str]) -> None:
        """Let a file hold these ids, too."""
        held = self._held.setdefault(key, set())
        for document_id in document_ids:
            before = self._holder.get(document_id)
            if before is not None:
                self._held[before].discard(document_id)
            self._holder[document_id] = key
            held.add(document_id)


def _endings(source: SourceFile) -> Iterator[str]:
    """The endings of a file's path, shortest first; the path below the root is one of them."""
    yielded = {source.id}
    yield source.id
    for path in (os.path.abspath(source.path), source.key):
        parts = [part for part in printable(path).split("/") if part]
        for count in range(1, len(parts) + 1):
            ending = "/".join(parts[-count:])
            if ending not in yielded:
                yielded.add(ending)
                yield ending
