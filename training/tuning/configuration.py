"""Tuned settings as they stand in ``lockstep.toml``: to be pasted, or written into the file with its comments kept."""

from collections.abc import Mapping
from typing import Any

from retrieval.errors import ConfigurationError
from training.tuning.space import Settings


def as_toml(changes: Mapping[str, Settings]) -> str:
    """Sections and keys; what is to be left out stands there as a comment.

    Args:
        changes: section to its values; None leaves a key out.
    """
    import tomlkit

    parts = []
    for section, values in changes.items():
        lines = [f"[{section}]"]
        for key, value in values.items():
            lines.append(f"# no {key}" if value is None else f"{key} = {tomlkit.item(_short(value)).as_string()}")
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def with_changes(text: str, changes: Mapping[str, Settings]) -> str:
    """A ``lockstep.toml`` with other values; everything else, comments included, stays as it is.

    Raises:
        ConfigurationError: a section is written in a form that cannot be added to.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    document = tomlkit.parse(text)
    try:
        for section, values in changes.items():
            table: Any = document
            parents = section.split(".")
            for depth, name in enumerate(parents):
                if name not in table:
                    table.add(name, tomlkit.table(is_super_table=depth < len(parents) - 1))
                table = table[name]
            for key, value in values.items():
                if value is None:
                    table.pop(key, None)
                else:
                    table[key] = _short(value)
    except (TOMLKitError, TypeError, AttributeError) as error:
        raise ConfigurationError(
            f"found a lockstep.toml that cannot be added to ({error}), expected sections such as [training.embedder]: "
            "paste the settings into it by hand"
        ) from error
    return str(tomlkit.dumps(document))


def _short(value: Any) -> Any:
    """Three digits of a number say enough."""
    return float(f"{value:.3g}") if isinstance(value, float) else value
