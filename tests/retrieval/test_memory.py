"""What a process may take, in a container or not."""

from pathlib import Path

import psutil
import pytest

from retrieval import memory
from retrieval.memory import device_limit, device_peak, give_back, memory_limit


def test_a_container_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    own, free = psutil.Process().memory_info().rss, psutil.virtual_memory().available
    assert own < memory_limit() <= 1.5 * (own + free), "no container"
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("1000\n")
    assert memory_limit() > own + free / 2, "one without a limit"
    (tmp_path / "memory.max").write_text("5001000\n")
    assert memory_limit() == pytest.approx(own + 5_000_000, abs=50_000_000)


def test_giving_back_keeps_what_is_used() -> None:
    kept = bytearray(1000)
    give_back()
    assert len(kept) == 1000


def test_without_a_gpu_there_is_none_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device_peak(reset=True) is None
    assert device_limit() is None
