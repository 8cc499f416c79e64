"""What an answer costs: tokens read and written, and by a price, money.

Tokens are the same on every machine and for answers that were remembered, so a verdict may speak of them; seconds are
measured apart (latency).
"""

from dataclasses import dataclass
from typing import Any

from training.evaluation.evaluate import ArmResult

FACTOR = 1.5
WRITTEN = 4
"""What is written counts so many times what is read, as servers price it."""


@dataclass(frozen=True)
class TokenPrice:
    """What a million tokens cost, in whatever currency the user thinks in."""

    prompt: float
    completion: float


@dataclass(frozen=True)
class Tokens:
    """Means over all questions; one that is refused without generating costs none."""

    prompt: float
    completion: float
    questions: int

    def weighed(self, price: TokenPrice | None) -> float:
        """By price, or where there is none with what is written counted :data:`WRITTEN` times."""
        price = price or TokenPrice(1.0, WRITTEN)
        return self.prompt * price.prompt + self.completion * price.completion

    def to_json(self, price: TokenPrice | None) -> dict[str, Any]:
        """As JSON values; ``cost_per_thousand`` answers is None without a price."""
        return {
            "prompt": self.prompt,
            "completion": self.completion,
            "questions": self.questions,
            "cost_per_thousand": None if price is None else self.weighed(price) / 1000,
        }


def tokens(result: ArmResult) -> Tokens | None:
    """Of an arm; None where they were not counted. Of thoughts, which nobody sees, none are counted."""
    counted = [
        (one.prompt_tokens, one.completion_tokens)
        for one in result.records
        if one.prompt_tokens is not None and one.completion_tokens is not None
    ]
    if not counted:
        return None
    prompt, completion = (sum(column) / len(counted) for column in zip(*counted, strict=True))
    return Tokens(prompt, completion, len(counted))


def times_dearer(baseline: ArmResult, candidate: ArmResult, price: TokenPrice | None = None) -> float | None:
    """How many times what the baseline's answers cost the candidate's do; None where that is not known."""
    before, after = tokens(baseline), tokens(candidate)
    if before is None or after is None or before.weighed(price) <= 0:
        return None
    return after.weighed(price) / before.weighed(price)


def dearer_in_words(
    baseline: ArmResult, candidate: ArmResult, factor: float = FACTOR, price: TokenPrice | None = None
) -> str | None:
    """A sentence where the candidate's answers cost more than ``factor`` times the baseline's; else None."""
    times, before, after = times_dearer(baseline, candidate, price), tokens(baseline), tokens(candidate)
    if times is None or before is None or after is None or times <= factor:
        return None
    unit = "by price" if price else f"one written token counted as {WRITTEN} read"
    return (
        f"An answer costs {times:.1f} times as much ({unit}): {after.prompt:.0f} tokens read and "
        f"{after.completion:.0f} written in the mean, before {before.prompt:.0f} and {before.completion:.0f} "
        f"(n = {after.questions})."
    )
