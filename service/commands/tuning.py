"""``lockstep tune``: which settings of a training do best on validation."""

import hashlib
import json
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.commands.common import HERE, JsonOption, Opened, WorkspaceOption, active_release, opened, own_searcher
from service.commands.evaluation import ColumnOption, ExamplesOption, prepare

if TYPE_CHECKING:
    from pathlib import Path

    from retrieval.search import Searcher
    from training.data.preparation import Prepared
    from training.releases.release import Release
    from training.tuning.search import Train

METRICS = {"embedder": "nDCG@10", "generator": "answer score"}


class Part(StrEnum):
    """What is trained."""

    embedder = "embedder"
    generator = "generator"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("tune")(tune)


def tune(
    context: typer.Context,
    examples: ExamplesOption,
    component: Annotated[Part, typer.Option("--component", help="Whose training is tuned.")] = Part.embedder,
    minutes: Annotated[float, typer.Option("--minutes", min=0.1, help="Time for it all.")] = 60.0,
    trials: Annotated[
        int | None, typer.Option("--trials", min=1, help="Trainings begun at most; default: as time allows.")
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Write the best settings into lockstep.toml.")] = False,
    column: ColumnOption = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Search for a training's best settings on the validation questions; call it again, or twice, to go on."""
    from training.tuning.search import expect_optuna

    expect_optuna()
    with opened(context, workspace, as_json) as here:
        from retrieval.errors import InputError
        from retrieval.files import publish_bytes, publish_json
        from training.data.sampling import spread
        from training.tuning.configuration import as_toml, with_changes
        from training.tuning.page import render_tuning
        from training.tuning.search import search
        from training.tuning.space import changes, configured, space_around

        release, training = active_release(here), here.settings.training
        with here.console.progress() as progress, own_searcher(here, release, progress) as searcher:
            prepared = prepare(here, searcher, examples, column or (), freeze=True)
            own, groups = prepared.examples, prepared.split.group_of_example
            validation = spread(own["validation"], groups, training.data.most_validation, seed=training.seed)
            measured = [one for one in validation if one.document_ids or component is Part.generator]
            if not measured or not own["train"]:
                known = " whose documents are known" if component is Part.embedder else ""
                raise InputError(
                    f"found no example in the train split, or none{known} in the validation split, expected some: add "
                    "examples"
                )
            prepared = replace(prepared, examples={**own, "validation": validation})
            directory = here.workspace.state / "tuning" / _name(here, release, component, prepared)
            directory.mkdir(parents=True, exist_ok=True)
            found = search(
                space_around(component.value, training),
                configured(component.value, training),
                _training(here, release, component, searcher, prepared, directory),
                directory,
                name=component.value,
                minutes=minutes,
                trials=trials,
                seed=training.seed,
                progress=progress,
            )
        changed = changes(training, found["best"]["settings"])
        tried = len(found["trials"])
        value = {
            "component": component.value,
            "metric": METRICS[component],
            "questions": len(measured),
            **found,
            "caution": f"It is the best of {tried} on the same {len(measured)} validation questions, which flatters "
            "it: what it is worth, `lockstep retrain` measures on the test questions.",
            "toml": as_toml(changed),
            "written": write,
            "page": str(directory / "tuning.html"),
        }
        publish_json(directory / "tuning.json", value)
        publish_bytes(directory / "tuning.html", render_tuning(value).encode())
        if write:
            path = here.workspace.configuration
            publish_bytes(path, with_changes(path.read_text(encoding="utf-8"), changed).encode())
        here.console.finish(value, lambda: _show(here, value))


def _name(here: Opened, release: "Release", component: Part, prepared: "Prepared") -> str:
    """Of the search: another release, other models, examples or settings begin another one."""
    settings, own = here.settings, prepared.examples
    about = [
        release.id,
        [one.model_dump(mode="json") for one in (settings.embedder, settings.generator, settings.training)],
        sorted((one.id, one.question, split) for split in ("train", "validation") for one in own[split]),
    ]
    return f"{component.value}-{hashlib.sha256(json.dumps(about).encode()).hexdigest()[:12]}"


def _training(
    here: Opened,
    release: "Release",
    component: Part,
    searcher: "Searcher",
    prepared: "Prepared",
    directory: "Path",
) -> "Train":
    from retrieval.errors import ConfigurationError
    from retrieval.prompt import Prompt
    from service.bootstrap import retraining_bases
    from training.data.preparation import teacher_of
    from training.runs.prompting import asking, start_from
    from training.tasks.files import load_tasks
    from training.tuning.components import EmbedderTrials, GeneratorTrials, Materials

    bases, training = retraining_bases(here.workspace, here.settings), here.settings.training
    materials = Materials(here.catalog, searcher, prepared.examples, prepared.split, training)
    if component is Part.embedder:
        return EmbedderTrials(materials, bases.embedder, teacher_of(here.workspace, training.data))
    if bases.generator is None:
        raise ConfigurationError(
            "found a generator behind a server, expected one whose weights are here: name a local model under "
            "[generator], or tune the embedder"
        )
    tasks = load_tasks(here.workspace.tasks)
    found = start_from(
        here.workspace, release, searcher, prepared.examples["train"], prepared.split, training, directory, tasks
    )
    prompt = asking(Prompt.model_validate(found["prompt"]), directory, tasks)
    return GeneratorTrials(materials, bases.generator, prompt, release.manifest.max_new_tokens)


def _show(here: Opened, value: dict[str, Any]) -> None:
    console, best, first = here.console, value["best"], value["first"]
    console.write(
        f"{value['finished']} trials finished, {value['ended early']} were ended early, {value['failed']} failed"
    )
    against = f", the configured settings {first['value']:.3f}" if first else ""
    console.write(f"best: trial {best['number']}, {value['metric']} {best['value']:.3f}{against}")
    console.write(value["caution"])
    if value["importance"]:
        console.table(
            ("what mattered", "share"), [(name, f"{share:.0%}") for name, share in value["importance"].items()]
        )
    console.write(value["toml"].rstrip())
    console.write(
        f"{'written into lockstep.toml' if value['written'] else 'paste it into lockstep.toml, or say --write'}; "
        f"curve and trials: {value['page']}"
    )
