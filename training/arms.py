"""The systems that a retraining compares: the 2 x 2 of embedder and generator, and rows that only search."""

from collections.abc import Sequence
from dataclasses import dataclass

from retrieval.prompt import Prompt
from retrieval.search import Searcher
from retrieval.search_settings import SearchSettings
from training.answering import Answerer
from training.evaluation import Arm
from training.generation import Generator

BASELINE = "untouched"
NAMES = {
    (False, False): BASELINE,
    (True, False): "embedder tuned",
    (False, True): "generator tuned",
    (True, True): "both tuned",
}


@dataclass(frozen=True)
class Retriever:
    """An embedder's searcher and the retrieval settings chosen for it."""

    searcher: Searcher
    settings: SearchSettings

    def at(self, settings: SearchSettings) -> Searcher:
        """The same collection, searched with other settings."""
        held = self.searcher
        return Searcher(held.catalog, held.index, held.embedder, settings)


def two_by_two(
    retrievers: dict[bool, Retriever],
    generators: dict[bool, Generator],
    prompt: Prompt,
    *,
    thresholds: dict[str, float],
    max_new_tokens: int,
    release: str,
) -> list[Arm]:
    """The arms whose parts exist; keys of the arguments say whether the part is tuned.

    Args:
        thresholds: arm name to the similarity below which it abstains; missing: its settings' own.
    """
    arms = []
    for (embedder_tuned, generator_tuned), name in NAMES.items():
        if embedder_tuned not in retrievers or generator_tuned not in generators:
            continue
        retriever, generator = retrievers[embedder_tuned], generators[generator_tuned]
        settings = retriever.settings
        if name in thresholds:
            settings = settings.model_copy(update={"abstain_below": thresholds[name]})
        searcher = retriever.at(settings)
        arms.append(
            Arm(
                name=name,
                searcher=searcher,
                settings=settings,
                answerer=Answerer(searcher, generator, prompt, settings, release, max_new_tokens=max_new_tokens),
                scorer=generator,
                embedder_tuned=embedder_tuned,
                generator_tuned=generator_tuned,
                release=release,
            )
        )
    return arms


def references(retrievers: dict[bool, Retriever]) -> list[Arm]:
    """Rows that only search: BM25 alone, each embedder alone, each embedder with BM25 at equal weights.

    A dense-only baseline flatters every fine-tune, so what costs no training stands beside it.
    """
    plain = SearchSettings()
    modes: Sequence[tuple[str, bool, SearchSettings]] = [
        ("BM25 alone", False, plain.model_copy(update={"mode": "sparse"})),
        ("dense alone, untouched", False, plain.model_copy(update={"mode": "dense"})),
        ("dense alone, tuned", True, plain.model_copy(update={"mode": "dense"})),
        ("hybrid at equal weights, untouched", False, plain),
        ("hybrid at equal weights, tuned", True, plain),
    ]
    return [
        Arm(name, retrievers[tuned].at(settings), settings, embedder_tuned=tuned)
        for name, tuned, settings in modes
        if tuned in retrievers
    ]
