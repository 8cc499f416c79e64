"""The report of a retraining: ``report.json`` holds everything, ``report.html`` is drawn from it alone.

The page is one file without scripts or outside resources. Knows nothing about how the figures
came about.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic_core import from_json, to_json

from retrieval.files import publish_bytes, publish_json
from training.evaluation.comparison import LABELS, Comparison
from training.evaluation.evaluate import ArmResult
from training.evaluation.verdict import Check, Verdict
from training.report.aimed import aimed_lines
from training.report.answers_page import PAGE, render_answers
from training.report.changes import changed_answers, count_changes, turn
from training.report.compared import comparisons
from training.report.confidence import confidence_curves
from training.report.markdown import render_markdown
from training.report.plots import STACKING, curve, forest, stacked
from training.report.side_by_side import FILE as SIDE_BY_SIDE
from training.report.summary import summary
from training.report.tasks import TERMS, task_lines
from training.report.templating import environment

SCHEMA = 2
STAGES_SHOWN = {
    "target": "Rows for one kind of error",
    "split": "Split",
    "contrastive": "Contrastive rows",
    "reranker": "Reranker",
    "supervised": "Supervised rows",
}
"""Stages of a run whose figures are shown, and under which title."""


def build_report(
    *,
    run: str,
    release: str,
    verdict: Verdict,
    arms: Sequence[ArmResult],
    baseline: str,
    chosen: str,
    comparisons: Mapping[str, Sequence[Comparison]],
    references: Sequence[ArmResult] = (),
    validation: Sequence[ArmResult] = (),
    curves: Sequence[Mapping[str, Any]] = (),
    data: Mapping[str, Mapping[str, Any]] = {},
    settings: Mapping[str, Any] = {},
    fingerprints: Mapping[str, str] = {},
    checks: Sequence[Check] = (),
    errors: Sequence[Mapping[str, Any]] = (),
    estimate: Mapping[str, Any] | None = None,
    details: Mapping[str, Any] = {},
    created: datetime | None = None,
) -> dict[str, Any]:
    """The report as one JSON value.

    Args:
        arms: those that answer, on the test split (fewer where a part was not trained).
        baseline: name of the arm that the others are compared with.
        chosen: name of the arm that was chosen on validation and judged.
        comparisons: arm name to its comparisons with the baseline.
        references: rows that only search (dense alone, BM25 alone, hybrid).
        validation: the arms on the validation split, as they were when one was chosen.
        curves: plots of training, see :func:`curves_from_events`.
        data: section title to figures, as ``{"Split": {"train": 180, "validation": 45}}``; nested ones become flat.
        settings: nested settings; they become flat with dotted names.
        errors: what is still wrong, see :func:`training.evaluation.errors.before_and_after`.
        estimate: what was estimated beside what happened, see :func:`training.estimate.happened.beside`.
        details: further keys of the report, see :func:`training.runs.details.details`.
        fingerprints: name to hash (embedder, collection, documents, split, ...).

    Raises:
        ValueError: ``baseline`` or ``chosen`` is not among the arms.
    """
    by_name = {arm.name: arm for arm in arms}
    if missing := {baseline, chosen} - by_name.keys():
        raise ValueError(f"found no arm named {sorted(missing)}, expected one of {sorted(by_name)}")
    report = {
        "schema": SCHEMA,
        "run": run,
        "release": release,
        "created": (created or datetime.now(UTC)).isoformat(timespec="seconds"),
        "verdict": verdict,
        "baseline": baseline,
        "chosen": chosen,
        "arms": [
            {
                "name": arm.name,
                "prompt_changed": arm.prompt_changed,
                "embedder_tuned": arm.embedder_tuned,
                "reranker_tuned": arm.reranker_tuned,
                "generator_tuned": arm.generator_tuned,
                "metrics": arm.metrics(),
                "comparisons": [one.to_json() for one in comparisons.get(arm.name, ())],
            }
            for arm in arms
        ],
        "references": [_retrieval_row(arm) for arm in references],
        "validation": [
            {**_retrieval_row(arm), "answer_score": arm.metrics()["generation"]["answer_score"]} for arm in validation
        ],
        "checks": checks,
        "curves": curves,
        "data": {title: flatten(figures, ": ") for title, figures in data.items()},
        "settings": flatten(settings),
        "fingerprints": fingerprints,
        "errors": errors,
        "estimate": estimate,
        "weak_questions": sum(record.weak for record in by_name[baseline].records),
        "answer_changes": count_changes(by_name[baseline], by_name[chosen]),
        "changed_answers": changed_answers(by_name[baseline], by_name[chosen]),
        **details,
    }
    found: dict[str, Any] = from_json(to_json(report, inf_nan_mode="null"))
    return found


def write_report(directory: Path, report: Mapping[str, Any], answers: Mapping[str, Any] | None = None) -> None:
    """Publish ``report.json``, ``report.html`` and ``report.md``; with answers side by side, these and their page."""
    if answers is not None:
        report = {**report, "side_by_side": {"page": PAGE, **{name: answers[name] for name in ("systems", "counts")}}}
        publish_json(directory / SIDE_BY_SIDE, answers)
        publish_bytes(directory / PAGE, render_answers(answers).encode())
    publish_json(directory / "report.json", report)
    publish_bytes(directory / "report.html", render_report(report).encode())
    publish_bytes(directory / "report.md", render_markdown(report).encode())


def render_report(report: Mapping[str, Any]) -> str:
    """The page, from the JSON value alone.

    Raises:
        ValueError: the report has another schema.
    """
    if report.get("schema") != SCHEMA:
        raise ValueError(f"found report schema {report.get('schema')!r}, expected {SCHEMA}: make the report again")
    arms = {arm["name"]: arm for arm in report["arms"]}
    compared = comparisons(report)
    template = environment().get_template("report.html.j2")
    page = template.render(
        report=report,
        summary=summary(report),
        turn=turn,
        baseline=arms[report["baseline"]],
        chosen=arms[report["chosen"]],
        compared=compared,
        tasks=task_lines(report),
        aimed=aimed_lines(target) if (target := report.get("target")) and target["questions"] else [],
        terms=TERMS,
        forest=forest([*compared.get(report["chosen"], {}).values()]),
        bars=[(arm["name"], stacked(arm["metrics"]["outcomes"])) for arm in report["arms"]],
        stacking=STACKING,
        confidence=[
            (one, curve(one["series"], one["marks"], (0.0, 1.0))) for one in confidence_curves(report.get("confidence"))
        ],
        plots=[(one, plot) for one in report["curves"] if (plot := curve(one["series"]))],
    )
    return page.lstrip()  # of the template's settings empty lines are left


def curves_from_events(events: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Plots of a run's events: for each stage its loss, and each metric measured on validation.

    An event counts if it has ``stage`` and ``step``; its ``loss`` is the training loss, and every
    figure named ``eval_...`` is a measurement on validation.
    """
    stages: dict[str, dict[str, dict[int, float]]] = {}
    for event in events:
        stage, step = event.get("stage"), event.get("step")
        if not isinstance(stage, str) or not isinstance(step, int):
            continue
        for name, value in event.items():
            wanted = name == "loss" or (name.startswith("eval_") and not name.endswith(("_runtime", "_per_second")))
            if wanted and isinstance(value, int | float) and not isinstance(value, bool):
                # A resumed run measures some steps again: the last one counts.
                stages.setdefault(stage, {}).setdefault(name, {})[step] = float(value)
    curves = []
    for stage, measured in stages.items():
        metrics = {name: [list(point) for point in sorted(points.items())] for name, points in measured.items()}
        losses = {name: points for name, points in metrics.items() if name in ("loss", "eval_loss")}
        labels = {"loss": "training", "eval_loss": "validation"}
        if losses:
            series = [{"label": labels[name], "points": points} for name, points in losses.items()]
            curves.append({"title": f"{stage.capitalize()}: loss", "y": "loss", "series": series})
        for name, points in metrics.items():
            if name not in losses:
                label = LABELS.get(name.removeprefix("eval_"), name.removeprefix("eval_").replace("_", " "))
                title = f"{stage.capitalize()}: {label} on validation"
                curves.append({"title": title, "y": label, "series": [{"label": "validation", "points": points}]})
    return curves


def flatten(values: Mapping[str, Any], separator: str = ".") -> dict[str, Any]:
    """Nested values under joined names, lists as JSON."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= {f"{key}{separator}{name}": one for name, one in flatten(value, separator).items()}
        else:
            flat[str(key)] = value if value is None or isinstance(value, str | int | float) else json.dumps(value)
    return flat


def _retrieval_row(arm: ArmResult) -> dict[str, Any]:
    metrics = arm.metrics()
    questions = sum(record.retrieval is not None for record in arm.records)
    return {"name": arm.name, "retrieval": metrics["retrieval"], "questions": questions}
