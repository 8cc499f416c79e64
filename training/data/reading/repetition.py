"""Examples of several rows beside each other: what repeats an earlier one, and what contradicts it."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from training.data.examples import Example
from training.data.matching import holds_answer, question_key
from training.data.reading.faults import FaultyRow


@dataclass
class Repetitions:
    """Collects examples, each once."""

    examples: list[Example] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    """Each row that says the same as an earlier one, in words."""
    ambiguous: list[str] = field(default_factory=list)
    """Each question with another answer in another document, in words; known after :meth:`contradictions`."""
    _by_id: dict[str, Example] = field(default_factory=dict)

    def add(self, example: Example) -> None:
        """Take an example, or drop it where it is there already.

        Raises:
            FaultyRow: another example has its id.
        """
        first = self._by_id.setdefault(example.id, example)
        if first is example:
            self.examples.append(example)
        elif replace(example, provenance="") == replace(first, provenance=""):
            self.dropped.append(f"{example.provenance} repeats {first.provenance}: {example.question!r}")
        elif first.question != example.question:
            raise FaultyRow(
                f"found the id {example.id!r} again (first in {first.provenance}), expected each id once: give one "
                "of the two another id"
            )
        elif not _agree(first, example) and not _of_other_documents(first, example):
            raise FaultyRow(_contradiction(first, example))
        else:
            raise FaultyRow(
                f"found the id {example.id!r} again (first in {first.provenance}), expected each id once (without an "
                f"id the question serves as one, here {example.question!r}): merge the two or give them ids"
            )

    def contradictions(self) -> Iterator[str]:
        """Faults: the same question, in other letters maybe, with answers that disagree."""
        asked: dict[str, list[Example]] = {}
        for example in self.examples:
            earlier = asked.setdefault(question_key(example.question), [])
            other = next((one for one in earlier if not _agree(one, example)), None)
            if other is None or _of_other_documents(other, example):
                earlier.append(example)
                if other is not None:
                    self.ambiguous.append(_beside(other, example))
            else:
                yield f"{example.provenance}: {_contradiction(other, example)}"


def _agree(one: Example, other: Example) -> bool:
    """Whether an answer of the one holds one of the other, or neither has any."""
    if one.answerable != other.answerable:
        return False
    pairs = [(mine, theirs) for mine in one.answers for theirs in other.answers]
    return not pairs or any(holds_answer(a, [b]) or holds_answer(b, [a]) for a, b in pairs)


def _of_other_documents(one: Example, other: Example) -> bool:
    return bool(one.document_ids and other.document_ids) and set(one.document_ids).isdisjoint(other.document_ids)


def _contradiction(first: Example, second: Example) -> str:
    return (
        f"found the question {second.question!r} with {_said(second)}, and with {_said(first)} in "
        f"{first.provenance}; expected answers that agree: correct one, or give both their document_ids if each is "
        "right in its document"
    )


def _beside(first: Example, second: Example) -> str:
    return f"{second.question!r}: {_said(second)} ({second.provenance}), {_said(first)} ({first.provenance})"


def _said(example: Example) -> str:
    return f"the answer {example.answers[0]!r}" if example.answers else "no answer"
