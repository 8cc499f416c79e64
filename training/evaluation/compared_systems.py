"""The systems that a retraining compares: those that answer, tuned or not, and those that only search."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

from retrieval.prompt import Prompt
from retrieval.search import Searcher
from retrieval.search_settings import SearchSettings
from training.answering.answerer import Answerer
from training.evaluation.evaluate import Arm, Scores
from training.evaluation.memoized import Memoized

if TYPE_CHECKING:
    from training.generator.generation import Generator
    from training.generator.remote import RemoteGenerator

BASELINE = "untouched"
"""As it is served."""
SETTINGS_ONLY = "settings only"
"""Nothing tuned, but settings and threshold chosen as for the tuned arms: what training must beat."""
SYSTEMS = (
    (BASELINE, False, False),
    (SETTINGS_ONLY, False, False),
    ("embedder tuned", True, False),
    ("generator tuned", False, True),
    ("both tuned", True, True),
)
"""Name, whether the embedder is tuned, whether the generator is."""


def answering(
    searchers: Mapping[bool, Searcher],
    generators: Mapping[bool, "Generator | RemoteGenerator"],
    prompt: Prompt,
    *,
    thresholds: Mapping[str, float],
    served: SearchSettings,
    max_new_tokens: int,
    release: str,
    kept: Path,
) -> list[Arm]:
    """The arms that answer, of :data:`SYSTEMS` those whose parts exist; keys say whether the part is tuned.

    Args:
        searchers: each with the settings that were chosen for it.
        served: the settings of the active release: the untouched arm is measured as it is served.
        thresholds: arm name to the similarity below which it abstains; missing: its settings' own.
        kept: file of the answers that are known already.
    """
    remembered = {tuned: Memoized(cast("Scores", generator), kept) for tuned, generator in generators.items()}
    arms = []
    for name, embedder_tuned, generator_tuned in SYSTEMS:
        if embedder_tuned not in searchers or generator_tuned not in generators:
            continue
        searcher, generator = searchers[embedder_tuned], remembered[generator_tuned]
        settings = served if name == BASELINE else searcher.settings
        if name in thresholds:
            settings = settings.model_copy(update={"abstain_below": thresholds[name]})
        searcher = searcher.at(settings)
        arms.append(
            Arm(
                name=name,
                searcher=searcher,
                answerer=Answerer(searcher, generator, prompt, release, max_new_tokens=max_new_tokens),
                scorer=generator if generators[generator_tuned].can_score else None,
                embedder_tuned=embedder_tuned,
                generator_tuned=generator_tuned,
                release=release,
            )
        )
    return arms


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
