"""``lockstep dataset``: the rows that retraining would train on, to look at before it does."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from service.commands.common import HERE, JsonOption, Opened, WorkspaceOption, active_release, opened, own_searcher
from service.commands.estimates import show_estimate
from service.commands.evaluation import AcceptOption, ColumnOption, ExamplesOption, prepare

if TYPE_CHECKING:
    from retrieval.progress import Progress
    from retrieval.search import Searcher
    from training.data.contrastive import ContrastiveRow
    from training.data.examples import Example, SplitName
    from training.data.preparation import Prepared
    from training.data.summary import Row
    from training.data.supervised import SupervisedRow
    from training.releases.release import Release

SPLITS: "tuple[SplitName, ...]" = ("train", "validation")
"""Of the test split no rows are built."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("dataset")(dataset)


def dataset(
    context: typer.Context,
    examples: ExamplesOption,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where to save; default: below .lockstep/datasets.")
    ] = None,
    column: ColumnOption = None,
    accept_test_changes: AcceptOption = False,
    estimated: Annotated[
        bool, typer.Option("--estimate", help="Try a few steps of each training, and tell what a retraining will cost.")
    ] = False,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Build the training rows with the active release's retriever, show their figures, and save them."""
    from dataclasses import asdict

    from training.data.preparation import contrastive_rows, supervised_rows, teacher_of
    from training.data.summary import example_balance, save
    from training.tasks.files import load_tasks

    with opened(context, workspace, as_json) as here:
        release = active_release(here)
        training = here.settings.training
        data, seed, tasks = training.data, training.seed, load_tasks(here.workspace.tasks)
        with here.console.progress() as progress, own_searcher(here, release, progress) as searcher:
            prepared = prepare(here, searcher, examples, column or (), accept_test_changes=accept_test_changes)
            rows: dict[str, dict[str, Sequence[Row]]] = {"contrastive": {}, "supervised": {}}
            stats: dict[str, dict[str, Any]] = {"contrastive": {}, "supervised": {}}
            teacher = teacher_of(here.workspace, data)
            for done, name in enumerate(SPLITS):
                progress("building rows", done, len(SPLITS))
                own = prepared.examples[name]
                mined, mining = contrastive_rows(searcher, own, prepared.split, data, teacher=teacher)
                built, building = supervised_rows(
                    searcher, own, prepared.split, release.manifest.prompt, data, seed=seed, tasks=tasks
                )
                rows["contrastive"][name], stats["contrastive"][name] = mined, asdict(mining)
                rows["supervised"][name], stats["supervised"][name] = built, asdict(building)
            progress("building rows", len(SPLITS), len(SPLITS))
            estimate = None
            if estimated:
                mined = cast("list[ContrastiveRow]", rows["contrastive"]["train"])
                estimate = _estimate(here, release, searcher, prepared, mined, progress)
        directory = out or here.workspace.state / "datasets" / time.strftime("%Y%m%d-%H%M%S")
        value: dict[str, Any] = {
            "release": release.id,
            "examples": prepared.split.counts(),
            "documents": asdict(prepared.links),
            "unassigned": dict(prepared.split.unassigned),
            "balance": example_balance(prepared.examples, prepared.split.group_of_example),
            "saved": {},
            "estimate": estimate,
        }
        for kind, own_rows in rows.items():
            if not any(own_rows.values()):
                here.console.warn(f"found no {kind} rows, expected some: none of the examples of train gives one")
                value[kind] = None
                continue
            summary = _summary(here, release, kind, own_rows, prepared.examples["train"], seed)
            save({name: own for name, own in own_rows.items() if own}, directory / kind)
            value[kind] = summary | {"built": stats[kind]}
            value["saved"][kind] = str(directory / kind)
        here.console.finish(value, lambda: _show(here, value))


def _estimate(
    here: Opened,
    release: "Release",
    searcher: "Searcher",
    prepared: "Prepared",
    contrastive: "list[ContrastiveRow]",
    progress: "Progress",
) -> dict[str, Any]:
    """What a retraining of these examples with these settings will take."""
    from service.bootstrap import retraining_bases
    from training.data.preparation import measured
    from training.runs.estimating import estimate_run
    from training.tasks.files import load_tasks

    training = here.settings.training
    return estimate_run(
        here.workspace,
        here.catalog,
        release,
        retraining_bases(here.workspace, here.settings),
        searcher,
        measured(prepared, training.data, seed=training.seed),
        prepared.split,
        contrastive,
        training,
        load_tasks(here.workspace.tasks),
        progress,
    )


