"""Distractors that no document holds: an oracle's look-alikes, which differ in what was asked for.

Only where the rule is sure: the answer has a number, which stands in the oracle as it does in the answer.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Literal

from retrieval.documents import Passage
from training.data.alteration import NAME, altered, brother
from training.data.examples import Example, passage_evidence
from training.data.matching import holds_answer

MadeDistractor = Literal["swapped entity", "contradicting"]
"""The oracle's words about another thing; an edition that is no longer valid, and says so, with another number."""
SUPERSEDED = "SUPERSEDED edition, no longer valid: "
SHARE = 0.5
"""Of the rows with an oracle, how many get one where it can be made: the others keep what retrieval returns alone."""
_FIGURE = re.compile(r"\d[\d.,]*(?<=\d)")


def look_alike(
    example: Example, oracle: Passage, kinds: Sequence[MadeDistractor], draw: Random
) -> tuple[MadeDistractor, Passage] | None:
    """One distractor of one of the kinds; None where none is sure, or by chance."""
    if not kinds or draw.random() >= SHARE:
        return None
    made = list(_made(example, oracle, kinds, draw))
    return draw.choice(made) if made else None


def _made(
    example: Example, oracle: Passage, kinds: Sequence[MadeDistractor], draw: Random
) -> Iterator[tuple[MadeDistractor, Passage]]:
    figure = _FIGURE.search(example.answers[0]) if example.answers else None
    if figure is None:
        return
    told = re.compile(rf"(?<![\w.,-]){re.escape(figure.group())}(?![\w-]|[.,]\d)")
    text = told.sub(altered(figure.group(), draw.randrange(8)), oracle.text)
    if text == oracle.text or told.search(oracle.context):
        return
    if "contradicting" in kinds:
        changed = replace(oracle, chunk_id=f"{oracle.chunk_id}~superseded", context=SUPERSEDED + oracle.context)
        yield from _without_answer("contradicting", replace(changed, text=text), example)
    name = next((one.group() for one in NAME.finditer(example.question) if one.group() in passage_evidence(oracle)), "")
    if "swapped entity" in kinds and name:
        other = brother(name, draw.randrange(8))
        changed = replace(
            oracle,
            chunk_id=f"{oracle.chunk_id}~swapped",
            context=oracle.context.replace(name, other),
            text=text.replace(name, other),
        )
        yield from _without_answer("swapped entity", changed, example)


def _without_answer(
    kind: MadeDistractor, passage: Passage, example: Example
) -> Iterator[tuple[MadeDistractor, Passage]]:
    if not holds_answer(passage_evidence(passage), example.answers):
        yield kind, passage
