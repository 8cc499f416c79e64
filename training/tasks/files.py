"""Tasks as TOML files: ``tasks/NAME.toml`` in a workspace."""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from retrieval.errors import ConfigurationError
from retrieval.toml_files import first_fault, place, read_fields, refuse_unknown
from training.tasks.conversion import Conversion
from training.tasks.task import Task

SUFFIX = ".toml"
CONVERT = "convert"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
M = TypeVar("M", bound=BaseModel)


def load_tasks(directory: Path) -> dict[str, Task]:
    """Name to task of every file in a folder, which need not exist.

    Raises:
        ConfigurationError: a file has a fault; the message names the line.
    """
    return {file.stem: load_task(file) for file in sorted(directory.glob(f"*{SUFFIX}"))}


def load_task(file: Path) -> Task:
    """A task.

    Raises:
        ConfigurationError: the file has a fault.
    """
    if not _NAME.fullmatch(file.stem):
        raise ConfigurationError(
            f"found the task's name {file.stem!r} ({file}), expected letters, digits, and . _ - after the first: "
            "rename the file"
        )
    return _model(file, Task, {key: value for key, value in _read(file).items() if key != CONVERT})


def load_conversion(file: Path) -> Conversion:
    """The ``[convert]`` table of a task's file.

    Raises:
        ConfigurationError: it has none, or one with a fault.
    """
    table = _read(file).get(CONVERT)
    if not isinstance(table, dict):
        raise ConfigurationError(
            f'{file}: found no [{CONVERT}] table, expected one that names columns, such as question = "title"'
        )
    refuse_unknown(file, table, Conversion.model_fields)
    return _model(file, Conversion, table)


def find_task(name: str, tasks: Mapping[str, Task], where: str) -> Task:
    """A task by its name.

    Args:
        where: whose tasks they are, for the message.

    Raises:
        ConfigurationError: there is none of that name.
    """
    if name not in tasks:
        near = get_close_matches(name, tasks, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        known = f"one of {', '.join(tasks)}" if tasks else "a file tasks/NAME.toml, which a release made after it has"
        raise ConfigurationError(f"found no task {name!r}{hint} in {where}, expected {known}")
    return tasks[name]


def _read(file: Path) -> dict[str, Any]:
    known: Sequence[str] = [*Task.model_fields, CONVERT]
    return read_fields(file, known, such_as='kind = "classification"')


def _model(file: Path, model: type[M], fields: Mapping[str, Any]) -> M:
    missing = next((name for name, one in model.model_fields.items() if one.is_required() and name not in fields), None)
    if missing is not None and missing != "abstains":
        where = place(file, CONVERT) if model is Conversion else str(file)
        raise ConfigurationError(f"{where}: found no `{missing}`, expected it")
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise first_fault(file, error) from error
