"""``answers.html``: the answers side by side, with filters, from the JSON value of :mod:`training.report.side_by_side`.

One file without outside resources. Its one script is named by its hash in the page's own policy, so nothing that a
document says can run; passages come as data and become text nodes when a reader opens them.
"""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from training.report.side_by_side import SCHEMA
from training.report.templating import TEMPLATES, environment

PAGE = "answers.html"
TURNS = ("fixed", "broken", "both wrong", "both right")


def render_answers(value: Mapping[str, Any]) -> str:
    """The page.

    Raises:
        ValueError: the value has another schema.
    """
    from markupsafe import Markup

    if value.get("schema") != SCHEMA:
        raise ValueError(f"found schema {value.get('schema')!r} of the answers, expected {SCHEMA}: make them again")
    script = (TEMPLATES / "answers.js").read_text()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    served = [row["passages"] for row in value["questions"]]
    page = environment().get_template("answers.html.j2")
    return page.render(
        value=value,
        turns=TURNS,
        script=Markup(script),
        digest=digest,
        data={"systems": value["systems"], "passages": value["passages"], "served": served},
    ).lstrip()
