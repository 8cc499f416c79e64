"""The matrix of a study: prompts times worked examples times passages. Knows nothing about how cells are measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from retrieval.prompt import Prompt


@dataclass(frozen=True)
class Cell:
    """One way to ask the generator."""

    prompt: Prompt

    @property
    def name(self) -> str:
        """As in "clear, 3 examples, 4 passages"."""
        shown = {0: "no example", 1: "1 example"}.get(self.prompt.examples, f"{self.prompt.examples} examples")
        passages = "1 passage" if self.prompt.max_passages == 1 else f"{self.prompt.max_passages} passages"
        return f"{self.prompt.name}, {shown}, {passages}"


def matrix(served: Prompt, prompts: Sequence[Prompt], examples: Sequence[int], passages: Sequence[int]) -> list[Cell]:
    """Every combination, each once, the prompt that is served now before all others.

    Args:
        examples: how many worked examples are shown; a template without a place for them has them nowhere.
        passages: how many passages are shown.
    """
    cells = [Cell(served)]
    for prompt, shown, most in product(prompts, examples, passages):
        if not shown or "{examples}" in prompt.user:
            cells.append(Cell(prompt.model_copy(update={"examples": shown, "max_passages": most})))
    return list(dict.fromkeys(cells))
