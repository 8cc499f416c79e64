"""A task: what a question asks for, how the prompt says so, and what may be answered.

Knows nothing about files, models or how an answer is scored.
"""

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from retrieval.prompt import Prompt

Kind = Literal["question answering", "classification", "extraction", "summarisation"]
ANSWERING: Kind = "question answering"
"""What is asked where no task is named."""


class Task(BaseModel):
    """A task as a release carries it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    instruction: str = ""
    """The system message of its prompts; may hold ``{abstention}``. Question answering without one keeps the prompt's
    own, which asks for cited words of a passage and is wrong for every other kind."""
    labels: tuple[str, ...] = ()
    """Of a classification: one of them is the answer."""
    fields: tuple[str, ...] = ()
    """Of an extraction: the keys of the JSON object that is the answer."""
    abstains: bool
    """Whether the system may decline, where nothing is found or the model says so; by default only where questions
    are answered."""
    max_new_tokens: int | None = Field(default=None, ge=1)
    """Of an answer; not set leaves it to the release."""
    weight: float = Field(default=1.0, gt=0)
    """How often each of its rows is seen in training: 0.5 takes half of them, 2 each twice. Where rows are limited,
    tasks share the room by it."""

    @model_validator(mode="before")
    @classmethod
    def _abstains_where_questions_are_answered(cls, values: Any) -> Any:
        return {"abstains": values.get("kind") == ANSWERING, **values} if isinstance(values, dict) else values

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> Self:
        if self.kind != ANSWERING and not self.instruction.strip():
            raise ValueError('found no `instruction`, expected a sentence such as "Answer with one of: yes, no."')
        for name, kind, least in (("labels", "classification", 2), ("fields", "extraction", 1)):
            values: tuple[str, ...] = getattr(self, name)
            if self.kind != kind and values:
                raise ValueError(f"found `{name}` of the kind {self.kind!r}, expected it with {kind!r} only")
            if self.kind == kind and (len({one.casefold() for one in values}) < max(least, len(values))):
                raise ValueError(f"found `{name}` {list(values)}, expected at least {least}, each once")
            if any(one != one.strip() or not one for one in values):
                raise ValueError(f"found `{name}` {list(values)}, expected texts without blanks around them")
        return self

    @property
    def cites(self) -> bool:
        """Whether its answers hold citation marks: a label has none, and in JSON [1] is a list."""
        return self.kind in (ANSWERING, "summarisation")

    @property
    def answers_questions(self) -> bool:
        """Whether a passage holds the answer in its words."""
        return self.kind == ANSWERING

    def asked(self, prompt: Prompt) -> Prompt:
        """A prompt with the task's instruction in the place of its own."""
        return prompt.model_copy(update={"system": self.instruction}) if self.instruction else prompt

    def label(self, text: str) -> str | None:
        """The label that a text names, and no other beside it; case and what stands around it do not matter."""
        plain = " ".join(text.casefold().split()).strip(" .,:;!?\"'`*")
        exact = [one for one in self.labels if one.casefold() == plain]
        return exact[0] if exact else self._named(plain)

    def _named(self, text: str) -> str | None:
        """The one label that stands in a text as whole words; one within a longer one that stands there is none."""
        padded = f" {''.join(one if one.isalnum() else ' ' for one in text)} "
        padded = " ".join(padded.split()).join("  ")
        found = []
        for one in sorted(self.labels, key=len, reverse=True):
            words = " ".join("".join(c if c.isalnum() else " " for c in one.casefold()).split())
            if words and f" {words} " in padded:
                found.append(one)
                padded = padded.replace(f" {words} ", " | ")
        return found[0] if len(found) == 1 else None
