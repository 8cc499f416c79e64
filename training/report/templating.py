"""The environment in which pages are drawn: everything is escaped, and a name that does not exist is an error."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"


def environment() -> "Environment":
    """With the filters ``num``, ``signed``, ``at``, ``commands`` and ``gb``."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    found = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {"num": number, "signed": signed, "at": _at, "commands": _commands, "gb": _gigabytes}
    return found


def render_page(template: str, **values: Any) -> str:
    """A page, without the empty lines that settings at its head leave."""
    return environment().get_template(template).render(**values).lstrip()


def number(value: float | None, digits: int = 3) -> str:
    """A figure for people; a dash where there is none."""
    return "\N{EN DASH}" if value is None else f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}")


def signed(value: float | None, digits: int = 3) -> str:
    """A difference for people, always with its sign."""
    return "\N{EN DASH}" if value is None else f"{value:+.{digits}f}".replace("-", "\N{MINUS SIGN}")


def _commands(text: str) -> "Markup":
    """What stands in backticks as code."""
    from markupsafe import Markup, escape

    parts = [
        f'<code class="mono">{escape(part)}</code>' if i % 2 else escape(part) for i, part in enumerate(text.split("`"))
    ]
    return Markup("".join(parts))


def _gigabytes(size: int | None) -> str:
    return number(None if size is None else size / 1e9, 1)


def _at(moment: str) -> str:
    return datetime.fromisoformat(moment).strftime("%d %B %Y, %H:%M %Z").lstrip("0")
