"""The most memory that something takes while it happens: resident where a CPU computes, tensors' on a GPU."""

from typing import Any, Self

import psutil

from retrieval.hardware import Sampler
from retrieval.memory import device_peak, give_back


class Peak:
    """Looks at memory while its context is open, after what was freed before has been given back."""

    def __init__(self) -> None:
        self._seen = 0
        self._sampler = Sampler(self._look, interval=0.2)
        self.most = 0
        """Bytes at the most in all."""

    def __enter__(self) -> Self:
        """Begin."""
        give_back()
        device_peak(reset=True)
        self._sampler.__enter__()
        return self

    def __exit__(self, *failure: Any) -> None:
        """End."""
        self._sampler.__exit__(*failure)
        self.take()

    def take(self) -> tuple[int, int]:
        """Bytes at the most since the last call, and now."""
        now = int(psutil.Process().memory_info().rss)
        peak, self._seen = max(self._seen, now), now
        if (device := device_peak(reset=True)) is not None:
            import torch

            peak, now = device, int(torch.cuda.memory_allocated())
        self.most = max(self.most, peak)
        return peak, now

    def _look(self, sample: dict[str, float]) -> None:
        self._seen = max(self._seen, int(sample["peak_rss_bytes"]))
