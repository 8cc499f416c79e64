"""Small TOML files that people write: every fault is told with the file and the line it stands on."""

import re
import tomllib
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from retrieval.errors import ConfigurationError


def read_toml(file: Path, *, such_as: str) -> dict[str, Any]:
    """What a file holds.

    Args:
        such_as: a line as it might stand there, shown where the file is no TOML.

    Raises:
        ConfigurationError: it cannot be read, or is no TOML.
    """
    text = ""
    try:
        text = file.read_bytes().decode("utf-8")
        return tomllib.loads(text)
    except OSError as error:
        raise ConfigurationError(
            f"cannot read {file} ({error.strerror}), expected a TOML file: check the path, and who may read it"
        ) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"{file}, line {line}: found bytes that are not UTF-8; save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        fault = str(error).replace("at end of document", f"at line {len(text.splitlines())}, its end")
        raise ConfigurationError(
            f"{file}: found text that is not TOML: {fault}; expected lines such as `{such_as}`"
        ) from error


def read_fields(file: Path, known: Collection[str], *, such_as: str) -> dict[str, Any]:
    """The fields of a file, all of them known.

    Raises:
        ConfigurationError: as of :func:`read_toml`, or it has a key that is not known.
    """
    fields = read_toml(file, such_as=such_as)
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
    where = otherwise if file is None else place(file, key)
    if fault["type"] == "value_error":  # a check of ours, which says what it found
        said = fault["msg"].removeprefix("Value error, ")
    else:
        named = ".".join(map(str, fault["loc"]))
        said = f"found {named} = {shown(fault['input'])}, {expected(fault)}"
        key = ""
    return ConfigurationError(": ".join(filter(None, (where, key, said))))


def shown(value: object) -> str:
    """A value as a message shows it."""
    found = repr(value)
    return found if len(found) <= 60 else f"{found[:57]}..."


def expected(fault: Mapping[str, Any]) -> str:
    """What pydantic says of a fault, in the words of TOML."""
    said = (
        fault["msg"]
        .removeprefix("Value error, ")
        .removeprefix("Input should be ")
        .replace("a valid tuple", 'a list, such as ["a", "b"]')
    )
    return f"expected {said}" if fault["msg"].startswith("Input") else f"{said[0].lower()}{said[1:]}"


def place(file: Path, key: str) -> str:
    """The file, and the line that a key or a table begins on."""
    named = rf"[\"']?{re.escape(key)}[\"']?"
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if key and re.match(rf"\s*(?:{named}\s*=|\[(?:\w+\.)?{named}\]|{named}\.)", line):
            return f"{file}, line {number}"
    return str(file)
