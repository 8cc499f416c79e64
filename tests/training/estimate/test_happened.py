"""What happened, from a run's events."""

from datetime import UTC, datetime, timedelta
from typing import Any

from training.estimate.happened import beside, happened

BEGUN = datetime(2026, 11, 1, tzinfo=UTC)


def at(second: float, **fields: Any) -> dict[str, Any]:
    return {"at": (BEGUN + timedelta(seconds=second)).isoformat(), **fields}


EVENTS = [
    at(0, stage="embedder", state="started"),
    at(1, stage="hardware", rss_bytes=5, peak_rss_bytes=9, joules=100.0),
    at(2, stage="embedder", step=1, steps=2, loss=0.5, device_bytes=77),
    at(3, stage="hardware", rss_bytes=6, peak_rss_bytes=8, joules=400.0),
    at(4, stage="embedder", state="finished", seconds=4.0),
    at(5, stage="hardware", rss_bytes=99, peak_rss_bytes=99, joules=500.0),
    at(6, stage="test", state="started"),
    at(7, stage="hardware", rss_bytes=3),
    at(8, stage="test", state="started"),
    at(9, stage="hardware", rss_bytes=2),
]
NOW = BEGUN + timedelta(seconds=12)


def test_each_stage_has_what_was_seen_while_it_ran() -> None:
    found = happened(EVENTS, NOW)
    assert found["embedder"] == {"seconds": 4.0, "memory_bytes": 9, "joules": 300.0, "device_bytes": 77}
    assert found["test"] == {"seconds": 4.0, "memory_bytes": 2, "joules": None}, "begun again, and not finished"


def test_the_estimate_stands_beside_it() -> None:
    estimated = {
        "stages": {name: {"seconds": 5.0, "memory_bytes": 10} for name in ("embedder", "generator")},
        "seconds": 10.0,
        "memory_of": "process",
        "watt_hours": 1.0,
    }
    found = beside(estimated, EVENTS, NOW)
    assert [row["stage"] for row in found["stages"]] == ["embedder"], "what did not run is left out"
    assert found["stages"][0]["happened_memory_bytes"] == 9
    assert (found["happened_seconds"], found["happened_watt_hours"]) == (4.0, round(300 / 3600, 2))
    on_gpu = beside({**estimated, "memory_of": "GPU"}, EVENTS, NOW)
    assert on_gpu["stages"][0]["happened_memory_bytes"] == 77
