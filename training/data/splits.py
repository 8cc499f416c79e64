"""Splits without leaks: what belongs together lies in one split, and the test set stays as it was frozen.

Documents belong together if they are near-duplicates or if one question needs both; questions, if they
share such documents or are the same. Knows nothing about retrieval: it runs before any row is built.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import networkx

from retrieval.errors import InputError, LeakError
from training.data.examples import SPLITS, Example, SplitName
from training.data.frozen_split import FrozenSplit, content_hash, test_fingerprint
from training.data.leaks import Node, check_no_leak, leak_message, links, refuse_overlap


@dataclass(frozen=True)
class Split:
    """Which split each example and document lies in."""

    assignments: Mapping[str, SplitName]
    """Example id to split."""
    unassigned: Mapping[str, str]
    """Example id to the reason why it lies in no split; it is used for nothing."""
    group_of: Mapping[str, str]
    """Document id to near-duplicate group, as given."""
    group_of_example: Mapping[str, str]
    """Example id to what it hangs together with, by near-duplicates, by questions over several documents and by
    questions asked twice: what intervals are resampled by."""
    split_of_document: Mapping[str, SplitName]
    """Document id to split; a document that no example names lies in train."""
    fingerprint: str
    """sha256 over the test examples."""

    def select(self, examples: Iterable[Example], name: SplitName) -> list[Example]:
        """The examples of one split, in their order, each carrying its split."""
        return [replace(e, split=name) for e in examples if self.assignments.get(e.id) == name]

    def counts(self) -> dict[SplitName, int]:
        """Examples in each split."""
        counted = Counter(self.assignments.values())
        return {name: counted[name] for name in SPLITS}

    def documents(self, name: SplitName) -> frozenset[str]:
        """Ids of the documents of one split."""
        return frozenset(key for key, split in self.split_of_document.items() if split == name)

    def freeze(self, examples: Sequence[Example], previous: FrozenSplit | None = None) -> FrozenSplit:
        """What to keep in the workspace; what ``previous`` knew and is not seen now stays known."""
        test = {e.id: content_hash(e) for e in examples if self.assignments.get(e.id) == "test"}
        asked = {doc for e in examples if e.id in self.assignments for doc in e.document_ids}
        groups = {self.group_of[doc] for doc in asked}
        documents = {doc: self.split_of_document[doc] for doc, group in self.group_of.items() if group in groups}
        links = {e.id: e.document_ids for e in examples if e.weak and e.id in self.assignments}
        return FrozenSplit(
            fingerprint=self.fingerprint,
            assignments={**(previous.assignments if previous else {}), **self.assignments},
            documents={**(previous.documents if previous else {}), **documents},
            test=test,
            links={**(previous.links if previous else {}), **links},
            questions={e.id: e.question for e in examples if e.id in test},
        )


def make_split(
    examples: Sequence[Example],
    groups: Mapping[str, str],
    *,
    seed: int,
    validation: float = 0.15,
    test: float = 0.25,
    frozen: FrozenSplit | None = None,
    extend_test: bool = False,
) -> Split:
    """Divide the examples so that nothing of one split is found in another.

    The splits that examples state are honoured, those of ``frozen`` too; the rest is divided by groups
    towards the shares asked for, by the seed and not by the order of rows. With ``frozen`` the test set
    is exactly the frozen one: a new question about its documents, or across frozen splits, lies in no split.

    Args:
        groups: document id to near-duplicate group, for every document of the corpus.
        validation: share of the examples; may be 0.
        test: share of the examples.
        extend_test: new questions about documents of the frozen test set join it.

    Raises:
        LeakError: stated or frozen splits overlap, with the pairs named.
        MismatchError: the frozen test set is altered.
        InputError: no answerable question can be held out, or none is left to train on.
    """
    labels = _labels(examples, groups, frozen)
    unassigned = {
        e.id: "it is answerable but no document is known to support it, so no split is safe for it"
        for e in examples
        if e.answerable and not e.document_ids and ("example", e.id) not in labels
    }
    if frozen is not None:
        unassigned |= _bridges(examples, groups, labels)
    placed = [example for example in examples if example.id not in unassigned]
    tied = networkx.Graph(links(placed, groups, labels))
    tied.add_nodes_from(("group", group) for group in groups.values())
    refuse_overlap(placed, tied, labels)

    name_of = _names(tied)
    members: dict[str, list[Example]] = {}
    for example in placed:
        members.setdefault(name_of["example", example.id], []).append(example)
    shares: dict[SplitName, float] = {"train": 1 - validation - test, "validation": validation, "test": test}
    if frozen is not None:
        del shares["test"]  # it is complete
    chosen = {name_of[node]: label for node, label in labels.items()}
    for answerable in (True, False):  # each kind for itself, so that its share is the same in all splits
        sizes = {n: len(own) for n, own in members.items() if any(e.answerable for e in own) == answerable}
        chosen.update(_allocate(sizes, chosen, shares, seed))

    assignments: dict[str, SplitName] = {}
    for example in placed:
        name = chosen[name_of["example", example.id]]
        if frozen is not None and name == "test" and example.id not in frozen.test and not extend_test:
            unassigned[example.id] = "it belongs with the test set, which is frozen"
        else:
            assignments[example.id] = name
    independent = sum(any(e.answerable for e in own) for own in members.values())
    _check_enough(examples, assignments, independent)
    check_no_leak(assignments, examples, groups)
    return Split(
        assignments=assignments,
        unassigned=unassigned,
        group_of=dict(groups),
        group_of_example={key: name_of["example", key] for key in assignments},
        split_of_document={doc: chosen.get(name_of["group", group], "train") for doc, group in groups.items()},
        fingerprint=test_fingerprint({e.id: content_hash(e) for e in examples if assignments.get(e.id) == "test"}),
    )


def question_groups(examples: Sequence[Example], groups: Mapping[str, str]) -> dict[str, str]:
    """Example id to what it hangs together with, as ``Split.group_of_example``, where nothing is divided."""
    name_of = _names(networkx.Graph(links(examples, groups, {})))
    return {example.id: name_of["example", example.id] for example in examples}


def _labels(
    examples: Sequence[Example], groups: Mapping[str, str], frozen: FrozenSplit | None
) -> dict[Node, SplitName]:
    """The splits that are settled before anything is divided: frozen ones, and those that examples state."""
    labels: dict[Node, SplitName] = {("example", e.id): e.split for e in examples if e.split is not None}
    if frozen is None:
        return labels
    frozen.check(examples)
    moved = [
        f"{e.where} states {e.split}, frozen in {frozen.assignments[e.id]}"
        for e in examples
        if e.split is not None and frozen.assignments.get(e.id, e.split) != e.split
    ]
    if moved:
        raise LeakError(leak_message(moved))
    labels.update((("example", e.id), frozen.assignments[e.id]) for e in examples if e.id in frozen.assignments)
    labels.update((("document", doc), split) for doc, split in frozen.documents.items() if doc in groups)
    return labels


def _bridges(
    examples: Sequence[Example], groups: Mapping[str, str], labels: Mapping[Node, SplitName]
) -> dict[str, str]:
    """New questions over documents of different frozen splits, with the reason why they are left out."""
    frozen: dict[str, set[SplitName]] = {}
    for (kind, key), split in labels.items():
        if kind == "document":
            frozen.setdefault(groups[key], set()).add(split)
    found = {}
    for example in examples:
        splits = set().union(*(frozen.get(groups[document], set()) for document in example.document_ids))
        if ("example", example.id) not in labels and len(splits) > 1:
            found[example.id] = f"it asks across documents of {' and '.join(sorted(splits))}, which are frozen"
    return found


def _names(tied: networkx.Graph) -> dict[Node, str]:
    """Node to the name of all that hangs together with it: the smallest group in it, else the smallest example."""
    names: dict[Node, str] = {}
    for nodes in networkx.connected_components(tied):
        of_kind = {kind: min((key for k, key in nodes if k == kind), default=None) for kind in ("group", "example")}
        name = of_kind["group"] if of_kind["group"] is not None else f"question {of_kind['example']}"
        names.update((node, name) for node in nodes)
    return names


def _allocate(
    sizes: Mapping[str, int], chosen: Mapping[str, SplitName], shares: Mapping[SplitName, float], seed: int
) -> dict[str, SplitName]:
    """Split of each component that has none yet: whichever is furthest from its share and has room.

    Components too large for anything but train come first, the others in an order drawn by the seed.
    As long as there are components at all, train, then test, then validation get one.
    """
    total = sum(sizes.values())
    target = {name: share * total for name, share in shares.items() if share > 0}
    filled = Counter(dict.fromkeys(target, 0))
    for component, size in sizes.items():
        if component in chosen:
            filled[chosen[component]] += size
    room = sum(target.values()) - target["train"]
    free = sorted(
        (component for component in sizes if component not in chosen),
        key=lambda component: (sizes[component] <= room, _draw(seed, component)),
    )
    result: dict[str, SplitName] = {}
    for place, component in enumerate(free):
        size = sizes[component]
        empty = [name for name in ("train", "test", "validation") if name in target and not filled[name]]
        if empty and len(free) - place <= len(empty):
            result[component] = empty[0]
        else:
            # 10 % over is room enough; where there is none, the least overfull split.
            fits = [name for name in target if filled[name] + size <= 1.1 * target[name]]
            after = size if not fits else 0
            result[component] = min(
                fits or target, key=lambda name: ((filled[name] + after) / target[name], -target[name])
            )
        filled[result[component]] += size
    return result


def _check_enough(examples: Sequence[Example], assignments: Mapping[str, str], groups: int) -> None:
    """Raise where no answerable question is held out, or none is left to train on."""
    counted = Counter(assignments.get(e.id) for e in examples if e.answerable)
    for name, purpose in (("test", "be held out as test set"), ("train", "be trained on")):
        if counted[name]:
            continue
        documents = {document for example in examples for document in example.document_ids}
        if groups < 2:
            raise InputError(
                f"found {sum(e.answerable for e in examples)} answerable questions on {len(documents)} documents that "
                f"all hang together (near-duplicates, or questions over several documents), so none can {purpose};"
                " expected at least 2 independent groups, better 20: add documents and questions about them"
            )
        raise InputError(
            f"found no answerable question in {name} by the splits that examples state, expected some to {purpose}: "
            f'give "split": "{name}" to some, or leave "split" out to have it chosen'
        )


def _draw(seed: int, key: str) -> str:
    return hashlib.sha256(f"{seed}:{key}".encode()).hexdigest()
