"""The checks of ``lockstep doctor``, each independent: one that fails does not hide the others."""

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from retrieval.errors import Busy, LockstepError, StorageError
from retrieval.progress import Progress
from retrieval.workspace import Workspace
from service.commands.finding import Check, Finding, safely

if TYPE_CHECKING:
    from retrieval.catalog import Catalog
    from service.settings import Settings

PACKAGES = (
    "torch",
    "transformers",
    "sentence-transformers",
    "peft",
    "trl",
    "datasets",
    "qdrant-edge-py",
    "qdrant-client",
    "sqlalchemy",
    "fastapi",
    "uvicorn",
    "pydantic-settings",
)
_WORTH_TELLING = 0.05
"""Share of the text from which a language is told."""
_ROOM = 2 * 2**30
"""Free bytes that a retraining of small models needs."""


def examine(directory: Path, progress: Progress) -> list[Finding]:
    """Run every check on the installation and on the workspace in a directory."""
    checks: list[tuple[str, Check]] = [
        ("python", _python),
        ("packages", _packages),
        ("hardware", _hardware),
        ("packaged embedder", _packaged_embedder),
        ("packaged generator", _packaged_generator),
        ("disk", lambda: _disk(directory)),
        ("workspace", lambda: _workspace(directory)),
    ]
    findings: list[Finding] = []
    for done, (name, check) in enumerate(checks):
        progress("examining", done, len(checks))
        findings += safely(name, check)
    progress("examining", len(checks), len(checks))
    return findings


def _python() -> Iterator[Finding]:
    state: Literal["ok", "wrong"] = "ok" if sys.version_info >= (3, 11) else "wrong"
    yield Finding("python", state, f"{platform.python_version()}; 3.11 or later is needed")


def _packages() -> Iterator[Finding]:
    found, missing = [], []
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            missing.append(package)
    if missing:
        advice = "install again by `make clean test` in the clone"
        yield Finding("packages", "wrong", f"found no {', '.join(missing)}: {advice}")
    else:
        yield Finding("packages", "ok", ", ".join(found))


def _hardware() -> Iterator[Finding]:
    from retrieval.hardware import best_device, cpu_has_bf16

    device = best_device()
    bf16 = "computes bf16 natively" if cpu_has_bf16() else "has no native bf16: embedding and generation use fp32"
    yield Finding("hardware", "ok", f"device {device}; {os.cpu_count()} cores; the processor {bf16}")


def _packaged_embedder() -> Iterator[Finding]:
    from retrieval.embedder import packaged_minilm

    yield Finding("packaged embedder", "ok", f"sha256 as expected: {packaged_minilm()}")


def _packaged_generator() -> Iterator[Finding]:
    from training.generator.packaged import GROUNDED, packaged_generator

    yield Finding("packaged generator", "ok", f"as it was written from its package: {packaged_generator(GROUNDED)}")


def _server(url: str, model: str) -> Iterator[Finding]:
    """The server that generates."""
    from training.generator.remote import RemoteGenerator

    try:
        listed = RemoteGenerator(url, model).listed()
    except LockstepError as error:
        yield Finding("generator", "wrong", str(error))
        return
    known = model in listed
    yield Finding(
        "generator",
        "ok" if known else "note",
        f"{model} at {url}" + ("" if known else f"; the server lists {', '.join(listed) or 'no model'}"),
    )


def _disk(directory: Path) -> Iterator[Finding]:
    existing = next(path for path in (directory.resolve(), *directory.resolve().parents) if path.exists())
    free = shutil.disk_usage(existing).free
    enough = free >= _ROOM
    yield Finding(
        "disk",
        "ok" if enough else "wrong",
        f"{free / 2**30:.1f} GiB free at {existing}" + ("" if enough else f"; a retraining needs {_ROOM / 2**30:.0f}"),
    )


