"""The search for the best settings: optuna, over a journal that processes share and that a later call goes on with.

Trials that fall behind are ended early by successive halving (ASHA, Li et al. 2020, arXiv 1810.05934) over the
evaluations of a training. Knows nothing about what is trained.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieval.errors import ConfigurationError, TrainingError
from retrieval.progress import Progress, silent
from training.embedder.contrast import METRIC as EMBEDDER_METRIC
from training.fine_tuning import Events
from training.generator.trainer import METRIC as GENERATOR_METRIC
from training.tuning.space import Choice, Range, Settings, Space

if TYPE_CHECKING:
    from optuna import Study, Trial

JOURNAL = "journal.log"
METRICS = (f"eval_{EMBEDDER_METRIC}", f"eval_{GENERATOR_METRIC}")
"""Of a training's events: what is measured on validation."""
KEPT = 3
"""One of so many trials goes on where they are compared: at the first evaluation, the third, the ninth."""
ENOUGH = 8
"""Finished trials from which the importance of a parameter says something."""
Train = Callable[[Settings, Events, Path], float]
"""Settings, what takes the training's events, and a directory for its files; gives the metric on validation."""


def expect_optuna() -> None:
    """Refuse at once where the extra is not installed.

    Raises:
        ConfigurationError: it is not.
    """
    try:
        import optuna
        import tomlkit  # noqa: F401
    except ImportError as error:
        raise ConfigurationError(
            f"found no package {error.name!r}, expected the extra `tune`: pip install 'lockstep[tune]'"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def search(
    space: Space,
    first: Settings,
    train: Train,
    directory: Path,
    *,
    name: str,
    minutes: float,
    trials: int | None = None,
    seed: int,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Try settings until the time is up.

    Args:
        first: what is configured; tried before all others.
        directory: keeps the journal.
        name: of what is searched; the same name goes on where it was left.
        minutes: the trial that is under way then is ended, unless none has finished yet.
        trials: how many this call begins at most.

    Returns:
        ``best`` and ``first`` (``number``, ``value``, ``settings``), ``finished``, ``ended early``, ``failed``
        (numbers of trials, those of other processes included), ``trials`` (each), ``importance`` of each parameter
        (empty where too few finished).

    Raises:
        TrainingError: no trial has finished.
    """
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend
    from optuna.trial import TrialState

    directory.mkdir(parents=True, exist_ok=True)
    storage = JournalStorage(JournalFileBackend(str(directory / JOURNAL)))
    study = optuna.create_study(
        study_name=name,
        storage=storage,
        load_if_exists=True,
        direction="maximize",
        pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=KEPT),
    )
    # A later process must not draw what an earlier one has drawn.
    study.sampler = optuna.samplers.TPESampler(seed=seed + len(study.trials))
    study.enqueue_trial({key: first[key] for key in space}, skip_if_exists=True)
    deadline = time.monotonic() + 60 * minutes

    def objective(trial: "Trial") -> float:
        evaluations = 0

        def listen(event: dict[str, Any]) -> None:
            nonlocal evaluations
            progress(f"trial {trial.number}", event.get("step", 0), event.get("steps", 0))
            measured = [event[key] for key in METRICS if key in event]
            if measured and event.get("steps"):
                evaluations += 1
                trial.report(measured[0], evaluations)
                if trial.number and trial.should_prune():
                    raise optuna.TrialPruned
            if time.monotonic() > deadline and study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
                trial.set_user_attr("out of time", True)
                raise optuna.TrialPruned

        settings = {key: _suggested(trial, key, one) for key, one in space.items()}
        with tempfile.TemporaryDirectory(dir=directory, prefix=f"trial-{trial.number}-") as place:
            return train(settings, listen, Path(place))

    study.optimize(objective, n_trials=trials, timeout=60 * minutes, catch=(TrainingError,), gc_after_trial=True)
    finished = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if not finished:
        raise TrainingError(
            "found no trial that finished, expected one: lower the learning rate under [training], and look at the "
            "rows with `lockstep dataset`"
        )
    best = max(finished, key=lambda one: (one.value, -one.number))
    every = study.get_trials(deepcopy=False)
    return {
        "best": _figures(best),
        "first": next((_figures(one) for one in finished if one.params == {key: first[key] for key in space}), None),
        "finished": len(finished),
        "ended early": sum(one.state == TrialState.PRUNED for one in every),
        "failed": sum(one.state == TrialState.FAIL for one in every),
        "trials": [_figures(one) for one in every if one.state in (TrialState.COMPLETE, TrialState.PRUNED)],
        "importance": _importance(study) if len(finished) >= ENOUGH else {},
    }


def _suggested(trial: "Trial", name: str, one: Range | Choice) -> Any:
    if isinstance(one, Choice):
        return trial.suggest_categorical(name, one.values)
    if one.whole:
        return trial.suggest_int(name, int(one.low), int(one.high))
    return trial.suggest_float(name, one.low, one.high, log=one.log)


def _figures(trial: Any) -> dict[str, Any]:
    """One trial; its value is what it reached last where it was ended early."""
    value = trial.value if trial.value is not None else max(trial.intermediate_values.values(), default=None)
    return {
        "number": trial.number,
        "value": value,
        "settings": dict(trial.params),
        "ended early": trial.state.name == "PRUNED",
        "evaluations": [trial.intermediate_values[step] for step in sorted(trial.intermediate_values)],
        "seconds": trial.duration.total_seconds() if trial.duration else None,
    }


def _importance(study: "Study") -> dict[str, float]:
    """The share of each parameter in what makes good trials differ (PED-ANOVA, Watanabe et al. 2023)."""
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    return dict(get_param_importances(study, evaluator=PedAnovaImportanceEvaluator()))
