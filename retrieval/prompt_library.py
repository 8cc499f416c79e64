"""The prompts that can be tried: those that come with Lockstep, and a workspace's own in ``prompts/``.

A template is a TOML file with ``system``, ``user`` and further fields of :class:`retrieval.prompt.Prompt`, which stay
as they are by default. Knows nothing about which of them is best.
"""

import re
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from retrieval.errors import ConfigurationError
from retrieval.prompt import Prompt

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
        fault = error.errors(include_url=False)[0]
        key = str(fault["loc"][0])
        raise ConfigurationError(f"{_place(file, key)}: {key}: {fault['msg'][0].lower()}{fault['msg'][1:]}") from error


def _read(file: Path) -> dict[str, Any]:
    """The fields of a template, its placeholders checked."""
    try:
        text = file.read_bytes().decode("utf-8")
        fields = tomllib.loads(text)
    except OSError as error:
        raise ConfigurationError(f"cannot read {file} ({error.strerror}): check who may read it") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"{file}, line {line}: found bytes that are not UTF-8; save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(
            f'{file}: found text that is not TOML: {error}; expected lines such as `system = "..."`'
        ) from error
    known = {"description", *Prompt.model_fields} - {"name"}
    for key, value in fields.items():
        if key not in known:
            near = get_close_matches(key, sorted(known), n=1)
            hint = f" (did you mean `{near[0]}`?)" if near else ""
            raise ConfigurationError(
                f"{_place(file, key)}: found unknown key `{key}`{hint}; expected one of: {', '.join(sorted(known))}"
            )
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


def _place(file: Path | None, key: str) -> str:
    """The file, and the line that a key begins on."""
    if file is None:
        return "the default prompt"
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line):
            return f"{file}, line {number}"
    return str(file)
