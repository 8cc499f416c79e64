"""``lockstep demo``: the main job from beginning to end, on the documents of a maker of water-quality buoys."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

from retrieval.errors import ConfigurationError
from retrieval.progress import Progress
from retrieval.workspace import CONFIGURATION, Workspace
from service.bootstrap import ensure_release, retraining_bases
from service.commands.common import Opened, quoted
from service.commands.console import Console
from service.commands.evaluation import interval
from service.commands.index import take_in
from service.commands.retraining import listener
from service.commands.training_table import TrainingTable
from service.settings import load_settings

SOURCE = Path(__file__).resolve().parents[2] / "deploy" / "demo"
PLACE = "lockstep-demo"
MARKER = ".made-by-lockstep-demo"


def run(directory: Path, console: Console) -> int:
    """Ingest, retrain, show the figures and the verdict, and ask three questions of the release that answers then.

    Args:
        directory: where the demo's workspace is made, as ``lockstep-demo``; an earlier one is replaced.

    Returns:
        The exit status: 0 whatever the verdict is, since an honest "not better" is a result too.
    """
    started = time.monotonic()
    workspace = make_workspace(directory / PLACE)
    from retrieval.catalog import Catalog
    from training.releases.ledger import Ledger

    catalog = Catalog(workspace.catalog)
    try:
        here = Opened(workspace, load_settings(workspace.configuration), catalog, Ledger(catalog), console)
        with console.progress() as progress:
            taken = take_in(here, [workspace.root / "documents"], prune=False, progress=progress)
        ingested = taken.as_json()
        console.note(
            f"ingested {ingested['documents']['added']} documents in {ingested['chunks']} chunks "
            f"({ingested['seconds']:.0f} s); now retraining, which measures before and after; "
            f"the model that answers is {here.settings.generator.model}"
        )
        table = TrainingTable()
        with console.progress(above=table) as progress:
            result = _retrain(here, progress, table)
        answers = _ask(here, result)
    finally:
        catalog.close()
    seconds = time.monotonic() - started
    value = {
        "generator": here.settings.generator.model,
        "ingest": ingested,
        "retrain": result,
        "answers": answers,
        "seconds": round(seconds, 1),
    }
    console.finish(value, lambda: _show(console, workspace, value))
    return 0


def make_workspace(root: Path) -> Workspace:
    """A fresh workspace with the demo's settings, documents and examples.

    Raises:
        ConfigurationError: the directory holds something else, or this is no clone of the repository.
    """
    if not (SOURCE / "documents").is_dir():
        raise ConfigurationError(
            f"found no demo documents in {SOURCE}, expected a clone of the repository: run the demo from there"
        )
    if root.exists():
        if not (root / MARKER).is_file():
            raise ConfigurationError(f"found {root}, which the demo did not make; move it away, or use --workspace DIR")
        shutil.rmtree(root)
    root.mkdir(parents=True)
    (root / MARKER).touch()
    for name in ("documents", "examples"):
        shutil.copytree(SOURCE / name, root / name)
    shutil.copy(SOURCE / CONFIGURATION, root / CONFIGURATION)
    return Workspace(root)


def _retrain(here: Opened, progress: Progress, table: TrainingTable) -> dict[str, Any]:
    from training.runs.retrain import Request, retrain

    ensure_release(here.workspace, here.catalog, here.ledger, here.settings, progress=progress)
    return retrain(
        here.workspace,
        here.catalog,
        here.settings.index,
        here.settings.training,
        retraining_bases(here.workspace, here.settings),
        Request(tuple(sorted((here.workspace.root / "examples").glob("*.jsonl")))),
        progress=progress,
        listen=listener(here.console, table),
    )


def _ask(here: Opened, result: dict[str, Any]) -> list[dict[str, Any]]:
    """Ask the active release three test questions: two that it answered when measured (rightly, if it did), one
    that it rightly refused."""
    from service.commands.common import active_runtime
    from training.data.row_files import read_rows
    from training.evaluation.compared_systems import BASELINE
    from training.evaluation.evaluate import ArmResult

    rows = read_rows(here.workspace.runs / result["run"] / "test.jsonl", ArmResult)
    answering = result["chosen"] if result["active"] == result["release"] else BASELINE
    records = next(row for row in rows if row.name == answering).records
    answered = [one.question for one in records if one.outcome == "correct"]
    answered += [one.question for one in records if one.outcome == "wrong"]
    refused = [one.question for one in records if one.outcome == "correctly_abstained"]
    questions = [*answered[:2], *refused[:1]] or [records[0].question]
    asked = []
    with active_runtime(here, with_generator=True, question=questions[0]) as runtime:
        for question, answer in zip(questions, runtime.answerer.answer_batch(questions), strict=True):
            citations = [{"document_id": one.document_id, "quote": one.quote} for one in answer.citations]
            asked.append(
                {
                    "question": question,
                    "answer": answer.text,
                    "abstained": answer.abstained,
                    "citations": citations,
                    "release": answer.release,
                }
            )
    return asked


def _show(console: Console, workspace: Workspace, value: dict[str, Any]) -> None:
    result = value["retrain"]
    report = json.loads((Path(result["report"]).with_suffix(".json")).read_bytes())
    console.write()
    console.table(
        ("", "nDCG@10", "recall@1", "answer score", "abstained rightly", "skipped", "made up", "n"),
        [_row(arm) for arm in report["arms"]],
        title="The test questions, on documents that no part was trained on",
    )
    console.write()
    console.table(
        ("against untouched", "nDCG@10", "answer score"),
        [(arm["name"], *_differences(arm)) for arm in report["arms"] if arm["comparisons"]],
        title="Difference with its paired 95 % interval",
    )
    console.write()
    console.write(f"Verdict: {result['verdict']} ({result['chosen']}, chosen on validation)")
    for reason in result["reasons"]:
        console.write(f"  - {reason}")
    console.write(f"Report: {result['report']}")
    console.write()
    console.write(
        "Of the test questions, two that were answered and one rightly refused, asked of the release that answers now "
        f"(model: {value['generator']}):"
    )
    for one in value["answers"]:
        console.write(f"  Q: {one['question']}")
        console.write(f"  A: {one['answer']}   ({one['release']})")
        for citation in one["citations"]:
            console.write(f"     from {citation['document_id']}: {quoted(citation['quote'])}")
    console.write()
    console.write(f"The whole job took {value['seconds'] / 60:.1f} minutes. Ask more of it:")
    console.write(f'  lockstep ask --workspace {workspace.root} "How deep may the Petrel 3 Lite go?"')
    console.write(f"  lockstep serve --workspace {workspace.root}")


def _row(arm: dict[str, Any]) -> tuple[str, ...]:
    metrics, outcomes = arm["metrics"], arm["metrics"]["outcomes"]
    unanswerable = outcomes["hallucinated"] + outcomes["correctly_abstained"]
    answerable = sum(outcomes.values()) - unanswerable
    return (
        arm["name"],
        f"{metrics['retrieval']['ndcg@10']:.3f}",
        f"{metrics['retrieval']['recall@1']:.3f}",
        f"{metrics['generation']['answer_score']:.3f}",
        f"{outcomes['correctly_abstained']} of {unanswerable}",
        f"{outcomes['skipped']} of {answerable}",
        f"{outcomes['hallucinated']} of {unanswerable}",
        str(metrics["questions"]),
    )


def _differences(arm: dict[str, Any]) -> list[str]:
    by_metric = {one["metric"]: one for one in arm["comparisons"]}
    cells = []
    for metric in ("ndcg@10", "answer_score"):
        one = by_metric.get(metric)
        cells.append("not known" if one is None else f"{one['difference']:+.3f} {interval(one)}")
    return cells
