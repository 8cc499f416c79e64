"""From examples files to split examples, and from those to training rows: shared by ``dataset`` and ``retrain``."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from retrieval.catalog import Catalog
from retrieval.models import resolve
from retrieval.prompt import Demonstration, Prompt
from retrieval.reranker import load_reranker
from retrieval.search import Searcher
from retrieval.workspace import Workspace
from training.data.candidates import SearcherCandidates
from training.data.contrastive import ContrastiveRow, MiningStats, Teacher, mine_contrastive
from training.data.examples import SPLITS, Example, SplitName
from training.data.frozen_split import FrozenSplit
from training.data.grouping import near_duplicate_groups
from training.data.linking import LinkReport, check_documents, link_documents
from training.data.reading.columns import Columns
from training.data.reading.faults import listed
from training.data.reading.load import load_examples
from training.data.reading.sources import Tell
from training.data.sampling import spread
from training.data.splits import Split, make_split
from training.data.supervised import SupervisedRow, SupervisedStats, build_supervised
from training.data.task_checks import check_tasks
from training.settings import DataSettings
from training.tasks.task import Task


@dataclass(frozen=True)
class Prepared:
    """Examples divided, with their documents known."""

    examples: Mapping[SplitName, Sequence[Example]]
    split: Split
    links: LinkReport
    accepted: int
    """Changes of the frozen test set that were accepted."""


def linked_examples(
    catalog: Catalog,
    searcher: Searcher,
    paths: Sequence[Path],
    *,
    frozen: FrozenSplit | None = None,
    columns: Columns | None = None,
    tasks: Mapping[str, Task] | None = None,
    warn: Tell,
) -> tuple[list[Example], LinkReport, Mapping[str, str]]:
    """Read the examples and find the documents of those that name none.

    Returns:
        The examples, what was found, and the text of every document by its id.

    Raises:
        InputError: the examples cannot be used.
    """
    examples = load_examples(paths, columns=columns, warn=warn)
    check_tasks(examples, tasks or {})
    texts = {document.id: document.text for document in catalog.documents()}
    check_documents(examples, texts)
    held = {one: found for one, found in (frozen.links if frozen else {}).items() if texts.keys() >= set(found)}
    examples, links = link_documents(examples, searcher.search_batch, known=held, tasks=tasks)
    if links.unlinked:
        unlinked = frozenset(links.unlinked)
        lines = [f"{one.question!r} ({one.provenance})" for one in examples if one.id in unlinked]
        warn(
            f"found no document for {len(lines)} questions without document_ids: no passage holds an answer with "
            f"another word of the question, so they are left out; name their documents to use them:{listed(lines)}"
        )
    return examples, links, texts


def prepare_examples(
    workspace: Workspace,
    catalog: Catalog,
    searcher: Searcher,
    paths: Sequence[Path],
    data: DataSettings,
    *,
    seed: int,
    freeze: bool,
    columns: Columns | None = None,
    accept_test_changes: bool = False,
    tasks: Mapping[str, Task] | None = None,
    warn: Tell,
) -> Prepared:
    """Read, link and divide the examples, before anything is mined or trained.

    Args:
        searcher: finds the documents of examples that name none.
        freeze: keep the split, above all its test set, for all later runs of the workspace.
        columns: column to field, where names do not tell.
        accept_test_changes: the frozen test set becomes what the examples make of it, instead of a refusal.
        tasks: by their names; what examples say of them is checked.
        warn: takes what the user should know though it stops nothing.

    Raises:
        InputError: the examples cannot be used.
        LeakError: what belongs together is asked to lie in two splits.
        MismatchError: the frozen test set is altered.
    """
    frozen = FrozenSplit.load(workspace.split) if workspace.split.is_file() else None
    examples, links, texts = linked_examples(
        catalog, searcher, paths, frozen=frozen, columns=columns, tasks=tasks, warn=warn
    )
    changes: list[str] = []
    if frozen is not None and accept_test_changes:
        changes, frozen = frozen.changes(examples), frozen.accepting(examples)
    split = make_split(
        examples,
        near_duplicate_groups(texts),
        seed=seed,
        validation=data.validation,
        test=data.test,
        frozen=frozen,
        extend_test=bool(changes),
    )
    if changes:
        warn(
            f"accepted {len(changes)} changes of the frozen test set; its figures are not comparable with earlier "
            f"ones:{listed(changes)}"
        )
    if freeze:
        split.freeze(examples, frozen).save(workspace.split)
    return Prepared({name: split.select(examples, name) for name in SPLITS}, split, links, len(changes))


def measured(prepared: Prepared, data: DataSettings, *, seed: int) -> dict[SplitName, list[Example]]:
    """The examples that a run uses: of validation and test no more than the settings say, spread over documents."""
    most = {"validation": data.most_validation, "test": data.most_test}
    return {
        name: list(spread(own, prepared.split.group_of_example, most.get(name), seed=seed))
        for name, own in prepared.examples.items()
    }


def teacher_of(workspace: Workspace, data: DataSettings) -> Teacher | None:
    """The cross-encoder that judges contrastive rows; None where none is configured.

    Raises:
        ConfigurationError: it cannot be found.
        InputError: it is no cross-encoder that is safe to load.
    """
    if data.teacher is None:
        return None
    return load_reranker(resolve(data.teacher, data.teacher_revision, root=workspace.root)).logits


def contrastive_rows(
    searcher: Searcher,
    examples: Sequence[Example],
    split: Split,
    data: DataSettings,
    *,
    teacher: Teacher | None = None,
) -> tuple[list[ContrastiveRow], MiningStats]:
    """Contrastive rows with negatives out of the index that ``searcher`` searches, in the order before a reranker's."""
    return mine_contrastive(
        examples,
        SearcherCandidates(searcher.reranking(None)),
        groups=split.group_of,
        negatives=data.negatives,
        held_out=split.documents("test"),
        teacher=teacher,
    )


def supervised_rows(
    searcher: Searcher,
    examples: Sequence[Example],
    split: Split,
    prompt: Prompt,
    data: DataSettings,
    *,
    seed: int,
    answered: Collection[str] = (),
    demonstrate: Callable[[Example], Sequence[Demonstration]] = lambda example: (),
    tasks: Mapping[str, Task] | None = None,
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
        answered=answered,
        held_out=split.documents("test"),
        distractors=data.distractors,
        demonstrate=demonstrate,
        tasks=tasks,
    )
