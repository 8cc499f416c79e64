"""A release in use: everything that answers a request, loaded from one manifest and from nowhere else."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.catalog import Catalog
from retrieval.embedder import Embedder, load_embedder, packaged_minilm
from retrieval.errors import CorruptRelease, MismatchError
from retrieval.index.base import Index
from retrieval.index.open import open_index
from retrieval.models import content_fingerprint, resolve
from retrieval.reranker import Reranker, load_reranker
from retrieval.search import Searcher
from retrieval.settings import IndexSettings
from retrieval.workspace import Workspace
from training.answering.answerer import Answerer
from training.answering.demonstrations import FILE, Demonstrations, load_pool
from training.generator.packaged import PACKAGED_GENERATORS, packaged_fingerprint, packaged_generator
from training.releases.release import ModelReference, Release

if TYPE_CHECKING:
    from training.generator.generation import Generator
    from training.generator.remote import RemoteGenerator


@dataclass
class Runtime:
    """A loaded release. Close it when the last request that uses it has ended."""

    release: Release
    embedder: Embedder
    index: Index
    searcher: Searcher
    generator: "Generator | RemoteGenerator | None"
    reranker: Reranker | None = None
    demonstrations: Demonstrations | None = None

    @property
    def answerer(self) -> Answerer:
        """Answers questions with this release.

        Raises:
            ValueError: it was opened without its generator.
        """
        if self.generator is None:
            raise ValueError(f"release {self.release.id} was opened without its generator")
        manifest = self.release.manifest
        return Answerer(
            self.searcher,
            self.generator,
            manifest.prompt,
            self.release.id,
            max_new_tokens=manifest.max_new_tokens,
            demonstrations=self.demonstrations,
            tasks=manifest.tasks,
        )

    def close(self, *, keep_index: bool = False) -> None:
        """Stop the generator and release the index (unless another release goes on using it)."""
        if self.generator is not None:
            self.generator.stop()
        if not keep_index:
            self.index.close()


def open_runtime(
    workspace: Workspace,
    catalog: Catalog,
    release: Release,
    settings: IndexSettings,
    *,
    index: Index | None = None,
    with_generator: bool = True,
    requests: int | None = None,
) -> Runtime:
    """Load a release.

    Args:
        index: its collection, where the caller holds it open already.
        requests: that the generator computes at a time; None takes what the device does best.

    Raises:
        CorruptRelease: a model outside the release is not the one that the manifest names.
        MismatchError: the collection belongs to another embedder.
        Busy: another process holds the collection.
    """
    embedder = open_embedder(workspace, release)
    held = open_collection(workspace, release, settings, embedder) if index is None else index
    manifest = release.manifest
    try:
        reranker = open_reranker(workspace, release)
        searcher = Searcher(catalog, held, embedder, manifest.search, reranker)
        generator = open_generator(workspace, release, requests=requests) if with_generator else None
    except BaseException:
        if index is None:
            held.close()
        raise
    return Runtime(release, embedder, held, searcher, generator, reranker, open_demonstrations(release, embedder))


def open_embedder(workspace: Workspace, release: Release) -> Embedder:
    """The embedder of a release, checked by content."""
    reference = release.manifest.embedder
    embedder = load_embedder(release.embedder_path or model_directory(reference, workspace.root))
    if embedder.fingerprint != reference.fingerprint:
        raise MismatchError(
            f"release {release.id}: found embedder {embedder.fingerprint[:12]} at {reference.model!r}, expected "
            f"{reference.fingerprint[:12]}: put the original files back, or retrain; equal dimensions do not make "
            "their vectors comparable"
        )
    return embedder


def open_reranker(workspace: Workspace, release: Release) -> Reranker | None:
    """The reranker of a release, checked by content; None where it has none. Its weights are loaded when needed.

    Raises:
        CorruptRelease: it is not the one that the manifest names.
    """
    reference, search = release.manifest.reranker, release.manifest.search
    if reference is None:
        if search.reranker is None:
            return None
        # Of a release from before manifests bound it: its name alone is known.
        return load_reranker(resolve(search.reranker, search.reranker_revision, root=workspace.root))
    reranker = load_reranker(release.reranker_path or model_directory(reference, workspace.root))
    if reranker.fingerprint != reference.fingerprint:
        raise CorruptRelease(
            f"release {release.id}: found reranker {reranker.fingerprint[:12]} at {reference.model!r}, expected "
            f"{reference.fingerprint[:12]}: put the original files back, or retrain"
        )
    return reranker


def open_collection(workspace: Workspace, release: Release, settings: IndexSettings, embedder: Embedder) -> Index:
    """The collection of a release; made empty where it does not exist (following the catalog fills it)."""
    name = release.manifest.collection
    return open_index(
        settings, workspace.collection(name), name=name, embedder=embedder.fingerprint, dimension=embedder.dimension
    )


def open_demonstrations(release: Release, embedder: Embedder) -> Demonstrations | None:
    """The worked examples that a release's prompt shows; None where it shows none."""
    path = release.directory / FILE
    if not release.manifest.prompt.examples or not path.is_file():
        return None
    return Demonstrations(load_pool(path), embedder.encode_questions)


def open_generator(
    workspace: Workspace, release: Release, *, requests: int | None = None
) -> "Generator | RemoteGenerator":
    """The generator of a release with its adapter; not started yet."""
    from training.generator.generation import load_generator
    from training.generator.remote import RemoteGenerator

    reference = release.manifest.generator
    if reference.url is not None:
        return RemoteGenerator(reference.url, reference.model)
    return load_generator(generator_directory(workspace, release), release.adapter_path, requests=requests)


def generator_directory(workspace: Workspace, release: Release) -> Path:
    """Directory of the base model, checked by content."""
    reference = release.manifest.generator
    directory = model_directory(reference, workspace.root)
    if (found := generator_fingerprint(reference.model, directory)) != reference.fingerprint:
        raise CorruptRelease(
            f"release {release.id}: found generator {found[:12]} at {reference.model!r}, expected "
            f"{reference.fingerprint[:12]}: put the original files back, or retrain"
        )
    return directory


def model_directory(reference: ModelReference, root: Path) -> Path:
    """Where the files of a model outside the release lie."""
    if reference.model == "packaged":
        return packaged_minilm()
    if reference.model in PACKAGED_GENERATORS:
        return packaged_generator(reference.model)
    return resolve(reference.model, reference.revision, root=root)


def generator_fingerprint(model: str, directory: Path) -> str:
    """sha256 over the names and contents of a generator's files; its card and notes do not count.

    Args:
        model: its name; a packaged one is known by what it is made of.
    """
    if model in PACKAGED_GENERATORS:
        return packaged_fingerprint(model)
    return content_fingerprint(directory)
