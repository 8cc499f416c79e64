"""The estimate of a run: seconds and memory of each stage, tokens, energy and money, from measured unit costs.

Knows nothing about runs: it is given what a run works on, and returns plain data that JSON holds.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from retrieval.catalog import Catalog
from retrieval.hardware import Sampler, best_device
from retrieval.memory import device_limit, give_back, memory_limit
from retrieval.progress import Progress, silent
from retrieval.search import Searcher
from training.data.contrastive import ContrastiveRow
from training.data.examples import Example
from training.data.supervised import SupervisedRow
from training.estimate.amounts import Amounts, embedder_amounts, generator_amounts
from training.estimate.fitting import fit_embedder, fit_generator
from training.estimate.loading import generator_facts
from training.estimate.peak import Peak
from training.estimate.probe import TooLarge, TrainingCost, probe_embedder, probe_generator, shortened
from training.estimate.serving import ServingCost, chunks, evenly, probe_serving
from training.evaluation.compared_systems import Asking
from training.settings import EmbedderTraining, GeneratorTraining, TrainingSettings

ALIKE = 0.25
"""Share of questions for which a tuned embedder brings the same passages as before, so that they are answered once:
15 of 60 in the demo."""


@dataclass(frozen=True)
class Material:
    """What a run works on."""

    catalog: Catalog
    searcher: Searcher
    """Untouched."""
    embedder: Path
    generator: Path | None
    """None where a server generates."""
    open_generator: Callable[[], Any]
    """The one that answers now."""
    contrastive: Sequence[ContrastiveRow]
    supervised: Sequence[SupervisedRow]
    """As they are trained on, questions joined."""
    train: int
    """Questions."""
    validation: Sequence[Example]
    test: Sequence[Example]
    asking: Asking
    max_new_tokens: int


@dataclass
class Estimate:
    """Stage to what it will take, as it is put together."""

    stages: dict[str, dict[str, Any]] = field(default_factory=dict)
    chosen: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Part to settings that make its training fit."""

    def add(self, stage: str, seconds: float, memory: int, **figures: Any) -> None:
        """A stage."""
        self.stages[stage] = {"seconds": round(seconds, 1), "memory_bytes": int(memory), **figures}


def estimate(material: Material, training: TrainingSettings, *, progress: Progress = silent) -> dict[str, Any]:
    """Try a few steps of each training and a few answers, and say what a run costs.

    Returns:
        ``stages``: name to ``seconds`` and ``memory_bytes``, of trainings also ``steps`` and ``tokens``. ``seconds``,
        ``memory_bytes`` (the most of all), ``memory_limit_bytes``, ``memory_of`` (what these bytes are of),
        ``watt_hours`` (None where no counter of energy can be read), ``price`` (None without price_per_hour),
        ``chosen`` (settings that make a training fit), ``left_out`` (parts whose training, and whose share of
        measuring, is not estimated) and ``probe_seconds``.

    Raises:
        ConfigurationError: a training does not fit into memory whatever is done.
    """
    began, joules = time.monotonic(), [0.0, 0.0]

    def look(sample: dict[str, float]) -> None:
        joules.append(sample.get("joules", float("nan")))

    device = device_limit()
    free = memory_limit() if device is None else device
    most = training.estimate.most_memory_gb
    limit = free if most is None else min(free, round(most * 1e9))
    with Sampler(look):
        found = _measured(material, training, limit, progress)
    taken = time.monotonic() - began
    seconds = sum(one["seconds"] for one in found.stages.values())
    watts = joules[-1] / taken
    price = training.estimate.price_per_hour
    return {
        "stages": found.stages,
        "seconds": round(seconds, 1),
        "memory_bytes": max(one["memory_bytes"] for one in found.stages.values()),
        "memory_limit_bytes": limit,
        "memory_of": "process" if device is None else "GPU",
        "tokens": sum(one.get("tokens", 0) for one in found.stages.values()),
        "watt_hours": round(watts * seconds / 3600, 2) if watts == watts else None,
        "price": None if price is None else round(price * seconds / 3600, 4),
        "chosen": found.chosen,
        "left_out": ["reranker"] if training.reranker_enabled else [],
        "probe_seconds": round(taken, 1),
    }


def _measured(material: Material, training: TrainingSettings, limit: int, progress: Progress) -> Estimate:
    task, total = "estimating time and memory", 3
    progress(task, 0, total)
    texts = [stored.chunk.indexed_text for stored in material.catalog.live_chunks()]
    serving = probe_serving(
        material.searcher,
        [*material.validation, *material.test],
        texts,
        material.open_generator,
        material.asking,
        material.max_new_tokens,
        score=training.loss,
    )
    found = Estimate()
    progress(task, 1, total)
    if training.embedder_enabled and len(material.contrastive) > 1:
        _embedder(found, material, training, serving, texts, limit)
    progress(task, 2, total)
    if training.generator_enabled and material.generator is not None and material.supervised:
        _generator(found, material, training, serving, limit)
    with Peak() as peak:  # with all that trainings have loaded, which stays
        _, resident = peak.take()
    _measuring(found, material, training, serving, texts, resident)
    progress(task, 3, total)
    give_back()
    order = ("embedder", "search", "supervised", "generator", "validate", "test")
    found.stages = {name: found.stages[name] for name in order if name in found.stages}
    return found


