"""``lockstep study``: what the best prompt does, before anything is trained."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.commands.common import HERE, JsonOption, Opened, WorkspaceOption, active_release, opened, own_searcher
from service.commands.evaluation import ColumnOption, ExamplesOption, interval, prepare

if TYPE_CHECKING:
    from retrieval.progress import Progress
    from retrieval.search import Searcher
    from training.data.preparation import Prepared
    from training.generator.generation import Generator
    from training.generator.remote import RemoteGenerator
    from training.releases.release import Release
    from training.study.cells import Cell, Mode

EXAMPLES, PASSAGES = (0, 1, 3), (2, 4)


class Way(StrEnum):
    """How an answer is come by, beside the direct way."""

    direct = "direct"
    chained = "chained"
    tools = "tools"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("study")(study)


def study(
    context: typer.Context,
    examples: ExamplesOption,
    prompt: Annotated[
        list[str] | None, typer.Option("--prompt", metavar="NAME", help="Of the library; default: all of them.")
    ] = None,
    shots: Annotated[
        list[int] | None, typer.Option("--shots", min=0, max=16, help="Worked examples shown; default: 0, 1 and 3.")
    ] = None,
    passages: Annotated[
        list[int] | None, typer.Option("--passages", min=1, max=50, help="Passages shown; default: 2 and 4.")
    ] = None,
    mode: Annotated[
        list[Way] | None,
        typer.Option(
            "--mode",
            help="Beside direct, which is always tried: chained (rewrite, search, answer, check), tools (the model "
            "searches); default: all that the model can do.",
        ),
    ] = None,
    column: ColumnOption = None,
    minutes: Annotated[float, typer.Option("--minutes", min=0.1, help="Time for it all.")] = 20.0,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Try prompts and ways to answer on the validation questions; the next retrain starts from the best prompt."""
    from retrieval.errors import InputError
    from retrieval.prompt_library import load_prompt, prompt_library
    from training.study.cells import matrix

    with opened(context, workspace, as_json) as here:
        release = active_release(here)
        directory, served = here.workspace.prompts, release.manifest.prompt
        names = prompt or prompt_library(directory)
        prompts = [load_prompt(name, directory, abstention=served.abstention) for name in names]
        cells = matrix(served, prompts, shots or EXAMPLES, passages or PASSAGES)
        with here.console.progress() as progress, own_searcher(here, release, progress) as searcher:
            prepared = prepare(here, searcher, examples, column or (), freeze=True)
            if not prepared.examples["validation"]:
                raise InputError("found no example in the validation split, expected some: add examples")
            result = _run(here, release, searcher, prepared, cells, mode, minutes, progress)
        here.console.finish(result, lambda: _show(here, result))


def _run(
    here: Opened,
    release: "Release",
    searcher: "Searcher",
    prepared: "Prepared",
    cells: "list[Cell]",
    ways: list[Way] | None,
    minutes: float,
    progress: "Progress",
) -> dict[str, Any]:
    from training.answering.demonstrations import Demonstrations
    from training.evaluation.cost import TokenPrice
    from training.releases.runtime import open_generator
    from training.study.demonstrating import demonstration_pool
    from training.study.results import PAGE, save_study
    from training.study.study import study as run
    from training.tasks.files import load_tasks

    tasks = load_tasks(here.workspace.tasks)
    training, manifest, price = here.settings.training, release.manifest, here.settings.generator.price_per_million
    pool = demonstration_pool(
        searcher,
        prepared.examples["train"],
        prepared.split,
        training.data,
        prompt=manifest.prompt,
        seed=training.seed,
        tasks=tasks,
    )
    generator = open_generator(here.workspace, release)
    generator.start()
    try:
        modes = _modes(ways, generator)
        figures, rows = run(
            cells,
            prepared.examples["validation"],
            prepared.split.group_of_example,
            searcher,
            generator,
            demonstrations=Demonstrations(pool, searcher.embedder.encode_questions),
            tasks=tasks,
            length=generator.count,
            max_new_tokens=manifest.max_new_tokens,
            minutes=minutes,
            modes=modes,
            price=TokenPrice(price.prompt, price.completion) if price else None,
            seed=training.seed,
            progress=progress,
        )
    finally:
        generator.stop()
    figures = {"release": release.id, **figures}
    saved = save_study(here.workspace, figures, rows, manifest, prepared.split.fingerprint)
    return {**figures, "saved": str(saved), "page": str(saved / PAGE)}


