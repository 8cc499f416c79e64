"""A report as Markdown for a pull request, from its JSON value alone: verdict, arms, what is still wrong."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from training.report.aimed import aimed_lines
from training.report.compared import comparisons
from training.report.summary import summary
from training.report.tasks import task_lines

SIGNS = {"better": "▲", "worse": "▼", "unclear": ""}


def render_markdown(report: Mapping[str, Any]) -> str:
    """The first paragraph, the reasons, and the tables."""
    first, verdict, compared = summary(report), report["verdict"], comparisons(report)
    parts = [
        f"## Lockstep: {verdict['outcome']}",
        f"**{first.headline}.** {first.tried} {first.brings} What to do: {first.to_do}",
        "\n".join(f"- {_text(reason)}" for reason in verdict["reasons"]),
        _table(
            ("against " + report["baseline"], "nDCG@10", "answer score", "correct", "skipped", "made up", "n"),
            [_arm(arm, report["chosen"], compared.get(arm["name"], {})) for arm in report["arms"]],
        ),
    ]
    if tasks := task_lines(report):
        arms = [arm["name"] for arm in report["arms"]]
        parts.append(_table(("task", *arms, "n"), [_task(line, arms) for line in tasks]))
    if report.get("errors"):
        rows = [(one["bucket"], str(one["before"]), str(one["n"]), one["advice"]) for one in report["errors"]]
        parts.append(_table(("still wrong", "before", "now", "what usually helps"), rows))
    if (target := report.get("target")) and target["questions"]:
        columns = (f"of {target['questions']} validation questions", "system", "before", "now", "difference")
        parts.append(_table(columns, [_aimed(line) for line in aimed_lines(target)]))
    if estimate := report.get("estimate"):
        rows = [(one["stage"], *_took(one)) for one in [*estimate["stages"], {"stage": "all", **estimate}]]
        parts.append(_table(("stage", "estimated", "took", "GB estimated", "GB at most"), rows))
    parts.append(_beside(report))
    parts.append(f"Release `{report['release']}`, run `{report['run']}`, {report['created']}.")
    return "\n\n".join(filter(None, parts)) + "\n"


def _beside(report: Mapping[str, Any]) -> str:
    """In one line how many answers became right or wrong, and what an answer costs."""
    said = []
    if sides := report.get("side_by_side"):
        counts = sides["counts"]
        of = sum(counts.values())
        said.append(f"{counts.get('fixed', 0)} answers fixed, {counts.get('broken', 0)} broken (n = {of})")
    spent = report.get("efficiency") or {}
    if spent.get("times_dearer") is not None:
        said.append(f"tokens of an answer × {spent['times_dearer']:.2f}")
    if (latency := spent.get("latency")) and latency["times"] is not None:
        said.append(f"seconds × {latency['times']:.2f} (n = {latency['n']})")
        if again := latency.get("reranking"):
            said.append(f"reranking {again['with'] - again['without']:.0f} ms a question (n = {again['n']})")
    return f"{', '.join(said)}." if said else ""


def _arm(arm: Mapping[str, Any], chosen: str, compared: Mapping[str, Any]) -> Sequence[str]:
    metrics, outcomes = arm["metrics"], arm["metrics"]["outcomes"]
    return (
        f"**{arm['name']}**" if arm["name"] == chosen else arm["name"],
        _figure(metrics["retrieval"]["ndcg@10"], compared.get("ndcg@10")),
        _figure(metrics["generation"]["answer_score"], compared.get("answer_score")),
        *(str(outcomes[name]) for name in ("correct", "skipped", "hallucinated")),
        str(metrics["questions"]),
    )


def _task(line: Mapping[str, Any], arms: Sequence[str]) -> Sequence[str]:
    cells = {one["arm"]: one for one in line["cells"]}
    figures = (_figure(cells[arm]["value"], cells[arm]["comparison"]) if arm in cells else "-" for arm in arms)
    return line["label"], *figures, str(line["n"])


def _aimed(line: Mapping[str, Any]) -> Sequence[str]:
    counts = str(line["before"]), str(line["after"])
    return line["errors"], f"{line['system']} ({line['role']})", *counts, _difference(line)


def _figure(value: float | None, comparison: Mapping[str, Any] | None) -> str:
    if value is None:
        return "-"
    if comparison is None:
        return f"{value:.3f}"
    return f"{value:.3f} ({_difference(comparison)}) {SIGNS[comparison['direction']]}".rstrip()


def _difference(comparison: Mapping[str, Any]) -> str:
    if comparison["method"] == "rule of three":
        return "the same on every question"
    if comparison["low"] is None:
        return f"{comparison['difference']:+.3f}, no interval"
    return f"{comparison['difference']:+.3f} [{comparison['low']:+.3f}, {comparison['high']:+.3f}]"


def _took(one: Mapping[str, Any]) -> Sequence[str]:
    """Seconds and gigabytes, each as estimated and as they were."""
    seconds = [f"{one[name]:.0f} s" for name in ("seconds", "happened_seconds")]
    sizes = [one[name] for name in ("memory_bytes", "happened_memory_bytes")]
    return [*seconds, *("-" if size is None else f"{size / 1e9:.1f}" for size in sizes)]


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(_text, line))} |" for line in lines)


def _text(value: str) -> str:
    """Text that Markdown takes as it is, in a cell, too."""
    return " ".join(value.replace("|", "\\|").replace("<", "&lt;").split())
