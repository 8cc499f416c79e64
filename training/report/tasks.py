"""A report's lines of tasks: each metric of each task, for every arm. From the report's JSON value alone."""

from collections.abc import Mapping
from typing import Any

from training.evaluation.comparison import task_label

TERMS = {
    "accuracy": "The share of questions with the right label.",
    "macro_f1": "The mean over the labels of the F1 of each, so that a rare label counts as much as a frequent one.",
    "field_f1": "How many of the fields' values were found, and how many of those found are right, in one figure (F1). "
    "An answer that is no JSON has found none.",
    "rouge_l": "How much of a summary stands in the reference in the same order, and the other way round (F1 of the "
    "longest common subsequence of words).",
    "answer_score": "As above, of the questions of this task alone.",
}
"""What the metrics mean, for people."""


def task_lines(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One line for each metric of each task.

    Returns:
        ``label``, ``metric``, ``kind``, ``n`` (questions of the task), and ``cells``: of each arm that was measured
        on it ``arm``, ``value`` and ``comparison`` (None for what the others are compared with).
    """
    lines: dict[str, dict[str, Any]] = {}
    for arm in report["arms"]:
        compared = {one["metric"]: one for one in arm["comparisons"]}
        for task, metrics in arm["metrics"].get("tasks", {}).items():
            for metric in metrics.keys() - {"kind", "questions"}:
                name = f"{metric}:{task}"
                line = lines.setdefault(
                    name,
                    {
                        "label": task_label(name),
                        "metric": metric,
                        "kind": metrics["kind"],
                        "n": metrics["questions"],
                        "cells": [],
                    },
                )
                line["cells"].append({"arm": arm["name"], "value": metrics[metric], "comparison": compared.get(name)})
    return [lines[name] for name in sorted(lines, key=lambda name: (name.partition(":")[2], name))]
