"""The candidate of a run becomes a release: tuned parts from the run, the others as the baseline has them."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retrieval.prompt import Prompt
from retrieval.workspace import Workspace
from training.answering.demonstrations import FILE as DEMONSTRATIONS
from training.releases.ledger import Ledger
from training.releases.release import (
    ADAPTER,
    EMBEDDER,
    RERANKER,
    ModelReference,
    Release,
    collection_name,
    create_release,
)
from training.report.build import write_report
from training.report.side_by_side import FILE as SIDE_BY_SIDE


@dataclass(frozen=True)
class Candidate:
    """What a run found worth judging."""

    directory: Path
    """Of the run, with the tuned parts and the report."""
    prompt: Prompt
    embedder_tuned: bool
    reranker_tuned: bool
    generator_tuned: bool
    embedder: str
    """Fingerprint of the embedder, tuned or not."""
    reranker: str | None
    """Fingerprint of a tuned reranker."""
    generator: ModelReference
    """That a tuned adapter belongs to."""

    def publish(self, workspace: Workspace, ledger: Ledger, baseline: Release, **fields: Any) -> Release:
        """The release; it is not active yet.

        Args:
            baseline: the release that it was measured against; what was not changed is as it has it.
            fields: further fields of the manifest.
        """
        base = baseline.manifest

        def fill(directory: Path, release: str) -> None:
            for source, name in self._parts(baseline):
                (shutil.copytree if source.is_dir() else shutil.copy)(source, directory / name)
            report = json.loads((self.directory / "report.json").read_bytes())
            sides = self.directory / SIDE_BY_SIDE  # a run that an earlier version began has none
            answers = {**json.loads(sides.read_bytes()), "release": release} if sides.exists() else None
            write_report(directory, {**report, "release": release}, answers)

        own = ModelReference(model="release", fingerprint=self.embedder)
        reranker = None if self.reranker is None else ModelReference(model="release", fingerprint=self.reranker)
        return create_release(
            workspace,
            ledger,
            fill,
            parent=baseline.id,
            embedder=own if self.embedder_tuned else base.embedder,
            reranker=reranker or base.reranker,
            collection=collection_name(self.embedder),
            generator=self.generator if self.generator_tuned else base.generator,
            adapter=self.generator_tuned or base.adapter,
            prompt=self.prompt,
            max_new_tokens=base.max_new_tokens,
            **fields,
        )

    def _parts(self, baseline: Release) -> Iterator[tuple[Path, str]]:
        """What the release holds beside its report, and under which name."""
        for name, changed, kept in (
            (EMBEDDER, self.embedder_tuned, baseline.embedder_path),
            (RERANKER, self.reranker_tuned, baseline.reranker_path),
            (ADAPTER, self.generator_tuned, baseline.adapter_path),
            (DEMONSTRATIONS, self.prompt != baseline.manifest.prompt, baseline.directory / DEMONSTRATIONS),
        ):
            source = self.directory / name if changed else kept
            if source is not None and source.exists():
                yield source, name