def _workspace(directory: Path) -> Iterator[Finding]:
    """The checks that need a workspace; each builds on the one before."""
    if not (directory / "lockstep.toml").exists():
        yield Finding("workspace", "note", f"{directory.resolve()} is none: run `lockstep init` to make it one")
        return
    from service.settings import load_settings

    workspace = Workspace(directory)
    settings = load_settings(workspace.configuration)
    yield Finding("workspace", "ok", f"{workspace.root}, settings usable")

    from service.commands.corpus_checks import check_catalog, check_files, lost_catalog

    lost = lost_catalog(workspace)
    if lost is not None:
        yield lost
        return

    from retrieval.catalog import Catalog

    try:
        catalog = Catalog(workspace.catalog)
    except StorageError as error:
        yield Finding("catalog", "wrong", str(error))
        return
    try:
        yield from safely("catalog", lambda: check_catalog(catalog))
        yield from safely("documents", lambda: check_files(catalog))
        yield from safely("releases", lambda: _releases(workspace, settings, catalog))
    finally:
        catalog.close()


def _releases(workspace: Workspace, settings: "Settings", catalog: "Catalog") -> Iterator[Finding]:
    """The checks of releases, models and index."""
    from service.commands.corpus_checks import check_index
    from service.running import running_service
    from training.releases.ledger import Ledger
    from training.releases.release import ModelReference, read_release
    from training.releases.runtime import generator_directory, model_directory, open_collection, open_embedder

    ledger = Ledger(catalog)
    service = running_service(workspace)
    yield Finding("service", "ok", f"answers at {service.url} (pid {service.pid})" if service else "none runs")
    broken = set()
    for entry in ledger.entries():
        try:
            read_release(workspace, ledger, entry.id)
        except LockstepError as error:
            broken.add(entry.id)
            yield Finding(f"release {entry.id}", "wrong", str(error))
    entries = len(ledger.entries())
    yield Finding("releases", "ok", f"{entries - len(broken)} of {entries} as they were published")
    active = ledger.active()
    if active is None:
        yield Finding("active release", "note", "none yet: `lockstep ingest PATH` makes the first")
        return
    if active in broken:
        yield Finding("active release", "wrong", f"{active} is damaged: restore it, or `lockstep releases rollback`")
        return
    release = read_release(workspace, ledger, active)
    embedder = open_embedder(workspace, release)
    if (remote := release.manifest.generator).url is None:
        generator_directory(workspace, release)
    else:
        yield from _server(remote.url, remote.model)
    yield Finding("active release", "ok", f"{active}; embedder and generator are those of its manifest")
    start = ModelReference(model=settings.embedder.model, revision=settings.embedder.revision, fingerprint="")
    yield from _languages(catalog, embedder.path, model_directory(start, workspace.root))
    try:
        index = open_collection(workspace, release, settings.index, embedder)
    except Busy:
        yield Finding("index", "note", "another process holds it" + (" (the service)" if service else ""))
        return
    try:
        yield check_index(catalog, index)
    finally:
        index.close()


def _languages(catalog: "Catalog", *embedders: Path) -> Iterator[Finding]:
    """Whether the embedder knows the documents' languages; a tuned one knows those of the model that it was."""
    from retrieval.embedder_files import languages
    from retrieval.languages import spoken
    from retrieval.sync import LANGUAGE_SAMPLE

    found = spoken(catalog.sample(LANGUAGE_SAMPLE))
    if not found:
        return
    shown = ", ".join(f"{code} {share:.0%}" for code, share in found.items() if share >= _WORTH_TELLING)
    known = next((codes for path in embedders if (codes := languages(path)) is not None), None)
    foreign = [code for code, share in found.items() if share >= _WORTH_TELLING and known and code not in known]
    if not foreign:
        yield Finding("languages", "ok", f"the documents' are {shown}")
        return
    yield Finding(
        "languages",
        "note",
        f"the documents' are {shown}, the embedder was made for {', '.join(sorted(known or ()))}: search by meaning is "
        f"weak in {', '.join(foreign)}, search by words is not; set `model` of [embedder] to a multilingual one",
    )
