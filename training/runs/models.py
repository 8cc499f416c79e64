"""The two systems of a run, untouched and tuned: embedders, collections and generators, each opened once.

The untouched embedder searches a collection of the run's own, filled from the catalog's vectors:
the active release's collection belongs to whoever serves it.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.catalog import Catalog
from retrieval.embedder import load_embedder
from retrieval.embedder_files import inspect
from retrieval.hardware import best_device
from retrieval.index.base import Index
from retrieval.index.open import open_index
from retrieval.progress import Progress
from retrieval.reranker import Reranker, load_cross_encoder, load_reranker
from retrieval.search import Searcher
from retrieval.search_settings import SearchSettings
from retrieval.settings import IndexSettings
from retrieval.sync import sync
from retrieval.workspace import Workspace
from training.releases.release import ADAPTER, EMBEDDER, RERANKER, ModelReference, Release, collection_name
from training.releases.runtime import open_embedder, open_generator, open_reranker

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

    from training.generator.generation import Generator
    from training.generator.remote import RemoteGenerator


@dataclass(frozen=True)
class Bases:
    """The models that every retraining starts from: the configured ones, so that a release depends on data alone."""

    embedder: Path
    generator: Path | None
    """None where a server generates."""
    generator_reference: ModelReference
    reranker: Path | None = None
    """None where a reranker starts from the embedder's encoder."""

    def new_reranker(self, max_length: int) -> "CrossEncoder":
        """A reranker to be trained.

        Args:
            max_length: tokens of question and passage together.
        """
        base = self.reranker or inspect(self.embedder).transformer
        return load_cross_encoder(base, device=best_device(), new_head=self.reranker is None, max_length=max_length)


class Systems:
    """Opens what a stage asks for and keeps it until :meth:`close`.

    Args:
        baseline: the release that the run is measured against.
        directory: of the run; a tuned embedder, reranker and adapter are found in it.
        base_generator: the model that the adapter belongs to; None where a server generates.
    """

    def __init__(
        self,
        workspace: Workspace,
        catalog: Catalog,
        baseline: Release,
        index_settings: IndexSettings,
        directory: Path,
        base_generator: Path | None,
        progress: Progress,
    ) -> None:
        self.workspace, self.catalog, self.baseline = workspace, catalog, baseline
        self.index_settings, self.directory, self.base_generator = index_settings, directory, base_generator
        self.progress = progress
        self._rerankers: dict[bool, Reranker | None] = {}
        self._searchers: dict[bool, Searcher] = {}
        self._generators: dict[bool, Generator | RemoteGenerator] = {}

    def searcher(self, tuned: bool, settings: SearchSettings | None = None) -> Searcher:
        """Search with the untouched or the tuned embedder, over everything the catalog holds now; nothing reranks."""
        if tuned not in self._searchers:
            self._searchers[tuned] = self._open(tuned)
        held = self._searchers[tuned]
        return held if settings is None else held.at(settings)

    def reranker(self, tuned: bool) -> Reranker | None:
        """The reranker of the baseline, which may have none, or the one that the run has tuned."""
        if tuned not in self._rerankers:
            self._rerankers[tuned] = (
                load_reranker(self.directory / RERANKER) if tuned else open_reranker(self.workspace, self.baseline)
            )
        return self._rerankers[tuned]

    def opened(self, tuned: bool) -> str | None:
        """The fingerprint of an embedder, if it was opened."""
        return self._searchers[tuned].embedder.fingerprint if tuned in self._searchers else None

    def generator(self, tuned: bool) -> "Generator | RemoteGenerator":
        """The generator of the baseline, or the one that the run has tuned; started."""
        if tuned not in self._generators:
            from training.generator.generation import load_generator

            generator: Generator | RemoteGenerator
            if tuned:
                assert self.base_generator is not None  # a remote one is not tuned
                generator = load_generator(self.base_generator, self.directory / ADAPTER)
            else:
                generator = open_generator(self.workspace, self.baseline)
            generator.start()
            self._generators[tuned] = generator
        return self._generators[tuned]

    def close(self) -> None:
        """Release everything; the run's own copy of the untouched collection is removed."""
        for generator in self._generators.values():
            generator.stop()
        for searcher in self._searchers.values():
            searcher.index.close()
        if False in self._searchers and self.index_settings.backend == "edge":
            self.catalog.forget_collection(self._searchers[False].index.name)
            shutil.rmtree(self.directory / "index", ignore_errors=True)
        self._generators, self._searchers, self._rerankers = {}, {}, {}

    def _open(self, tuned: bool) -> Searcher:
        if tuned:
            embedder = load_embedder(self.directory / EMBEDDER)
            name = collection_name(embedder.fingerprint)
            place = self.workspace.collection(name)
        else:
            embedder = open_embedder(self.workspace, self.baseline)
            on_server = self.index_settings.backend == "server"  # where nobody holds it alone
            name = self.baseline.manifest.collection if on_server else f"{self.directory.name}-untouched"
            place = self.directory / "index" / name
        index: Index = open_index(
            self.index_settings, place, name=name, embedder=embedder.fingerprint, dimension=embedder.dimension
        )
        try:
            if sync(self.catalog, index, embedder, progress=self.progress):
                index.optimize()
        except BaseException:
            index.close()
            raise
        return Searcher(self.catalog, index, embedder, self.baseline.manifest.search)
