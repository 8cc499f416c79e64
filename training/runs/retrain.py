"""One retraining, from examples to verdict and promotion; it resumes where a crash left it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from retrieval.catalog import Catalog
from retrieval.errors import ConfigurationError, VerdictRefused
from retrieval.progress import Progress, silent
from retrieval.settings import IndexSettings
from retrieval.workspace import Workspace
from training.data.reading.sources import Tell
from training.releases.ledger import Ledger
from training.releases.release import read_release
from training.runs.directory import start_run, unfinished_run
from training.runs.models import Bases
from training.runs.repetition import Repeated
from training.settings import TrainingSettings

logger = logging.getLogger("lockstep.retrain")


@dataclass(frozen=True)
class Request:
    """What a retraining is asked for."""

    examples: tuple[Path, ...]
    promote: Literal["auto", "never", "always"] = "auto"
    """``auto``: if the verdict is *promoted*; ``always``: unless it is *rejected*."""
    require_better: bool = False
    columns: Mapping[str, str] = field(default_factory=dict)
    """Column of the examples to field, where names do not tell."""
    seeds: int = 1
    """How often what is released is trained, to know what of its result is the seed's."""
    accept_test_changes: bool = False
    """The frozen test set becomes what the examples make of it, instead of a refusal."""


def retrain(
    workspace: Workspace,
    catalog: Catalog,
    index_settings: IndexSettings,
    training: TrainingSettings,
    bases: Bases,
    request: Request | None,
    *,
    progress: Progress = silent,
    warn: Tell = logger.warning,
) -> dict[str, Any]:
    """Run all stages; the result is what ``lockstep retrain --json`` prints.

    Args:
        request: None goes on with the newest unfinished run, with its own request and settings.
        warn: takes what the user should know though it stops nothing.

    Raises:
        InputError, LeakError, MismatchError: the examples cannot be used.
        TrainingError: a training failed; the run can be resumed.
        VerdictRefused: a better system was required and the verdict is another; the release is kept.
        Busy: another retraining is under way.
    """
    with workspace.retraining():
        ledger = Ledger(catalog)
        if request is None:
            run = unfinished_run(workspace)
        else:
            asked = {
                "examples": [str(path.resolve()) for path in request.examples],
                "promote": request.promote,
                "require_better": request.require_better,
                "columns": dict(request.columns),
                "seeds": request.seeds,
                "accept_test_changes": request.accept_test_changes,
                "baseline": ledger.active(),
                "training": training.model_dump(mode="json"),
            }
            _refuse_thinking(workspace, ledger, training)
            _refuse_remote(bases, training)
            run = start_run(workspace, asked)
        job = Repeated(workspace, catalog, ledger, index_settings, bases, run, progress, warn)
        try:
            with run.watched():
                result = job.execute()
        finally:
            job.systems.close()
    if run.request["require_better"] and result["verdict"] != "promoted":
        raise VerdictRefused(
            f"found the verdict {result['verdict']!r}, expected 'promoted' (--require-better): "
            f"{result['reasons'][0]} The report is at {result['report']}"
        )
    return result


def _refuse_remote(bases: Bases, training: TrainingSettings) -> None:
    """The weights of a generator behind a server are not here to be trained."""
    if bases.generator is None and training.generator_enabled:
        raise ConfigurationError(
            f"found the generator at {bases.generator_reference.url} and it to be trained, expected one whose weights "
            "are here: set generator_enabled = false under [training] (embedder, settings and prompt are measured and "
            "released as ever), or name a local model under [generator]"
        )


def _refuse_thinking(workspace: Workspace, ledger: Ledger, training: TrainingSettings) -> None:
    """Rows hold answers without thoughts: a generator that is to think would be taught not to."""
    active = ledger.active()
    thinking = read_release(workspace, ledger, active).manifest.prompt.thinking_tokens if active else 0
    if thinking and training.generator_enabled:
        raise ConfigurationError(
            f"found thinking_tokens = {thinking} under [prompt] and the generator to be trained, expected one or the "
            "other: set thinking_tokens = 0, or generator_enabled = false under [training]"
        )
