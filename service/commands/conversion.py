"""``lockstep examples convert``: a table of any columns into examples of a task."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.commands.common import JsonOption, console_of
from service.commands.console import Console

if TYPE_CHECKING:
    from training.data.converting.convert import Converted


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("convert")(convert)


def convert(
    context: typer.Context,
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE",
            show_default=False,
            help="JSON Lines, a JSON array, CSV, TSV, XLSX, Parquet, or a folder that `datasets` has saved.",
        ),
    ],
    task: Annotated[
        Path, typer.Option("--task", metavar="FILE", help="The task's file, with a [convert] table: tasks/NAME.toml.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", dir_okay=False, help="Where the examples go.")
    ] = None,
    preview: Annotated[
        int | None, typer.Option("--preview", min=1, metavar="N", help="Show the first N examples; write none.")
    ] = None,
    split: Annotated[
        str | None, typer.Option("--split", metavar="COLUMN", help="The column that says train, validation or test.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Turn a table into examples of a task: all of its rows, or none where some cannot be."""
    if (output is None) == (preview is None):
        raise typer.BadParameter(f"found {'both' if output else 'neither'} of --output and --preview, expected one")
    from retrieval.files import publish_rows
    from training.data.converting.convert import convert as run
    from training.tasks.files import load_conversion, load_task

    console = console_of(context, as_json)
    conversion = load_conversion(task)
    if split is not None:
        conversion = conversion.model_copy(update={"split": split})
    found = run(source, task.stem, load_task(task), conversion, warn=console.warn)
    if output is not None:
        publish_rows(output, found.rows)
    value = _value(found, task.stem, preview) | ({"output": str(output)} if output is not None else {})
    console.finish(value, lambda: _show(console, value))


def _value(found: "Converted", task: str, preview: int | None) -> dict[str, Any]:
    from collections import Counter

    splits = Counter(row["split"] for row in found.rows if "split" in row)
    value: dict[str, Any] = {
        "task": task,
        "examples": len(found.rows),
        "repeated": found.repeated,
        "splits": dict(splits),
        "without_documents": sum("document_ids" not in row for row in found.rows),
    }
    return value | ({"preview": found.rows[:preview]} if preview is not None else {})


def _show(console: Console, value: dict[str, Any]) -> None:
    for row in value.get("preview", ()):
        console.write(json.dumps(row, ensure_ascii=False, indent=2))
    splits = ", ".join(f"{count} {name}" for name, count in value["splits"].items()) or "no split stated"
    console.write(f"{value['examples']} examples of the task {value['task']}: {splits}")
    if value["repeated"]:
        console.write(f"{value['repeated']} rows repeat an earlier one word for word and were left out")
    if value["without_documents"]:
        console.write(f"{value['without_documents']} name no document: retrieval will find theirs")
    if "output" in value:
        console.write(f"written to {value['output']}")
