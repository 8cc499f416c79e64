"""Chooses how far towards the tuned weights to go, on validation."""

from collections.abc import Callable, Sequence


def choose_share(
    take: Callable[[float], None], metric: Callable[[], float], shares: Sequence[float], best: float
) -> tuple[float, float]:
    """The share of the tuned weights, beside the untouched ones, that is best; it is taken at last.

    Args:
        take: gives the model a share of the tuned weights.
        metric: of the model as it is then; higher is better.
        shares: to be tried beside 1.
        best: the metric at 1.

    Returns:
        The share chosen, and its metric.
    """
    chosen = 1.0
    for share in shares:
        take(share)
        if (found := metric()) > best:
            chosen, best = share, found
    take(chosen)
    return chosen, best
