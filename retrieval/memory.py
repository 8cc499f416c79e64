"""How much memory there is, and giving back what is not used. Knows nothing about what it is for."""

import ctypes
import gc
import sys
from contextlib import suppress
from pathlib import Path

import psutil

_CGROUP = Path("/sys/fs/cgroup")


def memory_limit() -> int:
    """Bytes that this process may take in all: what it has and what is free, of the machine or of its container."""
    own = int(psutil.Process().memory_info().rss)
    limits = [own + int(psutil.virtual_memory().available)]
    with suppress(OSError, ValueError):  # no container, or one without a limit ("max")
        most = int((_CGROUP / "memory.max").read_text())
        limits.append(own + most - int((_CGROUP / "memory.current").read_text()))
    return max(own, min(limits))


def give_back() -> None:
    """Return to the system what this process has freed, so that its resident size tells what it uses."""
    gc.collect()
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library than glibc
            ctypes.CDLL(None).malloc_trim(0)
    if "torch" in sys.modules:
        import torch

        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def device_peak(*, reset: bool = False) -> int | None:
    """Most bytes that tensors took on the GPU since the last reset; None where none is used."""
    if "torch" not in sys.modules:
        return None
    import torch

    if not torch.cuda.is_available():
        return None
    peak = int(torch.cuda.max_memory_allocated())
    if reset:
        torch.cuda.reset_peak_memory_stats()
    return peak


def device_limit() -> int | None:
    """Bytes that tensors may take on the GPU: what they have and what is free; None without one."""
    import torch

    if not torch.cuda.is_available():
        return None
    free, _ = torch.cuda.mem_get_info()
    return int(free + torch.cuda.memory_reserved())
