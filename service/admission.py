"""Who may wait: a request that would be answered too late is told so at once, instead of after a long wait.

Knows nothing about HTTP or about what is done; it counts who is inside and how fast they get done.
"""

import math
import time
from collections.abc import Callable

from retrieval.errors import LockstepError

HALF_LIFE = 20.0
"""Seconds of work after which a measurement counts half: a rate follows the load within a minute."""
UNMEASURED = 16
"""How many may be inside before the first one is done."""


class Overloaded(LockstepError):
    """There is too much to do; the request may come again."""

    http_status = 429
    code = "rate_limit_exceeded"

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds."""


class Entry:
    """A place inside; leave it when the work has ended, however it ends."""

    def __init__(self, left: Callable[[bool], None]) -> None:
        self._left: Callable[[bool], None] | None = left

    def leave(self, *, done: bool = False) -> None:
        """Give the place back; safe to call twice.

        Args:
            done: the work was completed, and counts for the rate.
        """
        left, self._left = self._left, None
        if left is not None:
            left(done)


class Admission:
    """A bound on the time that requests spend inside, by Little's law: those inside, divided by the rate.

    The rate is measured while somebody is inside: a mean over time that forgets exponentially. Used by
    one thread, the event loop's.

    Args:
        most_seconds: that a request may be expected to take to its end.
        what: those inside, in words.
    """

    def __init__(
        self, most_seconds: float, what: str = "requests", *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most_seconds, self._what, self._clock = most_seconds, what, clock
        self.inside = 0
        self._done = 0.0
        self._busy = 0.0
        self._looked = clock()

    @property
    def rate(self) -> float | None:
        """Requests done a second; None before the first."""
        self._look()
        return self._done / self._busy if self._done else None

    def enter(self) -> Entry:
        """A place for one more.

        Raises:
            Overloaded: it would have to wait too long.
        """
        rate = self.rate
        if self.inside and (self.inside >= UNMEASURED if rate is None else self._seconds(rate) > self._most_seconds):
            late = 1 if rate is None else math.ceil(self._seconds(rate) - self._most_seconds)
            retry_after = min(max(late, 1), math.ceil(self._most_seconds))
            expected = "" if rate is None else f", {self._seconds(rate):.0f} s of work for one more"
            raise Overloaded(
                f"found {self.inside} {self._what} waiting or in progress{expected}, expected an answer within "
                f"{self._most_seconds:g} s: come again in {retry_after} s",
                retry_after,
            )
        self.inside += 1
        return Entry(self._leave)

    def _seconds(self, rate: float) -> float:
        return (self.inside + 1) / rate

    def _leave(self, done: bool) -> None:
        self._look()
        self.inside -= 1
        self._done += done

    def _look(self) -> None:
        """Count the time since the last look as work, if anybody was inside."""
        now = self._clock()
        passed, self._looked = now - self._looked, now
        if self.inside and passed > 0:
            kept = 0.5 ** (passed / HALF_LIFE)
            self._done *= kept
            self._busy = self._busy * kept + (1 - kept) * HALF_LIFE / math.log(2)
