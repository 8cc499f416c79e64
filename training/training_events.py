"""What both trainings have in common: events as they go, and refusal to go on with a loss that is not finite."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from retrieval.errors import TrainingError

Events = Callable[[dict[str, Any]], None]


def watch(events: Events, stage: str) -> Any:
    """A transformers callback that reports each log line and stops a training whose loss is not finite.

    Set ``logging_nan_inf_filter=False`` beside it: the trainer's default replaces such losses by
    the running mean before anybody sees them.
    """
    from transformers import TrainerCallback

    class Watch(TrainerCallback):  # type: ignore[misc]
        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            numbers = {key: value for key, value in (logs or {}).items() if isinstance(value, int | float)}
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
    for step, path in sorted(numbered, reverse=True):
        if _is_whole(path, step):
            return str(path)
    return None


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
