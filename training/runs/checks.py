"""What must hold at the end of a run, whatever the metrics say."""

from collections.abc import Mapping, Sequence

from training.data.examples import Example, SplitName
from training.data.splits import Split
from training.evaluation.forgetting.standing import Forgetting
from training.evaluation.verdict import Check

SIDES: tuple[SplitName, SplitName] = ("train", "test")


def final_checks(
    split: Split, examples: Mapping[SplitName, Sequence[Example]], *, found: int, live: int
) -> list[Check]:
    """No document, nor a near-duplicate of one, is in train and in test; the candidate's collection is whole.

    Args:
        found: chunks that the collection holds.
        live: chunks that it should hold.
    """
    train, test = (
        {split.group_of[document] for one in examples[side] for document in one.document_ids} for side in SIDES
    )
    leaked = train & test
    return [
        Check("no leak", not leaked, f"{len(leaked)} groups of documents lie in train and in test"),
        Check("index complete", found >= live, f"the collection holds {found} of {live} chunks"),
    ]


def forgetting_check(found: Forgetting) -> Check:
    """That a tuned generator has not proven to forget; for those who want a release refused for it."""
    return Check("general questions", found.standing != "inferior", found.in_words() or "")
