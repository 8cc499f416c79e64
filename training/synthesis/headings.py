"""Headings as people type them into a search box, and sentences as queries for the embedder."""

import re
from collections.abc import Iterator
from random import Random

from training.scoring.stopwords import STOP_WORDS
from training.scoring.tokens import tokens
from training.synthesis.drafts import Draft
from training.synthesis.phrases import stands_alone
from training.synthesis.sources import Source

_STEM = 5
"""Letters that two forms of a word share."""
_NAMED = re.compile(
    r"(?!(?:\(optional\) )?(?:step|part|example|option)s?\b|next\b|related\b|overview|introduction|"
    r"prerequisite|see also)",
    re.IGNORECASE,
)
"""A heading that says what its section is about."""
_LONGEST_ANSWER = 30
_SHORTEST_QUERY, _LONGEST_QUERY = 6, 30
"""Words of a sentence that serves as a query."""


def from_heading(source: Source) -> Iterator[Draft]:
    """The heading of a section, with its title, and the section's first sentence where that speaks of the heading."""
    if not source.begins_section or not source.statements or not source.heading:
        return
    answer = source.statements[0]
    if not stands_alone(answer) or len(answer.split()) > _LONGEST_ANSWER:
        return
    wanted = _stems(source.heading) if _NAMED.match(source.heading) else set()
    if not wanted or not wanted & _stems(answer):
        return
    if source.heading.endswith("?"):
        yield Draft(source.heading, (answer.rstrip("."),), (source.chunk,), "heading", "natural")
    elif source.heading.casefold() != source.title.casefold():
        question = source.heading if len(wanted) > 2 else f"{source.title} {source.heading}"
        yield Draft(question.strip(), (answer.rstrip("."),), (source.chunk,), "heading", "keyword")


def inverse_cloze(source: Source, seed: int) -> Iterator[Draft]:
    """A sentence as a query for the chunk that it was taken from (Lee et al. 2019, arXiv 1906.00300, section 4)."""
    fit = [one for one in source.statements if _SHORTEST_QUERY <= len(one.split()) <= _LONGEST_QUERY]
    if fit and len(source.statements) > 1:
        sentence = Random(f"{seed}:{source.chunk.id}").choice(fit)
        yield Draft(sentence, (sentence,), (source.chunk,), "inverse cloze", "inverse cloze")


def _stems(text: str) -> set[str]:
    return {word[:_STEM] for word in tokens(text) if word not in STOP_WORDS and len(word) > 2}
