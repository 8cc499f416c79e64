"""What searching, embedding and answering cost, by a few questions and chunks: most stages are made of these."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from retrieval.hardware import best_device
from retrieval.search import Searcher
from training.answering.answerer import Answerer
from training.data.candidates import DEPTH
from training.data.examples import Example
from training.estimate.peak import Peak
from training.evaluation.compared_systems import Asking

T = TypeVar("T")

CPU_QUESTIONS, GPU_QUESTIONS = 3, 8
"""That are answered. A CPU reads prompts one after another, and nearly all of its time goes there; a GPU answers
several in about the time of one."""
CPU_CHUNKS, GPU_CHUNKS = 16, 64
SHORT = 64
"""Tokens of a prompt that only warms up."""


@dataclass(frozen=True)
class ServingCost:
    """Seconds, and bytes (of the GPU where one computes)."""

    per_search: float
    per_character: float
    """Of a chunk that is embedded."""
    loading: float
    """The generator, until it answers."""
    per_question: float
    per_scored: float
    """The loss of a reference answer."""
    generator: int
    """Bytes that a generator takes while it answers."""
    embedding: int
    """Bytes that embedding takes beside."""


def probe_serving(
    searcher: Searcher,
    questions: Sequence[Example],
    texts: Sequence[str],
    open_generator: Callable[[], Any],
    asking: Asking,
    max_new_tokens: int,
    *,
    score: bool,
) -> ServingCost:
    """Measure with the untouched system.

    Args:
        questions: of which some are asked, evenly taken.
        texts: chunks, of which some are embedded.
        open_generator: loads it.
        score: whether reference answers are scored, too.
    """
    asked = evenly(questions, CPU_QUESTIONS if best_device() == "cpu" else GPU_QUESTIONS)
    some = evenly(texts, chunks())
    searcher.search_batch([one.question for one in asked[:1]], top_k=DEPTH)  # warms up
    with Peak() as peak:
        began = time.monotonic()
        found = searcher.search_batch([one.question for one in asked], top_k=DEPTH)
        per_search = (time.monotonic() - began) / max(1, len(asked))
        _, resident = peak.take()
        began = time.monotonic()
        searcher.embedder.encode_passages(some)
        per_character = (time.monotonic() - began) / max(1, sum(map(len, some)))
        embedding = peak.take()[0] - resident
    with Peak() as peak:
        _, resident = peak.take()
        began = time.monotonic()
        generator = open_generator()
        try:
            generator.start()
            loading = time.monotonic() - began
            answerer = Answerer(
                searcher,
                generator,
                asking.prompt,
                "",
                max_new_tokens=max_new_tokens,
                demonstrations=asking.demonstrations(searcher.embedder),
            )
            shown = [passages[: searcher.settings.top_k] for passages in found]
            prepared = [answerer.prepare_found(one.question, own) for one, own in zip(asked, shown, strict=True)]
            prepared = [one for one in prepared if one.prompt_ids is not None]
            if generator.remote:  # the first answer is slower
                answerer.answer_prepared(prepared[:1])
            else:
                generator.generate([one.prompt_ids[:SHORT] for one in prepared[:1] if one.prompt_ids], 2)
            began = time.monotonic()
            answerer.answer_prepared(prepared)
            per_question = (time.monotonic() - began) / max(1, len(prepared))
            began, per_scored = time.monotonic(), 0.0
            if score and generator.can_score and prepared:
                generator.score(prepared[-1].prompt_ids, generator.encode_completion(asking.prompt.abstention))
                per_scored = time.monotonic() - began
        finally:
            generator.stop()
        answering = peak.take()[0] - resident
    return ServingCost(
        per_search, per_character, loading, per_question, per_scored, max(0, answering), max(0, embedding)
    )


def chunks() -> int:
    """How many are embedded."""
    return CPU_CHUNKS if best_device() == "cpu" else GPU_CHUNKS


def evenly(items: Sequence[T], count: int) -> Sequence[T]:
    """So many, from beginning to end."""
    return [items[i * len(items) // min(count, len(items))] for i in range(min(count, len(items)))]
