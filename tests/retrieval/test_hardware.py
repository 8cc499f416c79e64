"""What the machine can do, with machines that are not this one."""

import sys
import threading
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from retrieval import hardware
from retrieval.hardware import Sampler, best_device, cpu_has_bf16


@pytest.mark.parametrize(
    ("cpuinfo", "expected"),
    [
        ("processor : 0\nflags\t\t: fpu avx2 avx512_bf16 sha_ni\n", True),
        ("flags : fpu amx_tile amx_bf16\n", True),
        ("Features : fp asimd bf16 i8mm\n", True),
        ("flags : fpu avx2 avx512f\n", False),
        ("bugs : avx512_bf16\nflags : fpu\n", False),
        ("", False),
    ],
)
def test_bf16(cpuinfo: str, expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cpuinfo").write_text(cpuinfo)
    monkeypatch.setattr(hardware, "_CPUINFO", tmp_path / "cpuinfo")
    assert cpu_has_bf16() is expected


def test_bf16_where_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "_CPUINFO", tmp_path / "missing")
    assert cpu_has_bf16() is False


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"), [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")]
)
def test_best_device(cuda: bool, mps: bool, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert best_device() == expected


def sample(count: int) -> list[dict[str, float]]:
    """The reports of a sampler until there are ``count``, and the last one."""
    reports: list[dict[str, float]] = []
    enough = threading.Event()

    def report(figures: dict[str, float]) -> None:
        reports.append(figures)
        if len(reports) >= count:
            enough.set()

    with Sampler(report, interval=0.001):
        assert enough.wait(30)
    return reports


class FakeNvml(ModuleType):
    """Two GPUs; the second reports no utilisation."""

    class NVMLError(Exception):
        pass

    def __init__(self, *, driver: bool = True) -> None:
        super().__init__("pynvml")
        self.driver = driver
        self.open = False

    def nvmlInit(self) -> None:
        if not self.driver:
            raise self.NVMLError("driver not loaded")
        self.open = True

    def nvmlShutdown(self) -> None:
        self.open = False

    def nvmlDeviceGetCount(self) -> int:
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> SimpleNamespace:
        assert self.open
        if handle == 1:
            raise self.NVMLError("not supported")
        return SimpleNamespace(gpu=73)

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> SimpleNamespace:
        return SimpleNamespace(used=5 * 2**30)


def test_sampler_reports_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml(driver=False))
    reports = sample(3)
    assert all(
        report.keys() - {"joules"} == {"time", "cpu_percent", "rss_bytes", "peak_rss_bytes"} for report in reports
    )
    assert all(2**20 < report["rss_bytes"] < 2**40 for report in reports)
    assert all(report["cpu_percent"] >= 0 for report in reports)
    times = [report["time"] for report in reports]
    assert times == sorted(times)


def test_sampler_without_the_driver_s_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert "rss_bytes" in sample(1)[0]


def test_sampler_reports_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    nvml = FakeNvml()
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    report = sample(1)[0]
    assert report["gpu0_percent"] == 73
    assert report["gpu0_memory_bytes"] == 5 * 2**30
    assert report["gpu1_memory_bytes"] == 5 * 2**30
    assert "gpu1_percent" not in report
    assert not nvml.open


def test_sampler_reports_however_short_the_body() -> None:
    reports: list[dict[str, float]] = []
    with Sampler(reports.append, interval=3600):
        pass
    assert reports


def test_an_error_in_the_callback_comes_out() -> None:
    def report(figures: dict[str, float]) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"), Sampler(report):
        pass
    with pytest.raises(KeyError), Sampler(report):  # the body's own error is not hidden
        raise KeyError("body")


def test_interval() -> None:
    with pytest.raises(ValueError, match="found interval 0"):
        Sampler(print, interval=0)


def test_the_peak_between_reports_is_seen() -> None:
    assert all(one["peak_rss_bytes"] >= one["rss_bytes"] > 0 for one in sample(3))


def test_energy_where_it_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "_POWERCAP", tmp_path)
    package = tmp_path / "intel-rapl:0"
    package.mkdir()
    (tmp_path / "intel-rapl:0:1").mkdir()  # a part of the package: it would count twice
    (package / "max_energy_range_uj").write_text("10000000\n")
    (package / "energy_uj").write_text("9000000\n")
    energy = hardware._Energy(hardware._Gpus())
    assert energy.sample() == {"joules": 0.0}
    (package / "energy_uj").write_text("9500000\n")
    assert energy.sample() == {"joules": 0.5}
    (package / "energy_uj").write_text("1000000\n")  # the counter began anew
    assert energy.sample() == {"joules": 2.0}
    (package / "energy_uj").unlink()
    assert energy.sample() == {}, "nothing is told that is not known"
