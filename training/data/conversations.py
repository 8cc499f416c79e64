"""Supervised rows joined into conversations: more questions on the same passages.

Reading the passages is most of what a row costs, so a row that asks four times on them teaches four times as much
in little more time. The first turn is what serving sends; the later ones show the question alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from random import Random

from retrieval.prompt import Message, strip_marks
from training.data.examples import Example
from training.data.matching import holds_answer
from training.data.supervised import SupervisedRow


def continued(row: SupervisedRow, turns: Iterable[tuple[str, str]]) -> SupervisedRow:
    """The row with further questions and their answers; each answer before the last becomes a message."""
    messages, completion = list(row.messages), row.completion
    for question, answer in turns:
        messages += [
            Message(role="assistant", content=completion),
            Message(role="user", content=f"Question: {question}"),
        ]
        completion = answer
    return replace(row, messages=tuple(messages), completion=completion)


def join_rows(
    rows: Sequence[SupervisedRow],
    examples: Mapping[str, Example],
    *,
    turns: int,
    most: int | None = None,
    seed: int,
) -> list[SupervisedRow]:
    """The same questions and answers in fewer rows, each asked once.

    A question follows where its oracles are shown, and cites them by their places there. One that is refused
    follows where its answer is not shown, though a passage of its own is.

    Args:
        examples: by id, those that the rows were built of.
        turns: questions in a row at most; 1 joins none.
        most: rows at most; the longest conversations stay, and what is asked in others is left out.
    """
    shown_in: dict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        for passage in _sought(row):
            shown_in[passage].append(number)
    left, joined = set(range(len(rows))), []
    random = Random(seed)
    for number in random.sample(range(len(rows)), len(rows)):
        if number not in left:
            continue
        left.remove(number)
        row = rows[number]
        near = list(dict.fromkeys(one for passage in row.passages for one in shown_in[passage] if one in left))
        random.shuffle(near)
        added: list[tuple[str, str]] = []
        for other in near:
            if len(added) == turns - 1:
                break
            example = examples[rows[other].example_id]
            answer = _answer_in(row, rows[other], example) if rows[other].task == row.task else None
            if answer is not None:
                left.remove(other)
                added.append((example.question, answer))
        joined.append(continued(row, added))
    return fullest(joined, most)


def fullest(rows: Sequence[SupervisedRow], most: int | None) -> list[SupervisedRow]:
    """So many of the rows, those with most turns, in their order."""
    chosen = sorted(range(len(rows)), key=lambda number: -len(rows[number].messages))[:most]
    return [rows[number] for number in sorted(chosen)]


def questions_in(row: SupervisedRow) -> int:
    """How many questions a row asks."""
    return sum(message["role"] == "user" for message in row.messages)


def _sought(row: SupervisedRow) -> Sequence[str]:
    """The passages by one of which a row to follow is found: its oracles, or all where it has none."""
    return [row.passages[mark - 1] for mark in row.oracle_positions] or row.passages


def _answer_in(row: SupervisedRow, other: SupervisedRow, example: Example) -> str | None:
    """What to answer to the other's question over the passages of this row; None where that is not known."""
    if other.oracle_present:
        oracles = _sought(other)
        if not set(oracles) <= set(row.passages):
            return None
        marks = sorted(row.passages.index(oracle) + 1 for oracle in oracles)
        return f"{strip_marks(other.completion)} {''.join(f'[{mark}]' for mark in marks)}"
    shown = row.messages[1]["content"]
    return None if holds_answer(shown, example.answers) else other.completion