def _modes(wanted: list[Way] | None, generator: "Generator | RemoteGenerator") -> "list[Mode]":
    """The modes beside the direct one.

    Raises:
        ConfigurationError: the model's template has no place for tools, and they are asked for.
    """
    from retrieval.errors import ConfigurationError
    from training.study.tool_use import can_search

    modes: list[Mode] = ["chained"] if wanted is None or Way.chained in wanted else []
    if wanted is None or Way.tools in wanted:
        if can_search(generator):
            modes.append("tools")
        elif wanted is not None:
            raise ConfigurationError(
                "found a model that cannot be shown tools (its chat template leaves them out, or its server refuses "
                "them), expected one that can: leave --mode tools away, or set another model under [generator]"
            )
    return modes


def _show(here: Opened, result: dict[str, Any]) -> None:
    console, chosen = here.console, result["chosen"]
    console.table(
        ("", "n", "answer score", "correct", "skipped", "made up", "tokens in", "out", "seconds", *_priced(result)),
        [_row(one, result) for one in result["cells"]],
        title="Prompts on the validation questions, the best first",
    )
    if result["not_tried"]:
        console.write(f"not tried, for want of time: {'; '.join(result['not_tried'])}")
    unit = "tokens" if chosen["cost_per_thousand"] is None else "for 1,000"
    console.table(
        ("the best from so much on", f"a question ({unit})", "answer score"),
        [
            (one["cell"], f"{one['from']:.{0 if unit == 'tokens' else 2}f}", f"{one['answer_score']:.3f}")
            for one in result["budgets"]
        ],
    )
    found = result["comparison"]
    if chosen["cell"] == result["served"]:
        console.write(f"chosen: {chosen['cell']}, which is served already; nothing else is clearly better")
    else:
        console.write(
            f"chosen: {chosen['cell']}; against what is served {found['difference']:+.3f}, 95 % interval "
            f"{interval(found)}, on the questions that chose it"
        )
        console.write("the next `lockstep retrain` starts from it, and measures on the test questions what it brings")
    if beyond := result["beyond"]:
        console.write(
            f"best in another way: {beyond['cell']}, {beyond['candidate']:.3f} against {beyond['baseline']:.3f} of the "
            f"chosen one on the same {beyond['n']} questions; a release answers directly, so it is measured only"
        )
    console.write(f"saved in {result['saved']}; score over cost: {result['page']}")


def _priced(result: dict[str, Any]) -> tuple[str, ...]:
    return () if result["chosen"]["cost_per_thousand"] is None else ("cost of 1,000",)


def _row(one: dict[str, Any], result: dict[str, Any]) -> tuple[str, ...]:
    marks = ("*" if one["cell"] == result["chosen"]["cell"] else "") + (
        " (served)" if one["cell"] == result["served"] else ""
    )
    outcomes = one["outcomes"]
    cost = () if one["cost_per_thousand"] is None else (f"{one['cost_per_thousand']:.2f}",)
    return (
        f"{one['cell']}{marks}",
        str(one["questions"]),
        f"{one['answer_score']:.3f}",
        str(outcomes["correct"]),
        str(outcomes["skipped"]),
        str(outcomes["hallucinated"]),
        f"{one['prompt_tokens']:.0f}",
        f"{one['completion_tokens']:.0f}",
        f"{one['seconds']:.2f}",
        *cost,
    )
