"""A run's events as TensorBoard's, where the extra ``tensorboard`` is installed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any


@contextmanager
def tensorboard(directory: Path) -> Iterator[Callable[[dict[str, Any]], None] | None]:
    """Takes events while the body runs and writes their numbers, by training step; None without the extra.

    Figures of the hardware have no step: theirs is the number of looks.
    """
    if find_spec("tensorboard") is None:
        yield None
        return
    from torch.utils.tensorboard import SummaryWriter

    writer, looks = SummaryWriter(str(directory)), iter(range(1, 2**62))

    def write(event: dict[str, Any]) -> None:
        stage = event.get("stage")
        step = next(looks) if stage == "hardware" else event.get("step")
        if step is None:
            return
        for name, value in event.items():
            if name not in ("step", "steps", "time") and isinstance(value, int | float):
                writer.add_scalar(f"{stage}/{name}", value, step)

    try:
        yield write
    finally:
        writer.close()
