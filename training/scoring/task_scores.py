"""What an answer is worth by its task: the label right or wrong, F1 of the fields, ROUGE-L of a summary.

The score of a task stands in the place of the answer score, so that several tasks have one primary metric. Knows
nothing about models or search.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from retrieval.prompt import strip_thinking
from training.scoring.agreement import OVERLAP, f1_of
from training.scoring.answer_metrics import CORRECT_SCORE, AnswerScores, score_answer
from training.scoring.tokens import tokens
from training.tasks.task import ANSWERING, Task


def score_by_task(
    task: Task | None, answer: str, references: Sequence[str], *, abstained: bool, question: str = ""
) -> AnswerScores:
    """Score an answer as it was shown to the user; without a task as an answer to a question.

    A classification is correct with the right label, an extraction from a field F1 of 0.9 on, a summary from a
    ROUGE-L of 0.55 on, which is what question answering asks of words in common.
    """
    found = score_answer(answer, references, abstained=abstained, question=question)
    if task is None or task.kind == ANSWERING or abstained or not references:
        return found
    text = strip_thinking(answer)
    if task.kind == "classification":
        return _judged(found, float(any(_same_label(text, one) for one in references)), CORRECT_SCORE)
    if task.kind == "extraction":  # with its brackets: [1] is a list there
        return _judged(found, max(field_f1(text, one, task.fields) for one in references), CORRECT_SCORE)
    return _judged(found, found.rouge_l, OVERLAP)


def field_f1(answer: str, reference: str, fields: Sequence[str]) -> float:
    """F1 over the fields' values of two JSON objects; 1 where both have none.

    A list counts each of its values. Values are compared without case and punctuation, numbers by their value. An
    answer that is no JSON object has found nothing.
    """
    said, wanted = (_values(parse_object(one) or {}, fields) for one in (answer, reference))
    if not said and not wanted:
        return float(parse_object(answer) is not None)
    return f1_of(sum(min(said.count(one), wanted.count(one)) for one in set(said)), said, wanted)


def parse_object(text: str) -> dict[str, Any] | None:
    """The JSON object that a text is, in a fence of code maybe; None where it is none."""
    plain = text.strip()
    if plain.startswith("```"):
        plain = plain.partition("\n")[2].rpartition("```")[0]
    try:
        value = json.loads(plain)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _values(found: Mapping[str, Any], fields: Sequence[str]) -> list[tuple[str, tuple[str, ...]]]:
    """Field and value of all that is there; nothing, "" and null are not."""
    values = []
    for field in fields:
        value = found.get(field)
        for one in value if isinstance(value, list) else [value]:
            if one is not None and (told := _told(one)):
                values.append((field, told))
    return values


def _told(value: Any) -> tuple[str, ...]:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return tuple(tokens(text) or text.casefold().split())


def _same_label(one: str, other: str) -> bool:
    return " ".join(one.casefold().split()) == " ".join(other.casefold().split())


def _judged(found: AnswerScores, score: float, enough: float) -> AnswerScores:
    return replace(found, outcome="correct" if score >= enough else "wrong", answer_score=score)
