"""The report of a run and the page of its answers, as figures: what was measured, judged and spent."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from retrieval.files import publish_json
from training.data import row_files as tables
from training.estimate.happened import beside
from training.evaluation.compared_systems import BASELINE
from training.evaluation.cost import TokenPrice
from training.evaluation.errors import before_and_after
from training.evaluation.evaluate import ArmResult
from training.evaluation.forgetting.standing import Forgetting
from training.evaluation.judgement import Judgement
from training.evaluation.slices import standard_axes
from training.evaluation.verdict import UNTRAINED, Check
from training.report.build import STAGES_SHOWN, build_report, curves_from_events
from training.report.side_by_side import FILE as SIDE_BY_SIDE
from training.report.side_by_side import Shown, side_by_side
from training.runs.details import details
from training.runs.workbench import Workbench


def write_reports(
    bench: Workbench,
    judged: Judgement,
    results: Sequence[ArmResult],
    searching: Sequence[ArmResult],
    checks: Sequence[Check],
    thresholds: Mapping[str, float],
    price: TokenPrice | None,
    forgotten: Forgetting | None,
) -> None:
    """Write ``report.json`` and the rows of its answers into the run's directory.

    Args:
        results: of all arms on the test questions.
        searching: of those that only search.
        thresholds: similarity below which an arm abstains, by its name.
        price: of tokens.
        forgotten: what general questions say of the tuned generator.
    """
    baseline, candidate = judged.baseline, judged.candidate
    costs, reranker = bench.training.verdict, bench.systems.reranker(candidate.reranker_tuned)
    report = build_report(
        run=bench.run.id,
        release="",
        verdict=judged.verdict,
        arms=results,
        baseline=BASELINE,
        chosen=candidate.name,
        comparisons=judged.comparisons,
        references=searching,
        validation=tables.read_rows(bench.directory / "validation.jsonl", ArmResult),
        curves=curves_from_events(bench.run.events()),
        data={title: _figures(bench, name) for name, title in STAGES_SHOWN.items() if bench.run.finished(name)},
        settings={
            "training": bench.training.model_dump(mode="json"),
            "search": bench.chosen_settings(candidate.embedder_tuned, reranker=candidate.reranker_tuned).model_dump(),
        },
        fingerprints={
            "embedder": bench.systems.searcher(candidate.embedder_tuned).embedder.fingerprint,
            **({} if reranker is None else {"reranker": reranker.fingerprint}),
            "untouched embedder": bench.baseline.manifest.embedder.fingerprint,
            "generator": bench.bases.generator_reference.fingerprint,
            "documents": bench.catalog.fingerprint(),
            "test set": bench.divided.fingerprint,
        },
        checks=checks,
        estimate=_estimated(bench),
        errors=before_and_after(
            bench.catalog,
            (baseline.records, _shown(bench, baseline)),
            (candidate.records, _shown(bench, candidate)),
        ),
        details={"target": bench.run.result("shrinkage") if bench.run.finished("shrinkage") else None}
        | details(
            judged,
            results,
            _unthresholded(bench, candidate.name),
            thresholds=thresholds,
            axes=standard_axes(bench.examples["test"], bench.divided),
            factor=costs.factor,
            price=price,
            latency=bench.timed(candidate.name, thresholds),
            forgotten=forgotten,
        ),
    )
    publish_json(bench.directory / "report.json", report)
    untrained = [one for one in results if one.name in UNTRAINED and one.name != candidate.name][-1:]
    publish_json(
        bench.directory / SIDE_BY_SIDE,
        side_by_side(
            bench.catalog,
            [Shown(one, _shown(bench, one)) for one in (baseline, *untrained, candidate)],
            run=bench.run.id,
        ),
    )


def _figures(bench: Workbench, stage: str) -> dict[str, Any]:
    """What a stage came to, without the ids of rows: the run's own files have them."""
    return {name: value for name, value in bench.run.result(stage).items() if name not in ("made", "again")}


def _estimated(bench: Workbench) -> dict[str, Any] | None:
    """The estimate beside what happened so far; None where there was none."""
    if not bench.run.finished("estimate"):
        return None
    return beside(bench.run.result("estimate"), bench.run.events(), datetime.now(UTC))


def _shown(bench: Workbench, result: ArmResult) -> int:
    """How many passages an arm's prompt shows."""
    return (bench.best.prompt if result.prompt_changed else bench.baseline.manifest.prompt).max_passages


def _unthresholded(bench: Workbench, name: str) -> ArmResult | None:
    """What an arm did on validation before it was given a threshold; None in a run of an earlier version."""
    path = bench.directory / "unthresholded.jsonl"
    results = tables.read_rows(path, ArmResult) if path.exists() else []
    return next((one for one in results if one.name == name), None)
