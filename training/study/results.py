"""Where studies are kept, and which of them a retraining starts from."""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from retrieval.files import publish_bytes, publish_json
from retrieval.prompt import Prompt
from retrieval.workspace import Workspace
from training.data.row_files import write_rows
from training.releases.release import Manifest
from training.study.page import render_study
from training.study.study import Row

FIGURES, ROWS, PAGE = "study.json", "rows.jsonl", "study.html"


def save_study(
    workspace: Workspace, figures: Mapping[str, Any], rows: Sequence[Row], manifest: Manifest, split: str
) -> Path:
    """Keep a study: its figures, its rows and its page.

    Args:
        figures: of :func:`training.study.study.study`, with ``release``.
        manifest: of the release that answered.
        split: fingerprint of the test set beside which it was made.

    Returns:
        Its directory.
    """
    directory = workspace.studies / time.strftime("%Y%m%d-%H%M%S")
    directory.mkdir(parents=True, exist_ok=True)
    write_rows(directory / ROWS, rows)
    publish_bytes(directory / PAGE, render_study(figures).encode())
    publish_json(directory / FIGURES, {**figures, "generator": manifest.generator.fingerprint, "split": split})
    return directory


def best_prompt(workspace: Workspace, generator: str, split: str) -> tuple[Prompt, Path] | None:
    """The prompt that the newest study with this generator on this split chose, and the study's directory.

    Args:
        generator: the fingerprint of the base model.
        split: the fingerprint of the test set.
    """
    for path in sorted(workspace.studies.glob(f"*/{FIGURES}"), reverse=True):
        figures = json.loads(path.read_bytes())
        if (figures["generator"], figures["split"]) == (generator, split):
            return Prompt.model_validate(figures["chosen"]["prompt"]), path.parent
    return None
