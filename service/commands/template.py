"""The ``lockstep.toml`` that ``lockstep init`` writes: every setting with its default, explained, commented out.

Made from the settings' classes and the texts below their fields, so that it cannot fall behind them.
"""

import ast
import inspect
import json
import textwrap
from collections.abc import Iterator
from enum import Enum
from typing import Any

from pydantic import BaseModel

from service.settings import DELIMITER, PREFIX, Settings

_HEAD = f"""\
# Settings of this Lockstep workspace. Every line that is commented out shows the default.
# The environment wins over this file: {PREFIX}SEARCH{DELIMITER}TOP_K=5 stands for top_k = 5 under [search].
#
# [embedder], [generator], [prompt] and [search] describe the release that retraining starts from. Once a
# retrained release is active, it keeps what it was measured with, whatever is changed here.
"""


def configuration_text() -> str:
    """The commented file."""
    lines = [_HEAD]
    for name, field in Settings.model_fields.items():
        lines += _section(name, field.annotation)
    return "\n".join(lines) + "\n"


def _section(path: str, model: Any) -> Iterator[str]:
    yield f"[{path}]"
    yield from _comment(inspect.cleandoc(model.__doc__ or ""))
    yield ""
    explained = _field_docs(model)
    nested = []
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            nested.append((f"{path}.{name}", field.annotation))
            continue
        if name in explained:
            yield from _comment(explained[name])
        default = field.get_default(call_default_factory=True)
        yield f"# {name} = {_toml(default)}" if default is not None else f"# {name} = …  (not set)"
    yield ""
    for below, inner in nested:
        yield from _section(below, inner)


def _comment(text: str) -> Iterator[str]:
    plain = " ".join(text.replace("``", "`").split())
    for line in textwrap.wrap(plain, 100):
        yield f"# {line}"


def _field_docs(model: type[BaseModel]) -> dict[str, str]:
    """Field to the string that stands below it in the source."""
    body = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0]
    assert isinstance(body, ast.ClassDef)
    found = {}
    for statement, following in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and isinstance(following, ast.Expr)
            and isinstance(following.value, ast.Constant)
            and isinstance(following.value.value, str)
        ):
            found[statement.target.id] = following.value.value
    return found


def _toml(value: Any) -> str:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool | int | float | str):
        return json.dumps(value, ensure_ascii=False)  # these are written alike in both
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_toml, value))}]"
    raise ValueError(f"found a default {value!r} that has no form in TOML here")
