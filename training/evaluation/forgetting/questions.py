"""General questions that no document is needed for: those that come with Lockstep, or a user's own."""

import json
from dataclasses import dataclass
from pathlib import Path

from retrieval.errors import InputError
from training.data.reading.load import load_examples

SHIPPED = Path(__file__).with_name("general.jsonl")
OWN = "own"


@dataclass(frozen=True)
class GeneralQuestion:
    """A question with a short answer that can be checked."""

    question: str
    answers: tuple[str, ...]
    """Those that are right; the likelihood is measured of the first."""
    kind: str = OWN


def shipped_questions() -> list[GeneralQuestion]:
    """General knowledge, arithmetic, instructions, other languages, formats."""
    rows = map(json.loads, SHIPPED.read_text(encoding="utf-8").splitlines())
    return [GeneralQuestion(row["question"], tuple(row["answers"]), row["kind"]) for row in rows]


def own_questions(path: Path) -> list[GeneralQuestion]:
    """A user's own, of a file of the form of examples.

    Raises:
        InputError: it cannot be read, has faulty rows, or a question without an answer.
    """
    examples = load_examples([path])
    for example in examples:
        if not example.answers:
            raise InputError(
                f"{path}: found no answer to {example.question!r}, expected one for every general question: "
                "they are asked without documents, so that each can be answered"
            )
    return [GeneralQuestion(example.question, tuple(example.answers)) for example in examples]