def _summary(
    here: Opened,
    release: "Release",
    kind: str,
    rows: "dict[str, Sequence[Row]]",
    examples: "Sequence[Example]",
    seed: int,
) -> dict[str, Any]:
    """The figures of one kind, in the tokens of the model that reads it; of training rows also what is doubtful."""
    from training.data.quality import quality
    from training.data.summary import summarise
    from training.releases.runtime import generator_directory, open_embedder

    if kind == "contrastive":
        from tokenizers import Tokenizer

        embedder = open_embedder(here.workspace, release)
        own = Tokenizer.from_file(str(embedder.tokenizer_path))
        own.no_truncation()
        own.no_padding()
        return summarise(rows, count=lambda text: len(own.encode(text).ids), token_limit=embedder.max_tokens, seed=seed)
    count: Callable[[str], int]
    length: Callable[[SupervisedRow], int] | None = None
    if release.manifest.generator.url is not None:
        from training.generator.remote import RemoteGenerator

        server = RemoteGenerator(release.manifest.generator.url, release.manifest.generator.model)
        limit, count = server.max_context, server.count
    else:
        from training.generator.files import load_tokenizer
        from training.generator.rows import encode_row, longest_row

        directory = generator_directory(here.workspace, release)
        tokenizer = load_tokenizer(directory)
        limit = longest_row(directory, tokenizer, here.settings.training.generator.max_length)

        def tokens_of(text: str) -> int:
            return len(tokenizer(text, add_special_tokens=False)["input_ids"])

        def encoded(row: "SupervisedRow") -> int:
            return len(encode_row(tokenizer, row).input_ids)

        count, length = tokens_of, encoded

    doubtful = quality(
        cast("Sequence[SupervisedRow]", rows["train"]),
        {one.id: one for one in examples},
        lambda row: length is not None and length(row) > limit,
    )
    return summarise(rows, count=count, length=length, token_limit=limit, seed=seed) | {"quality": doubtful}


def _show(here: Opened, value: dict[str, Any]) -> None:
    console = here.console
    counts = ", ".join(f"{count} {name}" for name, count in value["examples"].items())
    links = value["documents"]
    console.write(f"examples: {counts}; {len(value['unassigned'])} in no split")
    console.write(
        f"documents: {links['given']} examples name them, {links['linked'] + links['known']} were found by retrieval "
        f"(weak), {len(links['unlinked'])} not found"
    )
    for name, own in value["balance"].items():
        tasks = f"; tasks: {_spread(own['tasks'])}" if own["tasks"] else ""
        console.write(
            f"{name}: {own['unanswerable_share']:.1%} unanswerable; {own['groups']} groups of documents, the largest "
            f"with {own['largest_group']} questions{tasks}"
        )
    for kind in ("contrastive", "supervised"):
        if value[kind] is not None:
            _show_kind(here, kind, value[kind], value["saved"][kind])
    if value["estimate"] is not None:
        show_estimate(console, value["estimate"])


def _show_kind(here: Opened, kind: str, figures: dict[str, Any], saved: str) -> None:
    console, tokens = here.console, figures["tokens"]
    rows = [("rows", ", ".join(f"{count} {name}" for name, count in figures["rows"].items()))]
    rows.append(("tokens", ", ".join(f"{name} {tokens[name]}" for name in ("mean", "median", "p95", "longest"))))
    rows.append(("histogram", _spread(dict(tokens["histogram"]))))
    rows.append(("truncated", f"{figures['truncated']} (limit {figures['token_limit']})"))
    rows.append(("duplicates", str(figures["duplicates"])))
    rows.append(("weak", str(figures["weak"])))
    if figures["unanswerable_share"] is not None:
        rows.append(("unanswerable", f"{figures['unanswerable_share']:.1%}"))
        rows.append(("must abstain", f"{figures['abstention_share']:.1%}"))
    rows += [(name.replace("_", " "), _spread(values)) for name, values in figures["balance"].items()]
    built = figures["built"]["train"]
    for name in ("methods", "made", "dropped", "left_out"):
        if built.get(name):
            rows.append((name.replace("_", " "), _spread(built[name])))
    if built.get("skipped"):
        rows.append(("examples skipped", _spread({reason: len(ids) for reason, ids in built["skipped"].items()})))
    console.table((kind, ""), rows)
    _show_quality(here, figures.get("quality"))
    console.write("samples")
    for sample in figures["samples"]:
        console.write(f"  [{sample['split']}] {_sample(sample)}")
    console.write(f"saved in {saved}")
    console.write()


def _show_quality(here: Opened, found: dict[str, Any] | None) -> None:
    if not found or not found["worst"]:
        return
    here.console.write(f"doubtful: {_spread(found['doubts'])}; look at these first:")
    for one in found["worst"]:
        here.console.write(f"  {one['example_id']}: {one['question']!r} → {one['answer']!r}")
        for reason in one["reasons"]:
            here.console.write(f"    {reason}")


def _sample(row: dict[str, Any]) -> str:
    if "anchor" in row:
        return f"{row['anchor']!r} → {row['positive_id']}, against {', '.join(row['negative_ids']) or 'nothing'}"
    question = row["messages"][-1]["content"].rsplit("Question: ", 1)[-1]
    return f"{question!r} over {', '.join(row['passages']) or 'nothing'} → {row['completion']!r}"


def _spread(values: dict[str, int]) -> str:
    return ", ".join(f"{name}: {count}" for name, count in values.items()) or "-"
