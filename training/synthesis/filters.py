"""Which drafts become examples; what is dropped is counted by its reason.

Cheap checks come first; the live retriever is asked last.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from training.data.examples import Search
from training.data.matching import holds_answer, question_key
from training.data.near_questions import NearQuestions
from training.scoring.stopwords import STOP_WORDS
from training.scoring.tokens import tokens
from training.synthesis.drafts import Draft

COPIED_RUN = 10
"""Words that a question may have in a row with its passage; a sentence with one more is a copy of it."""
_STEM = 5
_NUMBER = re.compile(r"\d[\d.,]*")


class Filters:
    """Decides on drafts one after the other, and remembers those that passed.

    Args:
        search: the live retriever; it should return a few times ``within``.
        held_out: questions of validation and test.
        groups: document id to near-duplicate group.
        within: the rank down to which a question must find its document.
        asked: training questions that there are already.
    """

    def __init__(
        self,
        search: Search,
        held_out: Sequence[str],
        groups: Mapping[str, str],
        *,
        within: int,
        asked: Iterable[str] = (),
    ) -> None:
        self._search, self._groups, self._within = search, groups, within
        self._held_out = NearQuestions(held_out)
        self._asked = {question_key(question) for question in asked}
        self.dropped: Counter[str] = Counter()
        """Reason to number of drafts."""

    def passing(self, drafts: Sequence[Draft], contradicted: set[str]) -> Iterator[tuple[Draft, int]]:
        """The drafts that pass, each with the rank of its document (0 where it has none)."""
        fit = []
        for draft in drafts:
            if reason := self._fault(draft, contradicted):
                self.dropped[reason] += 1
            else:
                self._asked.add(question_key(draft.question))
                fit.append(draft)
        for draft, passages in zip(fit, self._search([draft.question for draft in fit]) if fit else [], strict=True):
            wanted = {self._groups.get(document, document) for document in draft.document_ids}
            found = [self._groups.get(passage.document_id, passage.document_id) for passage in passages]
            if not draft.answers:
                asked = _stems(draft.question)
                if any(asked <= _stems(f"{passage.context} {passage.text}") for passage in passages):
                    self.dropped["answered after all"] += 1
                else:
                    yield draft, 0
            elif wanted <= set(found[: self._within]):
                yield draft, max(found.index(group) for group in wanted) + 1
            else:
                self.dropped[f"not found again within {self._within}"] += 1

    def _fault(self, draft: Draft, contradicted: set[str]) -> str | None:
        key = question_key(draft.question)
        if fact_key(draft) in contradicted:
            return "answered differently elsewhere"
        if key in self._asked:
            return "asked already"
        if any(not holds_answer(draft.evidence, [fact]) for fact in draft.facts()):
            return "answer not in its passage"
        if self._held_out.near(draft.question):
            return "near a question of validation or test"
        if draft.kind == "inverse cloze":
            return None
        if draft.kind != "claim" and any(holds_answer(draft.question, [fact]) for fact in draft.facts()):
            return "tells its own answer"
        if copies(draft.question, draft.evidence):
            return "copies its passage"
        return None


def contradictions(drafts: Sequence[Draft]) -> set[str]:
    """Keys of questions that the documents answer in different ways: nobody can say which is right."""
    answers: dict[str, set[str]] = {}
    for draft in drafts:
        if draft.answers:
            fact = draft.answers[0].partition(", ")[2] if draft.kind == "claim" else draft.answers[0]
            answers.setdefault(fact_key(draft), set()).add(question_key(fact))
    return {key for key, found in answers.items() if len(found) > 1}


def fact_key(draft: Draft) -> str:
    """Equal for questions after the same fact: claims that differ in their numbers are."""
    return question_key(_NUMBER.sub("0", draft.question) if draft.kind == "claim" else draft.question)


def copies(question: str, evidence: str, longest: int = COPIED_RUN) -> bool:
    """Whether a question has more than so many words in a row with a text."""
    words, text = tokens(question), f" {' '.join(tokens(evidence))} "
    runs = (words[at : at + longest + 1] for at in range(len(words) - longest))
    return any(f" {' '.join(run)} " in text for run in runs)


def _stems(text: str) -> set[str]:
    return {word[:_STEM] for word in tokens(text) if word not in STOP_WORDS}
