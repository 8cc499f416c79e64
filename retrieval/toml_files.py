"""Small TOML files that people write: every fault is told with the file and the line it stands on."""

import re
import tomllib
from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from retrieval.errors import ConfigurationError


def read_fields(file: Path, known: Collection[str], *, such_as: str) -> dict[str, Any]:
    """The fields of a file, all of them known.

    Args:
        such_as: a line as it might stand there, shown where the file is no TOML.

    Raises:
        ConfigurationError: it cannot be read, is no TOML, or has a key that is not known.
    """
    try:
        fields = tomllib.loads(file.read_bytes().decode("utf-8"))
    except OSError as error:
        do = "check who may read it" if isinstance(error, PermissionError) else "check the path"
        raise ConfigurationError(f"cannot read {file} ({error.strerror}), expected a TOML file: {do}") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"{file}, line {line}: found bytes that are not UTF-8; save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(
            f"{file}: found text that is not TOML: {error}; expected lines such as `{such_as}`"
        ) from error
    refuse_unknown(file, fields, known)
    return fields


def refuse_unknown(file: Path, fields: Collection[str], known: Collection[str]) -> None:
    """Check that every key is known.

    Raises:
        ConfigurationError: one is not; the message says which it may be meant for.
    """
    for key in fields:
        if key not in known:
            near = get_close_matches(key, sorted(known), n=1)
            hint = f" (did you mean `{near[0]}`?)" if near else ""
            raise ConfigurationError(
                f"{place(file, key)}: found unknown key `{key}`{hint}; expected one of: {', '.join(sorted(known))}"
            )


def first_fault(file: Path | None, error: ValidationError, *, otherwise: str = "") -> ConfigurationError:
    """What pydantic found first, with its line.

    Args:
        file: None where the fields come from no file.
        otherwise: how to name where they come from then.
    """
    fault = error.errors(include_url=False)[0]
    key = str(fault["loc"][0]) if fault["loc"] else ""
    message = fault["msg"].removeprefix("Value error, ")
    where = otherwise if file is None else place(file, key)
    return ConfigurationError(": ".join(filter(None, (where, key, f"{message[0].lower()}{message[1:]}"))))


def place(file: Path, key: str) -> str:
    """The file, and the line that a key or a table begins on."""
    named = rf"[\"']?{re.escape(key)}[\"']?"
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if key and re.match(rf"\s*(?:{named}\s*=|\[(?:\w+\.)?{named}\]|{named}\.)", line):
            return f"{file}, line {number}"
    return str(file)
