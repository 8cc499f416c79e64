"""Training questions that are seen more often for a kind of error."""

from collections import Counter
from typing import Any

import pytest

from retrieval.errors import InputError
from training.data.examples import Example
from training.synthesis.repeating import seen_again


def labelled(*labels: str, task: str = "verdict") -> list[Example]:
    return [Example(f"{task}-{number}", "Does it?", (label,), task=task) for number, label in enumerate(labels)]


def missed(*labels: str, task: str = "verdict") -> Any:
    return labelled(*labels, task=task)  # all that counts of a record is its task and its answers


def test_each_label_has_the_share_that_it_has_in_what_was_missed() -> None:
    train = labelled(*["yes"] * 20, *["no"] * 6, *["maybe"] * 2)
    again = seen_again("wrong label", train, missed("no", "no", "no", "maybe"), 16, seed=1)
    label = {one.id: one.answers[0] for one in train}
    times: Counter[str] = Counter()
    for name, more in again.items():
        times[label[name]] += more
    assert times == {"no": 12, "maybe": 4}
    assert set(again.values()) == {2}, "a label's examples take turns"
    assert again == seen_again("wrong label", train, missed("no", "no", "no", "maybe"), 16, seed=1)


def test_fields_are_of_their_task() -> None:
    train = labelled('{"a": 1}', '{"a": 2}', task="invoice") + labelled("yes")
    again = seen_again("wrong fields", train, missed('{"a": 7}', task="invoice"), 4, seed=1)
    assert again == {"invoice-0": 2, "invoice-1": 2}


def test_a_label_that_nothing_trains_is_refused() -> None:
    with pytest.raises(InputError, match=r"found no training example like .*\(verdict no\)"):
        seen_again("wrong label", labelled("yes"), missed("no"), 4, seed=1)
