"""How pages are drawn: one file each, without scripts or outside resources, from figures alone."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"


def page_environment() -> "Environment":
    """Templates that escape what they are given, and fail on what is missing."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["num"] = number
    return environment


def render_page(template: str, **values: Any) -> str:
    """A page, without the empty lines that settings at its head leave."""
    return page_environment().get_template(template).render(**values).lstrip()


def number(value: float | None, digits: int = 3) -> str:
    """A figure for people; a dash where there is none."""
    return "\N{EN DASH}" if value is None else f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}")
