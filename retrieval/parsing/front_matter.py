"""Front matter: the YAML or TOML at the head of a text file, read within bounds and without aliases."""

import re
import warnings
from typing import Any

from retrieval.errors import DocumentWarning

_FRONT_MATTER = re.compile(r"\A(---|\+\+\+)[ \t]*\n(.{0,65536}?)^\1[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_MAX_DEPTH = 32


def split_front_matter(text: str) -> tuple[str, dict[Any, Any]]:
    """The text below the front matter, and its fields.

    Front matter that cannot be read stays in the text, with a warning; what only looks like it (text between two
    rules) stays without one.
    """
    match = _FRONT_MATTER.match(text)
    if match is None:
        return text, {}
    try:
        fields = _yaml(match[2]) if match[1] == "---" else _toml(match[2])
    except MemoryError:
        raise
    except Exception as error:  # the loaders let errors of every kind through for values that they cannot convert
        warnings.warn(
            DocumentWarning(f"found front matter that cannot be read ({error}), kept it as text"), stacklevel=2
        )
        return text, {}
    if not isinstance(fields, dict):
        return (text, {}) if fields is not None else (text[match.end() :], {})
    return text[match.end() :], fields


def _yaml(source: str) -> Any:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    depth = 0
    # The C loader recurses without looking at its stack, and aliases make a gigabyte of a line: events first.
    for event in yaml.parse(source, Loader=loader):
        if isinstance(event, yaml.AliasEvent):
            raise ValueError("it has an alias, expected none")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MAX_DEPTH:
            raise ValueError(f"nested more than {_MAX_DEPTH} deep")
    return yaml.load(source, Loader=loader)


def _toml(source: str) -> Any:
    import tomllib

    return tomllib.loads(source)
