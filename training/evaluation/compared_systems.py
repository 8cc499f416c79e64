"""The systems that a retraining compares: those that answer, tuned or not, and those that only search."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from retrieval.embedder import Embedder
from retrieval.prompt import Prompt
from retrieval.search import Rerank, Searcher
from retrieval.search_settings import SearchSettings
from training.answering.answerer import Answerer
from training.answering.demonstrations import Demonstrations, Worked
from training.evaluation.evaluate import Arm, Scores
from training.evaluation.memoized import Memoized
from training.tasks.task import Task

if TYPE_CHECKING:
    from training.generator.generation import Generator
    from training.generator.remote import RemoteGenerator

BASELINE = "untouched"
"""As it is served."""
SETTINGS_ONLY = "settings only"
"""Nothing tuned, but settings and threshold chosen as for the tuned arms: what training must beat."""
PROMPT_ONLY = "prompt only"
"""Nothing tuned; settings, threshold and the prompt that a study found best."""


@dataclass(frozen=True)
class System:
    """A name, and which parts are not as they are served now."""

    name: str
    prompt: bool = True
    embedder: bool = False
    reranker: bool = False
    generator: bool = False


SYSTEMS = (
    System(BASELINE, prompt=False),
    System(SETTINGS_ONLY, prompt=False),
    System(PROMPT_ONLY),
    System("embedder tuned", embedder=True),
    System("reranker tuned", reranker=True),
    System("embedder and reranker tuned", embedder=True, reranker=True),
    System("generator tuned", generator=True),
    System("both tuned", embedder=True, generator=True),
    System("all tuned", embedder=True, reranker=True, generator=True),
)
"""Every tuned one has the best prompt: training must add to it. Not every combination: the more there are, the more
likely the best on validation is the luckiest."""


@dataclass(frozen=True)
class Asking:
    """How a generator is asked."""

    prompt: Prompt
    pool: Sequence[Worked] = ()
    """Of worked examples."""
    tasks: Mapping[str, Task] = field(default_factory=dict)
    """By their names."""

    @property
    def weights(self) -> dict[str, float]:
        """Of the tasks' training rows, by their names."""
        return {name: task.weight for name, task in self.tasks.items()}

    def demonstrations(self, embedder: Embedder) -> Demonstrations | None:
        """The worked examples, the nearest found by an embedder; None where the prompt shows none."""
        return Demonstrations(self.pool, embedder.encode_questions) if self.prompt.examples and self.pool else None


def answering(
    searchers: Mapping[bool, Searcher],
    rerankers: Mapping[bool, Rerank | None],
    generators: Mapping[bool, "Generator | RemoteGenerator"],
    asking: Asking,
    best: Asking,
    *,
    thresholds: Mapping[str, float],
    reranked: int,
    served: SearchSettings,
    max_new_tokens: int,
    release: str,
    kept: Path,
) -> list[Arm]:
    """The arms that answer, of :data:`SYSTEMS` those whose parts exist; keys say whether the part is tuned.

    Args:
        searchers: each with the settings that were chosen for it.
        rerankers: what reorders their results; None for nothing.
        asking: as the active release does.
        best: as the study that was made before found best; the same where there was none.
        served: the settings of the active release: the untouched arm is measured as it is served.
        reranked: how many candidates the tuned reranker reads.
        thresholds: arm name to the similarity below which it abstains; missing: its settings' own.
        kept: file of the answers that are known already.
    """
    remembered = {tuned: Memoized(cast("Scores", generator), kept) for tuned, generator in generators.items()}
    arms = []
    prompt_changes = best.prompt != asking.prompt
    for system in SYSTEMS:
        parts = ((system.embedder, searchers), (system.reranker, rerankers), (system.generator, generators))
        if any(tuned not in existing for tuned, existing in parts):
            continue
        if system.name == PROMPT_ONLY and not prompt_changes:
            continue
        searcher, generator = searchers[system.embedder], remembered[system.generator]
        settings = served if system.name == BASELINE else searcher.settings
        if system.name in thresholds:
            settings = settings.model_copy(update={"abstain_below": thresholds[system.name]})
        asked = best if system.prompt else asking
        if system.reranker:
            settings = settings.model_copy(update={"reranked": reranked})
        searcher = searcher.at(settings).reranking(rerankers[system.reranker])
        arms.append(
            Arm(
                name=system.name,
                searcher=searcher,
                answerer=Answerer(
                    searcher,
                    generator,
                    asked.prompt,
                    release,
                    max_new_tokens=max_new_tokens,
                    demonstrations=asked.demonstrations(searcher.embedder),
                    tasks=asked.tasks,
                ),
                scorer=generator if generators[system.generator].can_score else None,
                prompt_changed=system.prompt and prompt_changes,
                count=generators[system.generator].count,
                embedder_tuned=system.embedder,
                reranker_tuned=system.reranker,
                generator_tuned=system.generator,
                release=release,
            )
        )
    return arms


def unremembering(arm: Arm) -> Answerer:
    """What answers in an arm, but with each answer generated anew.

    Raises:
        ValueError: the arm only searches.
    """
    if arm.answerer is None:
        raise ValueError(f"found the arm {arm.name!r}, which only searches, expected one that answers")
    found = copy(arm.answerer)
    if isinstance(found.generator, Memoized):
        found.generator = found.generator.generator
    return found


def references(searchers: Mapping[bool, Searcher]) -> list[Arm]:
    """Rows that only search: BM25 alone, each embedder alone, each embedder with BM25 at equal weights.

    A dense-only baseline flatters every fine-tune, so what costs no training stands beside it.

    Args:
        searchers: by whether the embedder is tuned.
    """
    dense, hybrid = SearchSettings(mode="dense"), SearchSettings()
    modes = [
        ("BM25 alone", False, SearchSettings(mode="sparse")),
        ("dense alone, untouched", False, dense),
        ("dense alone, tuned", True, dense),
        ("hybrid at equal weights, untouched", False, hybrid),
        ("hybrid at equal weights, tuned", True, hybrid),
    ]
    return [
        Arm(name, searchers[tuned].at(settings), embedder_tuned=tuned)
        for name, tuned, settings in modes
        if tuned in searchers
    ]
