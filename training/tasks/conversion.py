"""The ``[convert]`` table of a task's file: which columns of a table make an example of the task."""

import re
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


class Conversion(BaseModel):
    """Each value is a column, or a text with columns in braces, such as "Summarise the report on {title}."."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    question: str
    answers: str | None = None
    """Not set: of an extraction, the columns that have the names of its fields."""
    document_ids: str | None = None
    id: str | None = None
    """Not set: made of task and question."""
    split: str | None = None
    labels: dict[str, str] = {}
    """Value of the answers' column to label, where they are not the same."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        for name in ("question", "answers", "document_ids", "id", "split"):
            value = getattr(self, name)
            if value is not None and not value.strip():
                raise ValueError(f"found `{name}` empty, expected a column, or a text with columns in braces")
        if not PLACEHOLDER.search(self.question) and "{" in self.question:
            raise ValueError(f"found {self.question!r}, expected columns in braces, such as {{title}}")
        return self


def columns_of(value: str) -> list[str]:
    """The columns that a value of the table names."""
    return PLACEHOLDER.findall(value) or [value]
