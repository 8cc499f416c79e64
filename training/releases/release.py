"""A release: an immutable directory whose manifest names everything that answers a request.

The embedder, the collection made with it, the generator with its adapter, the prompt and the
retrieval settings change together or not at all.
"""

import json
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from retrieval.errors import CorruptRelease
from retrieval.files import publish_directory, publish_json, sha256, storage_errors, tree_sha256
from retrieval.prompt import Prompt
from retrieval.search_settings import BEFORE, SearchSettings
from retrieval.workspace import Workspace
from training.releases.ledger import Ledger
from training.tasks.task import Task

MANIFEST = "manifest.json"
EMBEDDER, RERANKER, ADAPTER = "embedder", "reranker", "adapter"


class ModelReference(BaseModel):
    """A model by name, bound by content.

    ``model`` is ``packaged``, a packaged generator, a directory, a hub id, or ``release``: the release's
    own directory holds it. With ``url`` it is the name at a server, whose content nobody here can check.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    revision: str | None = None
    url: str | None = None
    fingerprint: str


class Manifest(BaseModel):
    """Everything that a release fixes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    number: int
    created_at: datetime
    parent: str | None
    embedder: ModelReference
    collection: str
    reranker: ModelReference | None = None
    """None where search has none; a release of before there was this key names one in ``search`` alone."""
    generator: ModelReference
    adapter: bool
    prompt: Prompt
    tasks: dict[str, Task] = {}
    """By their names."""
    search: SearchSettings
    max_new_tokens: int
    documents_fingerprint: str
    split_fingerprint: str | None = None
    verdict: str | None = None
    run: str | None = None
    files: dict[str, str] = {}
    """Relative path to sha256 of every file of the directory but the manifest."""

    @field_validator("search", mode="before")
    @classmethod
    def _search_as_it_was_kept(cls, value: Any) -> Any:
        return BEFORE | value if isinstance(value, dict) else value


@dataclass(frozen=True)
class Release:
    """A release on disk whose files have been checked."""

    id: str
    directory: Path
    manifest: Manifest

    @property
    def embedder_path(self) -> Path | None:
        """The embedder inside the release; None where the manifest refers to one outside."""
        return self.directory / EMBEDDER if self.manifest.embedder.model == "release" else None

    @property
    def reranker_path(self) -> Path | None:
        """The reranker inside the release; None where there is none, or the manifest refers to one outside."""
        reference = self.manifest.reranker
        return self.directory / RERANKER if reference is not None and reference.model == "release" else None

    @property
    def adapter_path(self) -> Path | None:
        """The adapter's directory; None where the generator is used as it is."""
        return self.directory / ADAPTER if self.manifest.adapter else None


def collection_name(embedder_fingerprint: str) -> str:
    """The collection of an embedder, named by the embedder's content, so that the two cannot be mixed up."""
    return f"e-{embedder_fingerprint[:24]}"


def create_release(workspace: Workspace, ledger: Ledger, fill: Callable[[Path, str], None], **fields: Any) -> Release:
    """Publish a new release; it is not active yet.

    Args:
        fill: puts the release's files into the directory that it is given; the second argument is the id.
        fields: the fields of :class:`Manifest` other than number, time and files.
    """
    with workspace.promoting(), storage_errors(workspace.releases):
        workspace.releases.mkdir(parents=True, exist_ok=True)
        temporary = workspace.releases / ".new"
        shutil.rmtree(temporary, ignore_errors=True)  # what a crash left
        temporary.mkdir()
        # A directory without a row is what a crash between the two left: its number is not used again.
        taken = [entry.number for entry in ledger.entries()]
        taken += [int(path.name[1:5]) for path in workspace.releases.glob("r[0-9][0-9][0-9][0-9]-*")]
        number = max(taken, default=0) + 1
        release = f"r{number:04d}-{secrets.token_hex(3)}"
        fill(temporary, release)
        created = datetime.now(UTC).replace(microsecond=0)
        manifest = Manifest(number=number, created_at=created, files=tree_sha256(temporary), **fields)
        body = json.loads(manifest.model_dump_json())
        publish_json(temporary / MANIFEST, body)
        manifest_sha256 = sha256(temporary / MANIFEST)
        publish_directory(temporary, workspace.releases / release)
        ledger.add(release, number, manifest_sha256)
    return Release(release, workspace.releases / release, manifest)


def release_of_run(workspace: Workspace, ledger: Ledger, run: str) -> str | None:
    """Id of the release that a run has published; None where it has not. Its files are not checked."""
    for entry in reversed(ledger.entries()):
        path = workspace.releases / entry.id / MANIFEST
        if path.is_file() and sha256(path) == entry.manifest_sha256 and json.loads(path.read_bytes())["run"] == run:
            return entry.id
    return None


def read_release(workspace: Workspace, ledger: Ledger, release: str) -> Release:
    """A release with every file checked against its manifest, and the manifest against the ledger.

    Raises:
        NotFound: no such release.
        CorruptRelease: a file is missing, changed, or was added.
    """
    entry = ledger.entry(release)
    directory = workspace.releases / entry.id
    path = directory / MANIFEST
    if not path.is_file():
        raise CorruptRelease(f"release {entry.id}: found no {path}; restore the directory, or roll back")
    if sha256(path) != entry.manifest_sha256:
        raise CorruptRelease(
            f"release {entry.id}: {MANIFEST} was changed after the release was made (sha256 differs from the "
            "ledger's); restore it, or roll back"
        )
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise CorruptRelease(f"release {entry.id}: {MANIFEST} is not usable ({where}: {first['msg']})") from error
    found = tree_sha256(directory)
    found.pop(MANIFEST)
    for name in sorted(found.keys() | manifest.files.keys()):
        if found.get(name) != manifest.files.get(name):
            state = "is missing" if name not in found else "was added" if name not in manifest.files else "was changed"
            raise CorruptRelease(
                f"release {entry.id}: {name} {state} after the release was made (sha256 found "
                f"{str(found.get(name))[:12]}, expected {str(manifest.files.get(name))[:12]}); "
                "restore it, or roll back"
            )
    return Release(entry.id, directory, manifest)
