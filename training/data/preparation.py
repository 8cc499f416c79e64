"""From examples files to split examples, and from those to training rows: shared by ``dataset`` and ``retrain``."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from retrieval.catalog import Catalog
from retrieval.prompt import Demonstration, Prompt
from retrieval.search import Searcher
from retrieval.workspace import Workspace
from training.data.candidates import SearcherCandidates
from training.data.contrastive import ContrastiveRow, MiningStats, mine_contrastive
from training.data.examples import (
    SPLITS,
    Example,
    LinkReport,
    SplitName,
    check_documents,
    link_documents,
    load_examples,
)
from training.data.grouping import near_duplicate_groups
from training.data.splits import FrozenSplit, Split, make_split
from training.data.supervised import SupervisedRow, SupervisedStats, build_supervised
from training.settings import DataSettings


@dataclass(frozen=True)
class Prepared:
    """Examples divided, with their documents known."""

    examples: Mapping[SplitName, Sequence[Example]]
    split: Split
    links: LinkReport


def prepare_examples(
    workspace: Workspace,
    catalog: Catalog,
    searcher: Searcher,
    paths: Sequence[Path],
    data: DataSettings,
    *,
    seed: int,
    freeze: bool,
) -> Prepared:
    """Read, link and divide the examples, before anything is mined or trained.

    Args:
        searcher: finds the documents of examples that name none.
        freeze: keep the split, above all its test set, for all later runs of the workspace.

    Raises:
        InputError: the examples cannot be used.
        LeakError: what belongs together is asked to lie in two splits.
        MismatchError: the frozen test set is altered.
    """
    examples = load_examples(paths)
    texts = {document.id: document.text for document in catalog.documents()}
    check_documents(examples, texts)
    frozen = FrozenSplit.load(workspace.split) if workspace.split.is_file() else None
    held = {one: found for one, found in (frozen.links if frozen else {}).items() if texts.keys() >= set(found)}
    examples, links = link_documents(examples, searcher.search_batch, known=held)
    split = make_split(
        examples,
        near_duplicate_groups(texts),
        seed=seed,
        validation=data.validation,
        test=data.test,
        frozen=frozen,
    )
    if freeze:
        split.freeze(examples, frozen).save(workspace.split)
    return Prepared({name: split.select(examples, name) for name in SPLITS}, split, links)


def contrastive_rows(
    searcher: Searcher, examples: Sequence[Example], split: Split, data: DataSettings
) -> tuple[list[ContrastiveRow], MiningStats]:
    """Contrastive rows with negatives out of the index that ``searcher`` searches."""
    return mine_contrastive(
        examples,
        SearcherCandidates(searcher),
        groups=split.group_of,
        negatives=data.negatives,
        held_out=split.documents("test"),
    )


def supervised_rows(
    searcher: Searcher,
    examples: Sequence[Example],
    split: Split,
    prompt: Prompt,
    data: DataSettings,
    *,
    seed: int,
    demonstrate: Callable[[Example], Sequence[Demonstration]] = lambda example: (),
) -> tuple[list[SupervisedRow], SupervisedStats]:
    """Supervised rows over what ``searcher`` returns, which should be what serving will search with."""
    candidates = SearcherCandidates(searcher)
    return build_supervised(
        examples,
        candidates.search,
        prompt,
        chunks_of=candidates.chunks_of,
        groups=split.group_of,
        seed=seed,
        passages=min(data.passages, prompt.max_passages),
        abstention_share=data.abstention_share,
        held_out=split.documents("test"),
        demonstrate=demonstrate,
    )
