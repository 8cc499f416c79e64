"""The first release of a workspace: the untouched models and the settings as ``lockstep.toml`` has them."""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieval.catalog import Catalog
from retrieval.embedder import load_embedder
from retrieval.models import resolve
from retrieval.progress import Progress, silent
from retrieval.reranker import load_reranker
from retrieval.workspace import Workspace
from service.settings import Settings
from training.generator.files import try_template
from training.generator.packaged import PACKAGED_GENERATORS
from training.releases.ledger import Ledger
from training.releases.promotion import promote, settle
from training.releases.release import Manifest, ModelReference, Release, collection_name, create_release, read_release
from training.releases.runtime import generator_fingerprint, model_directory
from training.tasks.files import load_tasks

if TYPE_CHECKING:
    from training.runs.models import Bases


def ensure_release(
    workspace: Workspace, catalog: Catalog, ledger: Ledger, settings: Settings, *, progress: Progress = silent
) -> Release:
    """The active release; where there is none, one is made from the settings and becomes active.

    As long as no training has made a release, an edited ``lockstep.toml`` makes another first release.
    Later on what the settings say of models, prompt and search counts as the start of the next
    retraining only: the active release has been measured as it is.

    Raises:
        ConfigurationError: a model of the settings cannot be found.
        InputError: the generator's chat template ends turns with no token of its own.
        Busy: another process changes the active release.
    """
    settle(workspace, ledger, settings.index)
    active = ledger.active()
    held = read_release(workspace, ledger, active) if active else None
    if held is not None and held.manifest.run is not None:
        return held
    wanted = initial_fields(workspace, settings)
    if held is not None and agrees(held.manifest, wanted):
        return held
    reference = wanted["generator"]
    if reference.url is None and reference.model not in PACKAGED_GENERATORS:
        _try_template(model_directory(reference, workspace.root), reference.fingerprint)
    release = create_release(
        workspace,
        ledger,
        lambda directory, release: None,
        parent=active,
        documents_fingerprint=catalog.fingerprint(),
        **wanted,
    )
    return promote(workspace, catalog, ledger, settings.index, release.id, kind="initial", progress=progress)


@lru_cache(maxsize=8)
def _try_template(directory: Path, fingerprint: str) -> None:
    """Once for each content: it takes a process of its own, seconds."""
    try_template(directory)


def initial_fields(workspace: Workspace, settings: Settings) -> dict[str, Any]:
    """What the settings and the tasks' files fix of a first release, as fields of its manifest."""
    embedder = ModelReference(
        model=settings.embedder.model,
        revision=settings.embedder.revision,
        fingerprint=load_embedder(model_directory(_unbound(settings.embedder), workspace.root)).fingerprint,
    )
    return {
        "embedder": embedder,
        "collection": collection_name(embedder.fingerprint),
        "reranker": _reranker_reference(workspace, settings),
        "generator": _generator_reference(workspace, settings),
        "adapter": False,
        "prompt": settings.prompt,
        "tasks": load_tasks(workspace.tasks),
        "search": settings.search,
        "max_new_tokens": settings.generator.max_new_tokens,
    }


def agrees(manifest: Manifest, wanted: dict[str, Any]) -> bool:
    """Whether a release is what the settings ask for."""
    return all(getattr(manifest, name) == value for name, value in wanted.items())


def _unbound(section: Any) -> ModelReference:
    """A model by name only: its content is not known yet."""
    return ModelReference(model=section.model, revision=section.revision, fingerprint="")


def retraining_bases(workspace: Workspace, settings: Settings) -> "Bases":
    """The untouched models of the settings, which every retraining starts from."""
    from training.runs.models import Bases

    reranker = settings.training.reranker
    base = reranker.base if settings.training.reranker_enabled else None
    return Bases(
        embedder=model_directory(_unbound(settings.embedder), workspace.root),
        generator=None if settings.generator.url else model_directory(_unbound(settings.generator), workspace.root),
        generator_reference=_generator_reference(workspace, settings),
        reranker=None if base is None else resolve(base, reranker.revision, root=workspace.root),
    )


def _reranker_reference(workspace: Workspace, settings: Settings) -> ModelReference | None:
    section = settings.search
    if section.reranker is None:
        return None
    directory = resolve(section.reranker, section.reranker_revision, root=workspace.root)
    return ModelReference(
        model=section.reranker,
        revision=section.reranker_revision,
        fingerprint=load_reranker(directory).fingerprint,
    )


def _generator_reference(workspace: Workspace, settings: Settings) -> ModelReference:
    section = settings.generator
    if section.url is not None:
        named = hashlib.sha256(f"{section.url} {section.model}".encode()).hexdigest()
        return ModelReference(model=section.model, url=section.url, fingerprint=named)
    fingerprint = generator_fingerprint(section.model, model_directory(_unbound(section), workspace.root))
    return ModelReference(model=section.model, revision=section.revision, fingerprint=fingerprint)
