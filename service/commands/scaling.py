"""``lockstep scaling``: what twice the training data would bring."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.commands.common import HERE, JsonOption, Opened, WorkspaceOption, active_release, opened, own_searcher
from service.commands.evaluation import ColumnOption, ExamplesOption, prepare
from service.commands.tuning import Part

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from retrieval.search import Searcher
    from training.data.examples import Example
    from training.data.preparation import Prepared
    from training.releases.release import Release
    from training.scaling.curve import Component


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("scaling")(scaling)


def scaling(
    context: typer.Context,
    examples: ExamplesOption,
    component: Annotated[
        list[Part] | None, typer.Option("--component", help="What is trained; default: both that are enabled.")
    ] = None,
    share: Annotated[
        list[float] | None,
        typer.Option("--share", min=0.01, max=1.0, help="Of the training data; default: 1/8, 1/4, 1/2 and 1."),
    ] = None,
    column: ColumnOption = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Train on parts of the examples, measure on validation, and say what the next doubling would bring.

    Takes about twice as long as the trainings of `lockstep retrain`; nothing of them is kept.
    """
    from retrieval.errors import ConfigurationError, InputError
    from retrieval.files import publish_bytes, publish_json
    from training.scaling.curve import SHARES, in_words, scaling_curve
    from training.scaling.page import render_scaling

    with opened(context, workspace, as_json) as here:
        release, seed = active_release(here), here.settings.training.seed
        wanted = component or list(Part)
        if not _trained(here, wanted):
            raise ConfigurationError(
                f"found nothing to train ({' and '.join(wanted)} switched off under [training], or a generator that is "
                "behind a server), expected one: name another --component, or switch it on"
            )
        with here.console.progress() as progress, own_searcher(here, release, progress) as searcher:
            prepared = prepare(here, searcher, examples, column or (), freeze=False)
            if not prepared.examples["validation"]:
                raise InputError("found no example in the validation split, expected some: add examples")
            groups = prepared.split.group_of_example
            curves = [
                scaling_curve(
                    one,
                    [groups.get(example.id, example.id) for example in asked],
                    shares=share or SHARES,
                    seed=seed,
                    progress=progress,
                )
                for one, asked in _components(here, release, searcher, prepared, wanted)
            ]
        directory = here.workspace.state / "scaling"
        value = {
            "release": release.id,
            "curves": [{**one, "says": in_words(one)} for one in curves],
            "page": str(directory / "scaling.html"),
        }
        publish_json(directory / "scaling.json", value)
        publish_bytes(directory / "scaling.html", render_scaling(value).encode())
        here.console.finish(value, lambda: _show(here, value))


def _trained(here: Opened, wanted: list[Part]) -> list[Part]:
    """Of what is wanted, what is switched on and has its weights here."""
    training = here.settings.training
    on = {
        Part.embedder: training.embedder_enabled,
        Part.generator: training.generator_enabled and here.settings.generator.url is None,
    }
    return [part for part in Part if part in wanted and on[part]]


def _components(
    here: Opened, release: "Release", searcher: "Searcher", prepared: "Prepared", wanted: list[Part]
) -> "Iterator[tuple[Component[Any], Sequence[Example]]]":
    from service.bootstrap import retraining_bases
    from training.data.preparation import teacher_of
    from training.runs.prompting import asking
    from training.scaling.components import embedder_component, generator_component

    bases, training, manifest = (
        retraining_bases(here.workspace, here.settings),
        here.settings.training,
        release.manifest,
    )
    trained = _trained(here, wanted)
    if Part.embedder in trained:
        teacher = teacher_of(here.workspace, training.data)
        yield embedder_component(here.catalog, searcher, prepared, bases.embedder, training, teacher)
    if Part.generator in trained and bases.generator is not None:
        asked = asking(manifest.prompt, release.directory, manifest.tasks)
        yield generator_component(searcher, prepared, asked, bases.generator, manifest.max_new_tokens, training)


def _show(here: Opened, value: dict[str, Any]) -> None:
    for curve in value["curves"]:
        rows = [("0 (untouched)", f"{curve['untouched']:.3f}")]
        rows += [(str(point["rows"]), f"{point['score']:.3f}") for point in curve["points"]]
        here.console.table((f"{curve['component']}: rows", curve["metric"]), rows)
    for curve in value["curves"]:
        here.console.write(curve["says"])
    here.console.write(f"The curves: {value['page']}")
