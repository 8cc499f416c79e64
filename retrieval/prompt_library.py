"""The prompts that can be tried: those that come with Lockstep, and a workspace's own in ``prompts/``.

A template is a TOML file with ``system``, ``user`` and further fields of :class:`retrieval.prompt.Prompt`, which stay
as they are by default. Knows nothing about which of them is best.
"""

import re
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from retrieval.errors import ConfigurationError
from retrieval.prompt import Prompt
from retrieval.toml_files import first_fault, read_fields

SHIPPED = Path(__file__).parent / "prompts"
SUFFIX = ".toml"
NAMES = ("question", "passages", "examples", "abstention")
_LIKE_PLACEHOLDER = re.compile(r"\{([A-Za-z_]+)\}")


def prompt_library(directory: Path) -> dict[str, Path | None]:
    """Name to file of every template, a workspace's own last; it wins over a shipped one of its name.

    Args:
        directory: ``prompts/`` of the workspace, which need not exist.

    Returns:
        ``default`` has no file.
    """
    found: dict[str, Path | None] = {"default": None}
    for place in (SHIPPED, directory):
        found |= {file.stem: file for file in sorted(place.glob(f"*{SUFFIX}"))}
    return found


def load_prompt(name: str, directory: Path, **defaults: Any) -> Prompt:
    """A template of the library as a prompt.

    Args:
        directory: ``prompts/`` of the workspace.
        defaults: values of fields that the template leaves out.

    Raises:
        ConfigurationError: there is none of that name, or its file has a fault; the message names the line.
    """
    library = prompt_library(directory)
    if name not in library:
        near = get_close_matches(name, list(library), n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise ConfigurationError(
            f"found no prompt {name!r}{hint}, expected one of {', '.join(library)}, or a file "
            f"{directory / name}{SUFFIX}"
        )
    file = library[name]
    own = {key: value for key, value in _read(file).items() if key != "description"} if file else {}
    try:
        return Prompt(**{**defaults, **own, "name": name})
    except ValidationError as error:
        raise first_fault(file, error, otherwise="the default prompt") from error


def _read(file: Path) -> dict[str, Any]:
    """The fields of a template, its placeholders checked."""
    fields = read_fields(file, {"description", *Prompt.model_fields} - {"name"}, such_as='system = "..."')
    text = file.read_text(encoding="utf-8")
    for key, value in fields.items():
        if key in ("system", "user") and isinstance(value, str):
            fields[key] = value.strip("\n")
            _check_placeholders(file, text, key, value)
    return fields


def _check_placeholders(file: Path, text: str, key: str, value: str) -> None:
    allowed = NAMES if key == "user" else ("abstention",)
    for found in _LIKE_PLACEHOLDER.findall(value):
        if found not in allowed:
            line = text.count("\n", 0, text.index("{" + found + "}")) + 1
            near = get_close_matches(found, allowed, n=1)
            hint = f" (did you mean {{{near[0]}}}?)" if near else ""
            raise ConfigurationError(
                f"{file}, line {line}: found the placeholder {{{found}}} in `{key}`{hint}, expected only "
                + ", ".join(f"{{{name}}}" for name in allowed)
            )
