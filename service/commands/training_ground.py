"""Which documents and questions may be trained on: what every command that makes examples keeps to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from service.commands.common import Opened
from service.commands.evaluation import prepare

if TYPE_CHECKING:
    from retrieval.search import Searcher
    from training.data.examples import Example


@dataclass(frozen=True)
class TrainingGround:
    """What is trained on, and what must not be met again."""

    documents: frozenset[str]
    """Ids of the training split."""
    groups: Mapping[str, str]
    """Document id to near-duplicate group."""
    held_out: Sequence[str]
    """Questions of validation and test."""
    examples: Sequence["Example"]
    """Of the training split; none where no examples were given."""
    origin: str
    """Where the split comes from, in words."""


def training_ground(here: Opened, searcher: "Searcher", paths: Sequence[Path], column: Sequence[str]) -> TrainingGround:
    """The training split: of the examples, else as it is frozen, else drawn for the time that there are questions.

    Examples freeze the split, as `lockstep study` does: it is made before anything is generated.

    Raises:
        MismatchError: the frozen test set is altered.
        InputError, LeakError: the examples cannot be used.
    """
    from training.data.frozen_split import FrozenSplit
    from training.data.grouping import near_duplicate_groups
    from training.synthesis.held_out import drawn_documents

    if paths:
        prepared = prepare(here, searcher, paths, column, freeze=True)
        return TrainingGround(
            documents=prepared.split.documents("train"),
            groups=prepared.split.group_of,
            held_out=[one.question for name in ("validation", "test") for one in prepared.examples[name]],
            examples=prepared.examples["train"],
            origin="the split of the examples",
        )
    groups = near_duplicate_groups({one.id: one.text for one in here.catalog.documents()})
    if here.workspace.split.is_file():
        frozen = FrozenSplit.load(here.workspace.split)
        elsewhere = {groups[key] for key, name in frozen.documents.items() if name != "train" and key in groups}
        return TrainingGround(
            documents=frozenset(key for key, group in groups.items() if group not in elsewhere),
            groups=groups,
            held_out=list(frozen.questions.values()),
            examples=(),
            origin="the frozen split; its validation questions are not known without --examples",
        )
    data = here.settings.training.data
    kept = drawn_documents(groups, data.validation + data.test, seed=here.settings.training.seed)
    return TrainingGround(
        documents=frozenset(groups) - kept,
        groups=groups,
        held_out=(),
        examples=(),
        origin=(
            f"drawn, since there is no split: {len(kept)} documents are left alone; ask your own questions about "
            "them, which become validation and test"
        ),
    )
