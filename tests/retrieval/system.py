"""A catalog, an index and an embedder that belong together, for tests of ingest."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from retrieval.catalog import Catalog
from retrieval.chunking import Chunker
from retrieval.index.edge import EdgeIndex
from retrieval.ingest import IngestResult, ingest
from retrieval.search import Searcher
from retrieval.search_settings import SearchSettings
from retrieval.sync import sync

Folder = Callable[[dict[str, str]], Path]
DOCUMENTS = {
    "pump.md": "# Pump\n\nThe pump runs at 42 bar and is oiled every 90 days.",
    "valve.md": "# Valve\n\nThe valve opens at 7 bar. Its seal is part number V-118.",
    "guides/winter.txt": "In winter the heater keeps the housing at 5 degrees.",
}


class System:
    """A catalog, an index and an embedder that belong together."""

    def __init__(self, catalog: Catalog, index: EdgeIndex, embedder: Any) -> None:
        self.catalog, self.index, self.embedder = catalog, index, embedder
        self.chunker = Chunker(embedder.tokenizer_path, 64)

    def ingest(self, *paths: Path, prune: bool = False) -> IngestResult:
        return ingest(self.catalog, self.embedder, self.chunker, paths, prune=prune)

    def sync(self) -> int:
        return sync(self.catalog, self.index, self.embedder)

    def found(self, question: str, **settings: Any) -> list[str]:
        searcher = Searcher(self.catalog, self.index, self.embedder, SearchSettings(**settings))
        return [passage.text for passage in searcher.search(question)]
