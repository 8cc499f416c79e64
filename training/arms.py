"""The systems that a retraining compares: the 2 x 2 of embedder and generator, and rows that only search."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from retrieval.prompt import Prompt
from retrieval.search import Searcher
from retrieval.search_settings import SearchSettings
from training.answering import Answerer
from training.evaluation import Arm

if TYPE_CHECKING:
    from training.generation import Generator

BASELINE = "untouched"
NAMES = {
    (False, False): BASELINE,
    (True, False): "embedder tuned",
    (False, True): "generator tuned",
    (True, True): "both tuned",
}


def two_by_two(
    searchers: Mapping[bool, Searcher],
    generators: Mapping[bool, "Generator"],
    prompt: Prompt,
    *,
    thresholds: Mapping[str, float],
    served: SearchSettings,
    max_new_tokens: int,
    release: str,
) -> list[Arm]:
    """The arms whose parts exist; keys of the arguments say whether the part is tuned.

    Args:
        searchers: each with the settings that were chosen for it.
        served: the settings of the active release: the untouched arm is measured as it is served.
        thresholds: arm name to the similarity below which it abstains; missing: its settings' own.
    """
    arms = []
    for (embedder_tuned, generator_tuned), name in NAMES.items():
        if embedder_tuned not in searchers or generator_tuned not in generators:
            continue
        searcher, generator = searchers[embedder_tuned], generators[generator_tuned]
        settings = served if name == BASELINE else searcher.settings
        if name in thresholds:
            settings = settings.model_copy(update={"abstain_below": thresholds[name]})
        arms.append(
            Arm(
                name=name,
                searcher=searcher.at(settings),
                settings=settings,
                answerer=Answerer(
                    searcher.at(settings), generator, prompt, settings, release, max_new_tokens=max_new_tokens
                ),
                scorer=generator,
                embedder_tuned=embedder_tuned,
                generator_tuned=generator_tuned,
                release=release,
            )
        )
    return arms


def references(searchers: Mapping[bool, Searcher], chosen: SearchSettings) -> list[Arm]:
    """Rows that only search: BM25 alone, each embedder alone, each embedder with BM25 at equal weights.

    A dense-only baseline flatters every fine-tune, so what costs no training stands beside it.

    Args:
        searchers: by whether the embedder is tuned.
        chosen: the retrieval settings chosen on validation for the untouched embedder.
    """
    plain = SearchSettings()
    modes: Sequence[tuple[str, bool, SearchSettings]] = [
        ("BM25 alone", False, plain.model_copy(update={"mode": "sparse"})),
        ("dense alone, untouched", False, plain.model_copy(update={"mode": "dense"})),
        ("dense alone, tuned", True, plain.model_copy(update={"mode": "dense"})),
        ("hybrid at equal weights, untouched", False, plain),
        ("hybrid at equal weights, tuned", True, plain),
        ("settings chosen on validation, untouched", False, chosen),
    ]
    return [
        Arm(name, searchers[tuned].at(settings), settings, embedder_tuned=tuned)
        for name, tuned, settings in modes
        if tuned in searchers
    ]
