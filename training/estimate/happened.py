"""What a run really took, from its events, beside what was estimated."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any


def happened(events: Iterable[Mapping[str, Any]], now: datetime) -> dict[str, dict[str, Any]]:
    """Stage to ``seconds``, ``memory_bytes`` and ``joules`` (None where nothing was looked at).

    Args:
        events: of a run, oldest first; of a stage that was begun again the last time counts.
        now: the end of a stage that has not finished.
    """
    found: dict[str, dict[str, Any]] = {}
    begun: dict[str, datetime] = {}
    current: str | None = None
    first = 0.0
    for event in events:
        stage, state = str(event.get("stage")), event.get("state")
        at = datetime.fromisoformat(str(event["at"]))
        if state == "started":
            current, begun[stage] = stage, at
            found[stage] = {"seconds": None, "memory_bytes": None, "joules": None}
        elif state == "finished" and stage in found:
            found[stage]["seconds"] = event["seconds"]
            current = None
        elif current is not None:
            own, device = found[current], event.get("device_bytes")
            if stage == "hardware":
                peak = event.get("peak_rss_bytes", event.get("rss_bytes"))
                if own["joules"] is None:
                    first = event.get("joules", 0.0)
                if "joules" in event:
                    own["joules"] = round(event["joules"] - first, 1)
                own["memory_bytes"] = max(own["memory_bytes"] or 0, int(peak or 0)) or None
            if device is not None:
                own["device_bytes"] = max(own.get("device_bytes", 0), int(device))
    for stage, own in found.items():
        if own["seconds"] is None:
            own["seconds"] = round((now - begun[stage]).total_seconds(), 2)
    return found


def beside(estimated: Mapping[str, Any], events: Iterable[Mapping[str, Any]], now: datetime) -> dict[str, Any]:
    """The estimate with what happened in each stage, for the report."""
    real = happened(events, now)
    bytes_of = "device_bytes" if estimated["memory_of"] == "GPU" else "memory_bytes"
    rows = []
    for stage, own in estimated["stages"].items():
        if stage not in real:
            continue
        known = real[stage]
        rows.append(
            {
                "stage": stage,
                "seconds": own["seconds"],
                "happened_seconds": known["seconds"],
                "memory_bytes": own["memory_bytes"],
                "happened_memory_bytes": known.get(bytes_of),
            }
        )
    joules = [real[row["stage"]]["joules"] for row in rows]
    peaks = [row["happened_memory_bytes"] for row in rows if row["happened_memory_bytes"]]
    spent, price = sum(row["happened_seconds"] for row in rows), estimated.get("price")
    return {
        **{name: value for name, value in estimated.items() if name != "stages"},
        "stages": rows,
        "happened_seconds": round(spent, 1),
        "happened_memory_bytes": max(peaks, default=None),
        "happened_price": price and round(price * spent / estimated["seconds"], 4),
        "happened_watt_hours": None if None in joules else round(sum(joules) / 3600, 2),
    }
