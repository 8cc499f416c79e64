"""A generator that answers every prompt once, and scores every completion of it once.

Arms that show the same passages ask the same. Answered once they say the same, too: greedy answers
in bfloat16 hang a little on what is computed beside them.
"""

from collections.abc import Sequence
from typing import Any

from retrieval.prompt import Message
from training.answering.answerer import Encoded
from training.evaluation.evaluate import Scores


class Memoized:
    """Remembers what another generator said, for as long as it is used.

    Args:
        generator: greedy, so that the same prompt means the same answer.
    """

    def __init__(self, generator: Scores) -> None:
        self.generator = generator
        self._said: dict[tuple[int, Any], tuple[str, str]] = {}
        """By room for the answer and prompt."""
        self._scored: dict[tuple[tuple[int, ...], tuple[int, ...]], tuple[float, int, int]] = {}
        """By prompt and completion."""

    @property
    def max_context(self) -> int:
        """Tokens of prompt and completion together."""
        return self.generator.max_context

    @property
    def computes_beside(self) -> int:
        """How many ``score`` computes at a time beside ``complete``."""
        return self.generator.computes_beside

    def encode(self, messages: Sequence[Message], *, thinking: bool = False) -> Encoded:
        """The messages with the generation prompt."""
        return self.generator.encode(messages, thinking=thinking)

    def complete(self, prompts: Sequence[Encoded], max_new_tokens: int) -> list[tuple[str, str]]:
        """The completion of each prompt and why it ended; computed for those that are new."""
        keys = [(max_new_tokens, tuple(one) if isinstance(one, list) else one) for one in prompts]
        new = {key: one for key, one in zip(keys, prompts, strict=True) if key not in self._said}
        if new:
            self._said |= zip(new, self.generator.complete(list(new.values()), max_new_tokens), strict=True)
        return [self._said[key] for key in keys]

    def encode_completion(self, text: str) -> list[int]:
        """Token ids of an answer as it follows the prompt, without the end of the turn."""
        return self.generator.encode_completion(text)

    def score(self, prompt_ids: list[int], completion_ids: list[int]) -> tuple[float, int, int]:
        """Teacher-forced: sum of the losses, number of tokens, number predicted right."""
        key = tuple(prompt_ids), tuple(completion_ids)
        if key not in self._scored:
            self._scored[key] = self.generator.score(prompt_ids, completion_ids)
        return self._scored[key]
