"""One retraining, from examples to verdict and promotion; it resumes where a crash left it."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from retrieval.catalog import Catalog
from retrieval.errors import ConfigurationError, VerdictRefused
from retrieval.progress import Progress, silent
from retrieval.settings import IndexSettings
from retrieval.workspace import Workspace
from training.data.reading.sources import Tell
from training.evaluation.forgetting.questions import own_questions
from training.releases.ledger import Ledger
from training.releases.release import read_release
from training.runs.directory import start_run, unfinished_run
from training.runs.models import Bases
from training.runs.repetition import Repeated
from training.runs.targeting import LARGEST, aim, round_before
from training.runs.tensorboard import tensorboard
from training.settings import TrainingSettings
from training.synthesis.targeting import settings_for
from training.tasks.files import load_tasks

logger = logging.getLogger("lockstep.retrain")


@dataclass(frozen=True)
class Request:
    """What a retraining is asked for."""

    examples: tuple[Path, ...]
    """May be empty with a target: those of the run before, then."""
    promote: Literal["auto", "never", "always"] = "auto"
    """``auto``: if the verdict is *promoted*; ``always``: unless it is *rejected*."""
    require_better: bool = False
    columns: Mapping[str, str] = field(default_factory=dict)
    """Column of the examples to field, where names do not tell."""
    target: str | None = None
    """Kind of error of the round before that rows are made for; ``largest`` is the most frequent."""
    seeds: int = 1
    """How often what is released is trained, to know what of its result is the seed's."""
    accept_test_changes: bool = False
    """The frozen test set becomes what the examples make of it, instead of a refusal."""
    price: Mapping[str, float] | None = None
    """Of a million ``prompt`` and ``completion`` tokens, where it is known."""


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
    listen: Callable[[dict[str, Any]], None] | None = None,
    tell: Callable[[dict[str, Any]], None] | None = None,
) -> dict[str, Any]:
    """Run all stages; the result is what ``lockstep retrain --json`` prints.

    Args:
        request: None goes on with the newest unfinished run, with its own request and settings.
        warn: takes what the user should know though it stops nothing.
        listen: called with every event of the run as it happens.
        tell: called with the result, also where the verdict is then refused.

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
            asked: dict[str, Any] = {
                "examples": [str(path.resolve()) for path in request.examples],
                "promote": request.promote,
                "require_better": request.require_better,
                "columns": dict(request.columns),
                "seeds": request.seeds,
                "accept_test_changes": request.accept_test_changes,
                "price": dict(request.price) if request.price else None,
                "baseline": ledger.active(),
                "training": training.model_dump(mode="json"),
                "tasks": {name: task.model_dump() for name, task in load_tasks(workspace.tasks).items()},
            }
            if request.target is not None:
                asked |= _aimed(workspace, catalog, ledger, request, training)
            if training.generator_enabled and (own := training.verdict.general_questions):
                asked["general_questions"] = [asdict(one) for one in own_questions(workspace.root / own)]
            _refuse_thinking(workspace, ledger, training)
            _refuse_remote(bases, training)
            run = start_run(workspace, asked)
        job = Repeated(workspace, catalog, ledger, index_settings, bases, run, progress, warn)
        try:
            with run.watched(), tensorboard(run.directory / "tensorboard") as write:
                run.listeners += [one for one in (listen, write) if one is not None]
                result = job.execute()
        finally:
            job.systems.close()
    if tell is not None:
        tell(result)
    if run.request["require_better"] and result["verdict"] != "promoted":
        raise VerdictRefused(
            f"found the verdict {result['verdict']!r}, expected 'promoted' (--require-better): "
            f"{result['reasons'][0]} The report is at {result['report']}"
        )
    return result


def _aimed(
    workspace: Workspace, catalog: Catalog, ledger: Ledger, request: Request, training: TrainingSettings
) -> dict[str, Any]:
    """What a target changes of a request: the bucket, its settings, and the examples where none are named."""
    before = round_before(workspace, ledger)
    bucket = aim(before, catalog, request.target or LARGEST)
    data = settings_for(bucket, training.data)
    return {
        "target": {"bucket": bucket, "run": before.run.id},
        "training": training.model_copy(update={"data": data}).model_dump(mode="json"),
        **({} if request.examples else {name: before.run.request[name] for name in ("examples", "columns")}),
    }


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
