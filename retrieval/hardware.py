"""What the machine can do, and how busy it is.

Knows nothing about models. The only file that talks to the GPU driver (``pynvml``).
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

_CPUINFO = Path("/proc/cpuinfo")
_POWERCAP = Path("/sys/class/powercap")
_LOOKS = 20
"""At memory in an interval: it is gone in a moment."""


def cpu_has_bf16() -> bool:
    """Whether the processor multiplies bfloat16 natively (avx512_bf16 or amx_bf16, arm: bf16)."""
    try:
        text = _CPUINFO.read_text(errors="replace")
    except OSError:
        return False
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return not {"avx512_bf16", "amx_bf16", "bf16"}.isdisjoint(value.split())
    return False


def best_device() -> str:
    """``cuda`` where torch sees a GPU, ``mps`` on Apple, else ``cpu``. Imports torch."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


class Sampler:
    """Reports memory and utilisation of this process, the CPU and each GPU, once per interval.

    A context manager that owns one daemon thread. The report is a flat dictionary: ``time`` (s since
    the epoch), ``cpu_percent``, ``rss_bytes``, ``peak_rss_bytes`` (the most since the report before) and, for each
    GPU i, ``gpu{i}_percent`` and ``gpu{i}_memory_bytes``. A machine without GPU or driver reports none of the latter.
    ``joules``, of processors and GPUs since the start, is there where a counter of energy can be read.

    A callback that raises ends the sampling, and the error is raised again when the context is left.
    """

    def __init__(self, callback: Callable[[dict[str, float]], None], *, interval: float = 1.0) -> None:
        if interval <= 0:
            raise ValueError(f"found interval {interval}, expected more than 0 seconds")
        self._callback = callback
        self._interval = interval
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lockstep-sampler", daemon=True)
        self._error: BaseException | None = None

    def __enter__(self) -> Self:
        """Start; the first report comes at once."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop, after one last report."""
        self._stopping.set()
        self._thread.join()
        if self._error is not None and error is None:
            raise self._error

    def _run(self) -> None:
        try:
            with _Gpus() as gpus:
                process, energy = psutil.Process(), _Energy(gpus)
                peak = 0
                process.cpu_percent()  # the first call only sets the reference point
                while True:
                    stopping = self._stopping.is_set()
                    resident = process.memory_info().rss
                    self._callback(
                        {
                            "time": time.time(),
                            "cpu_percent": process.cpu_percent(),
                            "rss_bytes": float(resident),
                            "peak_rss_bytes": float(max(peak, resident)),
                            **gpus.sample(),
                            **energy.sample(),
                        }
                    )
                    if stopping:
                        return
                    peak = 0
                    for _ in range(_LOOKS):
                        if self._stopping.wait(self._interval / _LOOKS):
                            break
                        peak = max(peak, process.memory_info().rss)
        except Exception as error:
            self._error = error


class _Gpus:
    """The GPUs that the driver shows; none where there is no driver."""

    def __init__(self) -> None:
        self._nvml: Any = None
        self._handles: list[Any] = []

    def __enter__(self) -> Self:
        try:
            import pynvml
        except ImportError:
            return self
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError:  # no driver, or none that answers: a machine without GPU
            return self
        self._nvml = pynvml
        self._handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
        return self

    def __exit__(self, *_: object) -> None:
        if self._nvml is not None:
            self._nvml.nvmlShutdown()

    def sample(self) -> dict[str, float]:
        figures: dict[str, float] = {}
        for i, handle in enumerate(self._handles):
            with suppress(self._nvml.NVMLError):  # some virtual GPUs report the one and not the other
                figures[f"gpu{i}_memory_bytes"] = float(self._nvml.nvmlDeviceGetMemoryInfo(handle).used)
                figures[f"gpu{i}_percent"] = float(self._nvml.nvmlDeviceGetUtilizationRates(handle).gpu)
        return figures

    def joules(self) -> list[float]:
        """What each GPU has used since its driver was loaded; of those that count it."""
        found = []
        for handle in self._handles:
            with suppress(self._nvml.NVMLError, AttributeError):
                found.append(self._nvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1000)
        return found


class _Energy:
    """What processors (RAPL) and GPUs (NVML) have used since this object was made; often only root can read it."""

    def __init__(self, gpus: _Gpus) -> None:
        self._gpus = gpus
        self._packages = [path for path in _POWERCAP.glob("*-rapl:*") if path.name.count(":") == 1]
        self._before = self._read()
        self._used = 0.0

    def sample(self) -> dict[str, float]:
        now = self._read()
        for name, (joules, turn) in now.items():
            before = self._before.get(name, (joules, turn))[0]
            self._used += joules - before if joules >= before else joules + turn - before  # the counter began anew
        self._before = now
        return {"joules": self._used} if now else {}

    def _read(self) -> dict[str, tuple[float, float]]:
        """Counter to joules, and how many there are before it begins anew."""
        found = {str(i): (joules, 0.0) for i, joules in enumerate(self._gpus.joules())}
        for path in self._packages:
            with suppress(OSError, ValueError):
                counted, turn = (int((path / name).read_text()) / 1e6 for name in ("energy_uj", "max_energy_range_uj"))
                found[path.name] = (counted, turn)
        return found


def use_cores(count: int) -> None:
    """Let torch compute on so many cores in this thread. Threads made later do so, too, until it is set again."""
    import torch

    torch.set_num_threads(count)
    torch.get_num_threads()  # makes it last: else the thread's first operation takes the number that holds by then


def core_threads(count: int, name: str, *, cores: int) -> ThreadPoolExecutor:
    """Threads in which torch uses so many cores each; elsewhere it goes on using all of them."""
    import torch

    usual, started = torch.get_num_threads(), threading.Barrier(count + 1)
    threads = ThreadPoolExecutor(count, name, initializer=use_cores, initargs=(cores,))
    for _ in range(count):
        threads.submit(started.wait)
    started.wait()
    torch.set_num_threads(usual)
    return threads
