"""A generator that answers every prompt once, and scores every completion of it once.

Arms that show the same passages ask the same, and so do the checkpoints of a training and the arms that it ends
in. Answered once they say the same, too: greedy answers in bfloat16 hang a little on what is computed beside them.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from retrieval.prompt import Message
from training.answering.answerer import Encoded
from training.evaluation.evaluate import Scores


class Memoized:
    """Remembers what another generator said, for as long as it is used, or in a file.

    Args:
        generator: greedy, so that the same prompt means the same answer.
        kept: file of answers that outlives this object, shared by all generators that have an identity.
    """

    def __init__(self, generator: Scores, kept: Path | None = None) -> None:
        self.generator = generator
        self._kept = kept if generator.identity is not None else None
        self._said: dict[str, tuple[str, str]] = {}
        self._scored: dict[tuple[tuple[int, ...], tuple[int, ...]], tuple[float, int, int]] = {}
        """By prompt and completion."""
        self._weighed: dict[str, list[float]] = {}
        if self._kept is not None and self._kept.is_file():
            for line in self._kept.read_text().splitlines():
                try:
                    row = json.loads(line)
                    if "weights" in row:
                        self._weighed[row["asked"]] = row["weights"]
                    else:
                        self._said[row["asked"]] = row["text"], row["ended"]
                except (ValueError, KeyError, TypeError):
                    continue  # cut by a kill

    @property
    def identity(self) -> str | None:
        """What tells the model's weights from others."""
        return self.generator.identity

    @property
    def can_score(self) -> bool:
        """Whether probabilities can be had."""
        return self.generator.can_score

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
        keys = [self._asked(one, max_new_tokens) for one in prompts]
        new = {key: one for key, one in zip(keys, prompts, strict=True) if key not in self._said}
        if new:
            said = dict(zip(new, self.generator.complete(list(new.values()), max_new_tokens), strict=True))
            self._said |= said
            self._keep({"asked": key, "text": text, "ended": ended} for key, (text, ended) in said.items())
        return [self._said[key] for key in keys]

    def _asked(self, prompt: Encoded, wanted: object) -> str:
        return hashlib.sha256(f"{self.identity} {wanted} {prompt!r}".encode()).hexdigest()

    def _keep(self, rows: Iterable[dict[str, Any]]) -> None:
        if self._kept is not None:
            with self._kept.open("a") as file:
                for row in rows:
                    # The line break comes first: a line that a kill has cut must not spoil the next.
                    file.write("\n" + json.dumps(row))

    def weigh(self, prompts: Sequence[Encoded], choices: Sequence[Sequence[str]]) -> list[list[float]]:
        """The log-probability of each text as the whole answer to its prompt; computed for prompts that are new."""
        asked = list(zip(prompts, choices, strict=True))
        keys = [self._asked(prompt, list(own)) for prompt, own in asked]
        new = {key: one for key, one in zip(keys, asked, strict=True) if key not in self._weighed}
        if new:
            found = self.generator.weigh([prompt for prompt, _ in new.values()], [own for _, own in new.values()])
            weighed = dict(zip(new, found, strict=True))
            self._weighed |= weighed
            self._keep({"asked": key, "weights": weights} for key, weights in weighed.items())
        return [self._weighed[key] for key in keys]

    def encode_completion(self, text: str) -> list[int]:
        """Token ids of an answer as it follows the prompt, without the end of the turn."""
        return self.generator.encode_completion(text)

    def score(self, prompt_ids: list[int], completion_ids: list[int]) -> tuple[float, int, int]:
        """Teacher-forced: sum of the losses, number of tokens, number predicted right."""
        key = tuple(prompt_ids), tuple(completion_ids)
        if key not in self._scored:
            self._scored[key] = self.generator.score(prompt_ids, completion_ids)
        return self._scored[key]
