"""How many rows of each task are trained on, by the tasks' weights."""

from collections.abc import Mapping


def shares(rows: Mapping[str | None, int], weights: Mapping[str, float], *, most: int | None) -> dict[str | None, int]:
    """How many rows of each task: with a weight of 0.5 half of them, with 2 each twice.

    Args:
        rows: task to how many there are; None is what names no task, and weighs 1.
        most: rows at most; above it every task gives up the same share.
    """
    wanted = {task: weights.get(task or "", 1.0) * count for task, count in rows.items()}
    total = sum(wanted.values())
    scale = 1.0 if most is None or total <= most else most / total
    exact = {task: scale * count for task, count in wanted.items()}
    whole = {task: int(count) for task, count in exact.items()}
    spare = round(sum(exact.values())) - sum(whole.values())
    for task in sorted(exact, key=lambda task: whole[task] - exact[task])[:spare]:  # the largest remainders
        whole[task] += 1
    return whole
