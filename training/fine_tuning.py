"""What all trainings have in common: the trainer's arguments, events, checkpoints to resume from, averaging."""

import json
import math
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from retrieval.errors import TrainingError
from retrieval.hardware import cpu_has_bf16
from training.settings import EmbedderTraining, GeneratorTraining, RerankerTraining

Events = Callable[[dict[str, Any]], None]


class Counts:
    """What has gone through a model in training. Several threads may add at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.tokens = 0
        """Of rows, padding included: what was computed."""
        self._labels: list[tuple[Any, Any]] = []

    def read(self, tokens: int) -> None:
        """Add tokens."""
        with self._lock:
            self.tokens += tokens

    def predicted(self, right: Any, labels: Any) -> None:
        """Add how many labels there were and how many of them were predicted: tensors, which nobody waits for yet."""
        with self._lock:
            self._labels.append((right, labels))

    def figures(self) -> dict[str, float]:
        """``tokens`` since the beginning and, where labels were predicted, ``token_accuracy`` since the last call."""
        with self._lock:
            labels, self._labels = self._labels, []
        right, count = (sum(int(one[side]) for one in labels) for side in (0, 1))
        return {"tokens": self.tokens, **({"token_accuracy": right / count} if count else {})}


def trainer_arguments(
    settings: EmbedderTraining | RerankerTraining | GeneratorTraining,
    checkpoints: Path,
    metric: str,
    *,
    steps_per_epoch: int,
    seed: int,
    on_cpu: bool,
    micro_batch: int | None = None,
) -> dict[str, Any]:
    """For transformers' trainer, which loads the checkpoint with the best metric in the end.

    Args:
        metric: its name; higher is better.
        micro_batch: rows computed at a time; the gradients of a batch are added up. None computes all at once.
    """
    interval = max(1, steps_per_epoch // settings.evaluations)
    at_once = micro_batch or settings.batch_size
    return {
        "output_dir": str(checkpoints),
        "num_train_epochs": settings.epochs,
        "per_device_train_batch_size": at_once,
        "gradient_accumulation_steps": settings.batch_size // at_once,
        "learning_rate": settings.learning_rate,
        "weight_decay": settings.weight_decay,
        "warmup_steps": settings.warmup_ratio,  # below one: a share of all steps
        "lr_scheduler_type": "cosine",
        "bf16": cpu_has_bf16() if on_cpu else True,
        "use_cpu": on_cpu,
        "eval_strategy": "steps",
        "eval_steps": interval,
        "save_strategy": "steps",
        "save_steps": interval,
        "save_total_limit": 2,
        "load_best_model_at_end": True,
        "metric_for_best_model": f"eval_{metric}",
        "greater_is_better": True,
        "logging_steps": max(1, interval // 10),
        "logging_nan_inf_filter": False,  # it puts the running mean in place of what :func:`watch` must see
        "seed": seed,
        "data_seed": seed,
        "report_to": [],
        "disable_tqdm": True,
    }


def watch(events: Events, stage: str, counts: Counts) -> Any:
    """A transformers callback that reports each log line and stops a training whose loss is not finite."""
    from transformers import TrainerCallback

    class Watch(TrainerCallback):  # type: ignore[misc]
        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            numbers = {key: value for key, value in (logs or {}).items() if isinstance(value, int | float)}
            if "loss" in numbers:
                numbers |= counts.figures()
            events({"stage": stage, "step": state.global_step, "steps": state.max_steps, **numbers})
            for key in ("loss", "grad_norm"):
                if not math.isfinite(numbers.get(key, 0.0)):
                    raise TrainingError(
                        f"{stage}: found {key} {numbers[key]} at step {state.global_step}, expected a finite number; "
                        "nothing was saved: lower the learning rate, and look for odd rows with `lockstep dataset`"
                    )

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            events({"stage": stage, "step": state.global_step, "steps": state.max_steps})

    return Watch()


def resumable_checkpoint(directory: Path) -> str | None:
    """The newest checkpoint that is whole; None where there is none.

    The trainer writes a checkpoint in place, so the newest may be half written: its state must
    parse, its optimizer must be there, and every safetensors file must be as long as its header says.
    """
    numbered = [(int(path.name.split("-")[1]), path) for path in directory.glob("checkpoint-*")]
    return next((str(path) for step, path in sorted(numbered, reverse=True) if _is_whole(path, step)), None)


def _is_whole(path: Path, step: int) -> bool:
    from safetensors import SafetensorError, safe_open

    needed = ["trainer_state.json", "optimizer.pt", "scheduler.pt", "rng_state.pth", "training_args.bin"]
    weights = list(path.rglob("*.safetensors"))
    if not weights or not all((path / name).is_file() for name in needed):
        return False
    try:
        if json.loads((path / "trainer_state.json").read_text())["global_step"] != step:
            return False
        for file in weights:
            with safe_open(file, framework="numpy") as tensors:
                tensors.keys()
    except (ValueError, KeyError, OSError, SafetensorError):
        return False
    return True


def choose_share(
    take: Callable[[float], None], metric: Callable[[], float], shares: Sequence[float], best: float
) -> tuple[float, float]:
    """Average the tuned weights with the untouched ones, where that is better on validation.

    Fine-tuning on one team's questions forgets some of what the model knew; part of the way back keeps
    both, above all for documents unlike those trained on (Wortsman et al. 2022, arXiv 2109.01903).

    Args:
        take: gives the model a share of the tuned weights.
        metric: of the model as it is then; higher is better.
        shares: to be tried beside 1.
        best: the metric at 1.

    Returns:
        The share that the model has now, and its metric.
    """
    chosen = 1.0
    for share in shares:
        take(share)
        if (found := metric()) > best:
            chosen, best = share, found
    take(chosen)
    return chosen, best
