"""What is left of the mark of a note, a tab or a card: its kind and its title as a line of text."""

import re
from collections.abc import Sequence

_NOTES = frozenset(
    ["note", "tip", "info", "warning", "danger", "caution", "important", "hint", "attention", "error", "example",
     "question", "faq", "abstract", "summary", "tldr", "success", "failure", "bug", "seealso", "todo", "deprecated",
     "experimental", "check", "help", "versionadded", "versionchanged"]
)  # fmt: skip
_TITLES = ("title", "label", "heading", "header", "summary", "tab")
_TITLED_BY_POSITION = frozenset(["tab", "expand", "details", "collapse", "accordion", "card", "tabitem"])
_SHOWN_OTHERWISE = re.compile(r"(?:icon|image|img|video|button|badge|link|head|figure)$", re.IGNORECASE)
_ARGUMENT = re.compile(
    r"([\w:.-]+)=(?:\{?[\"'`]([^\"'`]*)[\"'`]\}?|([^\s\"'{}]+))|[\"`]([^\"`]*)[\"`]|([^\s\"'`={}<>/]+)"
)


def label(kind: str, title: str) -> str:
    """``Tip: Use a pump`` for a note, ``Linux:`` for a tab; nothing where both are unknown."""
    kind = kind.strip().lower().removeprefix("callout-").removeprefix("alert-")
    title = " ".join(title.split())
    if kind not in _NOTES:
        return f"{title}:" if title and title[-1] not in ":.?!" else title
    name = kind.capitalize()
    return f"{name}:" if title.lower().rstrip(":") in ("", kind) else f"{name}: {title}"


def call_label(name: str, arguments: str) -> str:
    """The label of a component, a shortcode or a tag of a template.

    Args:
        arguments: ``title="Linux" id=3`` or ``"Linux"``.
    """
    named, others = parsed(arguments)
    title = next((named[key] for key in _TITLES if named.get(key)), "")
    lowered = name.lower()
    if not title and lowered in ("tab", "tabitem"):
        title = named.get("name") or named.get("value") or ""
    if not title and lowered in _TITLED_BY_POSITION and others:
        title = others[0]
    if _SHOWN_OTHERWISE.search(name):
        return ""
    kind = next((named[key] for key in ("type", "style", "kind", "color") if named.get(key, "").lower() in _NOTES), "")
    kind = kind or next((other for other in others if other.lower() in _NOTES), "")
    return label(kind or lowered, title)


def parsed(arguments: str) -> tuple[dict[str, str], Sequence[str]]:
    """Arguments with and without a name."""
    named: dict[str, str] = {}
    others = []
    for match in _ARGUMENT.finditer(arguments):
        if match[1]:
            named[match[1].lower()] = match[2] if match[2] is not None else match[3]
        else:
            others.append(match[4] if match[4] is not None else match[5])
    return named, others
