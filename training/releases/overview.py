"""A release in one line: its verdict and key figures, from its manifest and its report.

Only these two files are checked, so that a list of many releases is quick.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retrieval.files import sha256
from retrieval.workspace import Workspace
from training.releases.ledger import Entry
from training.releases.release import MANIFEST

KEY_FIGURES = ("ndcg@10", "answer_score", "hallucinated")
REPORT = "report.json"
_SHOWN = ("baseline", "candidate", "difference", "low", "high", "direction", "n", "groups")


@dataclass(frozen=True)
class Overview:
    """What is known of a release without loading it."""

    verdict: str | None = None
    """None where no retraining made it."""
    reasons: tuple[str, ...] = ()
    tuned: tuple[str, ...] = ()
    """Of embedder, reranker and generator, those that its retraining tuned."""
    questions: int | None = None
    """Test questions that the verdict rests on."""
    figures: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Of :data:`KEY_FIGURES` those that were measured: against what answered when the retraining began."""
    problem: str | None = None
    """Why nothing of this is known: a file is missing or was changed."""


def overview(workspace: Workspace, entry: Entry) -> Overview:
    """What a list shows of a release; a damaged one has a problem instead."""
    directory = workspace.releases / entry.id
    manifest = _checked(directory / MANIFEST, entry.manifest_sha256)
    if isinstance(manifest, str):
        return Overview(problem=manifest)
    if REPORT not in manifest["files"]:
        return Overview(manifest["verdict"])
    report = _checked(directory / REPORT, manifest["files"][REPORT])
    if isinstance(report, str):
        return Overview(manifest["verdict"], problem=report)
    arm = next(one for one in report["arms"] if one["name"] == report["chosen"])
    return Overview(
        verdict=manifest["verdict"],
        reasons=tuple(report["verdict"]["reasons"]),
        tuned=tuple(part for part in ("embedder", "reranker", "generator") if arm.get(f"{part}_tuned")),
        questions=arm["metrics"]["questions"],
        figures={
            one["metric"]: {name: one[name] for name in _SHOWN}
            for one in arm["comparisons"]
            if one["metric"] in KEY_FIGURES
        },
    )


def _checked(path: Path, expected: str) -> dict[str, Any] | str:
    """The content of a JSON file, or what is wrong with the file."""
    if not path.is_file():
        return f"{path.name} is missing"
    if sha256(path) != expected:
        return f"{path.name} was changed"
    content: dict[str, Any] = json.loads(path.read_bytes())
    return content
