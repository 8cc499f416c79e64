"""The matrix of a study: prompts times worked examples times passages, and the ways to use the best of them.

Knows nothing about how cells are measured.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

from retrieval.prompt import Prompt

Mode = Literal["direct", "chained", "tools"]
"""*direct*: search, answer. *chained*: rewrite the question, search, answer, check. *tools*: the model searches."""
SERVED: Mode = "direct"
"""The one mode that a release answers in; the others are measured only."""
BEST = 3
"""Prompts that are tried in the other modes: a question costs two or three requests there, and how well a prompt is
worded shows in the direct mode for one."""
_ADDED: Mapping[Mode, str] = {"direct": "", "chained": ", chained", "tools": ", tool calls"}


@dataclass(frozen=True)
class Cell:
    """One way to ask the generator."""

    prompt: Prompt
    mode: Mode = SERVED

    @property
    def name(self) -> str:
        """As in "clear, 3 examples, 4 passages, chained"."""
        shown = {0: "no example", 1: "1 example"}.get(self.prompt.examples, f"{self.prompt.examples} examples")
        passages = "1 passage" if self.prompt.max_passages == 1 else f"{self.prompt.max_passages} passages"
        return f"{self.prompt.name}, {shown}, {passages}{_ADDED[self.mode]}"


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


def further(best: Sequence[Cell], modes: Sequence[Mode]) -> list[Cell]:
    """The best prompts in other modes.

    Args:
        best: direct cells, best first. A model that searches itself is shown no worked examples.
    """
    cells: list[Cell] = []
    for mode in modes:
        more = {"examples": 0} if mode == "tools" else {}
        own = [Cell(cell.prompt.model_copy(update=more), mode) for cell in best]
        cells += list(dict.fromkeys(own))[:BEST]
    return cells