def _embedder(
    found: Estimate,
    material: Material,
    training: TrainingSettings,
    serving: ServingCost,
    texts: Sequence[str],
    limit: int,
) -> None:
    from tokenizers import Tokenizer

    embedder, rows, settings = material.searcher.embedder, material.contrastive, training.embedder
    tokenizer = Tokenizer.from_file(str(embedder.tokenizer_path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    count = cache(lambda text: min(embedder.max_tokens, len(tokenizer.encode(text).ids)))

    def probe(settings: EmbedderTraining) -> TrainingCost:
        return probe_embedder(
            material.embedder,
            rows,
            count,
            lambda tuned: tuned.encode_passages(evenly(texts, chunks())),
            settings,
            seed=training.seed,
            limit=limit,
        )

    def amounts(settings: EmbedderTraining) -> Amounts:
        return embedder_amounts(rows, count, settings, seed=training.seed)

    cost, changes = fit_embedder(settings, probe, amounts, limit)
    done = amounts(settings.model_copy(update=changes))
    if changes:
        found.chosen["embedder"] = changes
    # Validation embeds the supporting documents and what search returns for the questions; batches, the positives.
    shown = _characters_measured(material)
    positives = sum(map(len, {row.positive for row in rows}))
    measuring = shown * serving.per_character + len(material.validation) * serving.per_search
    seconds = (
        _training_seconds(cost, done.tokens, done.measured, measuring)
        + positives * serving.per_character
        + len(material.validation) * serving.per_search
    )
    found.add("embedder", seconds, cost.peak(done.at_once), steps=done.steps, tokens=done.tokens)


def _characters_measured(material: Material) -> int:
    from training.evaluation.checkpoint_metrics import EmbedderMetric

    return EmbedderMetric(material.catalog, material.searcher, material.validation).characters


def _generator(
    found: Estimate, material: Material, training: TrainingSettings, serving: ServingCost, limit: int
) -> None:
    base = material.generator
    assert base is not None
    facts = generator_facts(base, material.supervised, training.generator, limit)

    def ask(generator: Any) -> None:
        generator.generate([generator.encode(shortened(material.supervised[0]).messages)], 4)

    def probe(settings: GeneratorTraining) -> TrainingCost:
        # A GPU computes a whole batch in about the time of a row; without one, rows are computed one by one.
        usual = facts.cores if best_device() == "cpu" else settings.micro_batch or settings.batch_size
        for rows in (usual, 1):
            try:
                return probe_generator(
                    base,
                    facts.rows,
                    facts.lengths,
                    ask,
                    settings,
                    cores=facts.cores,
                    at_once=rows,
                    abstention=material.asking.prompt.abstention,
                    seed=training.seed,
                    limit=limit,
                )
            except TooLarge:
                if rows == 1:
                    raise
        raise AssertionError

    def amounts(settings: GeneratorTraining) -> Amounts:
        return generator_amounts(facts.lengths, settings, cores=facts.cores)

    cost, changes = fit_generator(training.generator, probe, amounts, limit)
    if changes:
        found.chosen["generator"] = changes
    done = amounts(training.generator.model_copy(update=changes))
    measuring = len(material.validation) * (serving.per_question + (serving.per_scored if training.loss else 0.0))
    seconds = _training_seconds(cost, done.tokens, done.measured, measuring)
    seconds += len(material.validation) * serving.per_search
    answering = cost.resident + serving.generator if facts.copied else 0
    found.add("generator", seconds, max(cost.peak(done.at_once), answering), steps=done.steps, tokens=done.tokens)


def _training_seconds(cost: TrainingCost, tokens: int, measured: int, measuring: float) -> float:
    """Of a whole training: steps, and the metric that is measured so often."""
    return (
        cost.before + cost.after + tokens * cost.per_token + measured * measuring + (measured - 1) * cost.per_evaluation
    )


def _measuring(
    found: Estimate,
    material: Material,
    training: TrainingSettings,
    serving: ServingCost,
    texts: Sequence[str],
    resident: int,
) -> None:
    """The stages that search and answer."""
    embedders, generators = 1 + ("embedder" in found.stages), 1 + ("generator" in found.stages)
    validation, test = len(material.validation), len(material.test)
    arms = embedders * generators
    embedding = sum(map(len, texts)) * serving.per_character if embedders > 1 else 0.0
    searching = resident + serving.embedding
    found.add("search", embedding + 2 * embedders * validation * serving.per_search, searching)
    if generators > 1:
        found.add("supervised", material.train * serving.per_search, searching)
    different = 1 + (embedders - 1) * (1 - ALIKE)
    # What the generator's training has asked, over what the tuned embedder finds, is known already.
    new = (different - 1) * generators if generators > 1 else different
    memory = max(searching, resident + generators * serving.generator)
    loading = generators * serving.loading
    found.add("validate", loading + validation * (new * serving.per_question + arms * serving.per_search), memory)
    scored = 2 * serving.per_scored if training.loss else 0.0
    searches = arms + 1 + 1 + 2 * embedders
    found.add(
        "test",
        test * (different * generators * serving.per_question + scored + searches * serving.per_search),
        memory,
    )
