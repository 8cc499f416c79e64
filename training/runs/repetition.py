"""How much of a verdict is training noise: the parts that are released are trained again with further seeds.

Everything but the seed stays: split, rows, search settings and prompt. What is released is the first training; the
others are measured on validation and test, and thrown away. They choose nothing.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from retrieval.files import publish_json
from training.answering.demonstrations import FILE as DEMONSTRATIONS
from training.data import row_files as tables
from training.evaluation.compared_systems import BASELINE
from training.evaluation.comparison import LABELS
from training.evaluation.evaluate import ArmResult
from training.evaluation.judgement import choose_thresholds, compared
from training.evaluation.verdict import PRIMARY, decide
from training.releases.release import ADAPTER, EMBEDDER, RERANKER, collection_name
from training.runs.directory import Run
from training.runs.stages import Stages

SHARED = ("examples.jsonl", "split.jsonl", "contrastive.jsonl", "supervised.jsonl", DEMONSTRATIONS)
"""What a repetition takes over from its run."""
PARTS = ("embedder", "reranker", "generator")


class Repeated(Stages):
    """A run that, where it was asked for several seeds, repeats its training after the test."""

    def test(self) -> dict[str, Any]:
        """Measure and judge; then train the same parts again, and say how far the results lie apart."""
        tested = super().test()
        seeds = [self.training.seed + more for more in range(1, self.run.request.get("seeds", 1))]
        if not seeds:
            return tested
        if not any(tested.get(f"{part}_tuned") for part in PARTS):
            return self._told(tested, ["No seed was tried: nothing that was trained is released."], [])
        self.systems.close()  # models and collections make room; they are opened again when they are needed
        margin = self.training.verdict.margin
        baseline, first = (self._result("test", name) for name in (BASELINE, tested["chosen"]))
        measured = [
            row_of(self.training.seed, self._result("validation", first.name), first, baseline, margin),
            *(self.run.stage(f"seed-{seed}", partial(self._repeat, seed, tested, baseline)) for seed in seeds),
        ]
        return self._told(tested, spread_in_words(measured), measured)

    def promote(self) -> dict[str, Any]:
        """As ever; the result has the seeds, too."""
        seeds = self.tested.get("seeds")
        return {**super().promote(), **({"seeds": seeds} if seeds else {})}

    def _result(self, split: str, arm: str) -> ArmResult:
        return next(one for one in tables.read_rows(self.directory / f"{split}.jsonl", ArmResult) if one.name == arm)

    def _repeat(self, seed: int, tested: Mapping[str, Any], baseline: ArmResult) -> dict[str, Any]:
        directory = self.directory / "seeds" / f"{self.run.id}-seed-{seed}"
        training = {
            **self.run.request["training"],
            "seed": seed,
            **{f"{part}_enabled": tested.get(f"{part}_tuned", False) for part in PARTS},
        }
        publish_json(directory / "run.json", {**self.run.request, "training": training})
        for name in SHARED:
            if (self.directory / name).is_file():
                shutil.copy(self.directory / name, directory / name)
        repetition = Repetition(
            self.workspace,
            self.catalog,
            self.ledger,
            self.index_settings.model_copy(update={"backend": "edge"}),  # nothing of it is ever served
            self.bases,
            Run(directory),
            self.progress,
            self.warn,
        )
        try:
            validation, test = repetition.measured(self)
            repetition.clear()
        finally:
            repetition.systems.close()
        return row_of(seed, validation, test, baseline, self.training.verdict.margin)

    def _told(
        self, tested: dict[str, Any], reasons: Sequence[str], seeds: Sequence[Mapping[str, Any]]
    ) -> dict[str, Any]:
        """The result of the test and the report, with what the seeds add."""
        report = json.loads((self.directory / "report.json").read_bytes())
        report["verdict"]["reasons"] = [*tested["reasons"], *reasons]
        if seeds:
            report["data"]["Seeds, on the test questions"] = {
                f"{one['seed']}: {LABELS[name]}": round(value, 3)
                for one in seeds
                for name, value in one["test"].items()
            } | {f"{one['seed']}: verdict": one["verdict"] for one in seeds}
        publish_json(self.directory / "report.json", report)
        return {**tested, "reasons": report["verdict"]["reasons"], "seeds": list(seeds)}


class Repetition(Stages):
    """The trainings of a run with another seed, in a directory of their own."""

    def measured(self, of: Stages) -> tuple[ArmResult, ArmResult]:
        """Train, and measure the one system on validation and test.

        Args:
            of: the run that is repeated.
        """
        self.searching, self.asked, self.on_top = of.searching, of.asked, of.on_top
        embedder, reranker = self.training.embedder_enabled, self.training.reranker_enabled
        generator = self.training.generator_enabled
        if embedder:
            self.run.stage("embedder", self.embedder)
        if reranker:
            self.run.stage("reranker", self.reranker)
        if generator:
            self.run.stage("generator", self.generator)
        self.embedders, self.rerankers, self.generators = [embedder], [reranker], [generator]
        thresholds, validation = choose_thresholds(
            self.measure("validation", {}, scored=()), self.baseline.manifest.prompt.abstention
        )
        return validation[0], self.measure("test", thresholds, scored=())[0]

    def clear(self) -> None:
        """Remove what only measuring needed."""
        fingerprint = self.systems.opened(True)
        self.systems.close()
        if fingerprint is not None:
            name = collection_name(fingerprint)
            self.catalog.forget_collection(name)
            self.catalog.forget_vectors(fingerprint)
            shutil.rmtree(self.workspace.collection(name), ignore_errors=True)
        for part in (EMBEDDER, RERANKER, ADAPTER):
            shutil.rmtree(self.directory / part, ignore_errors=True)


def primary(result: ArmResult) -> dict[str, float]:
    """The metrics that a verdict rests on."""
    metrics = result.metrics()
    found = {**metrics["retrieval"], **metrics["generation"]}
    return {name: found[name] for name in PRIMARY if found[name] is not None}


def row_of(seed: int, validation: ArmResult, test: ArmResult, baseline: ArmResult, margin: float) -> dict[str, Any]:
    """What one seed reached; the verdict is that of the test's figures alone, without the checks of a run."""
    verdict = decide(compared(baseline, test), outcomes=test.metrics()["outcomes"], margin=margin)
    return {"seed": seed, "validation": primary(validation), "test": primary(test), "verdict": verdict.outcome}


def spread_in_words(seeds: Sequence[Mapping[str, Any]]) -> list[str]:
    """How far the results of several seeds lie apart, and whether the verdict hangs on the seed.

    Args:
        seeds: the first is the one that is released.
    """
    first, *others = seeds
    ranges = []
    for name, value in first["test"].items():
        values = [one["test"][name] for one in seeds if name in one["test"]]
        ranges.append(f"{LABELS[name]} {min(values):.3f} to {max(values):.3f} ({value:.3f} with the released one)")
    again = "another seed" if len(others) == 1 else f"{len(others)} other seeds"
    said = [f"Trained again with {again}, the same parts reach on the test questions: {', '.join(ranges)}."]
    by_verdict: dict[str, list[str]] = {}
    for one in seeds:
        by_verdict.setdefault(one["verdict"], []).append(str(one["seed"]))
    if len(by_verdict) == 1:
        said.append(f"By these figures each of the {len(seeds)} seeds gives the same verdict, {first['verdict']}.")
    else:
        told = ", ".join(f"{verdict} with {' and '.join(own)}" for verdict, own in by_verdict.items())
        said.append(f"The verdict hangs on the seed: {told}. More questions, or more data, would settle it.")
    return said
