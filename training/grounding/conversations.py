"""Supervised rows continued with other questions that people ask on the same documents."""

from collections.abc import Mapping, Sequence
from random import Random

from retrieval.documents import Passage
from retrieval.prompt import Prompt
from training.data.conversations import continued
from training.data.examples import Example, passage_evidence
from training.data.matching import first_verbatim, holds_answer
from training.data.supervised import SupervisedRow


def converse(
    rows: Sequence[SupervisedRow],
    asked_on: Mapping[str, Sequence[Example]],
    chunks: Mapping[str, Passage],
    prompt: Prompt,
    *,
    turns: int,
    refused_share: float,
    seed: int,
) -> list[SupervisedRow]:
    """Each row with up to so many turns.

    Args:
        asked_on: document id to the examples that may be asked on it; without an answer, those it only seems to
            answer.
        chunks: by id, every passage of the rows.
        refused_share: of the later turns, how many ask what the passages do not answer.
    """
    return [
        _continued(row, asked_on, chunks, prompt, turns, refused_share, Random(f"{seed}:{row.example_id}"))
        for row in rows
    ]


def _continued(
    row: SupervisedRow,
    asked_on: Mapping[str, Sequence[Example]],
    chunks: Mapping[str, Passage],
    prompt: Prompt,
    turns: int,
    refused_share: float,
    random: Random,
) -> SupervisedRow:
    shown = [chunks[name] for name in row.passages]
    answered: list[tuple[str, str]] = []
    refused: list[tuple[str, str]] = []
    for document in dict.fromkeys(passage.document_id for passage in shown):
        for example in asked_on.get(document, ()):
            if example.id == row.example_id:
                continue
            marks = [
                mark
                for mark, passage in enumerate(shown, start=1)
                if passage.document_id == document and holds_answer(passage_evidence(passage), example.answers)
            ]
            if marks:
                answer = first_verbatim([shown[marks[0] - 1].text], example.answers)
                answered.append((example.question, f"{answer} [{marks[0]}]"))
            elif not any(holds_answer(passage_evidence(passage), example.answers) for passage in shown):
                refused.append((example.question, prompt.abstention))
    random.shuffle(answered)
    random.shuffle(refused)
    turns_after = []
    for _ in range(turns - 1):
        source = refused if random.random() < refused_share else answered
        if source:
            turns_after.append(source.pop())
    return continued(row, turns_after)
