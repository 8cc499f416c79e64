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
        elif not agree(first, example):
            raise FaultyRow(
                f"found {_contradiction(first, example)}; expected answers that agree: correct one of the two"
            )
        else:
            raise FaultyRow(
                f"found the id {example.id!r} again (first in {first.provenance}), expected each id once (without an "
                f"id the question serves as one, here {example.question!r}): merge the two or give them ids"
            )

    def contradictions(self) -> Iterator[str]:
        """Each question, in other letters maybe, whose answers disagree with those of an earlier row, in words."""
        asked: dict[str, list[Example]] = {}
        for example in self.examples:
            earlier = asked.setdefault(question_key(example.question), [])
            if other := next((one for one in earlier if not agree(one, example)), None):
                yield f"{example.provenance}: {_contradiction(other, example)}"
            earlier.append(example)


def agree(one: Example, other: Example) -> bool:
    """Whether an answer of the one holds one of the other, or neither has any; of two tasks nothing need agree."""
    if one.task != other.task:
        return True
    if one.answerable != other.answerable:
        return False
    pairs = [(mine, theirs) for mine in one.answers for theirs in other.answers]
    return not pairs or any(holds_answer(a, [b]) or holds_answer(b, [a]) for a, b in pairs)


def _contradiction(first: Example, second: Example) -> str:
    return f"the question {second.question!r} with {_said(second)}, and with {_said(first)} in {first.provenance}"


def _said(example: Example) -> str:
    return f"the answer {example.answers[0]!r}" if example.answers else "no answer"
