"""What ties questions and documents together, and which of it runs across two splits.

Knows nothing about how a split is chosen: it is given labels and tells where they clash.
"""

from collections.abc import Iterator, Mapping, Sequence

import networkx

from retrieval.errors import LeakError
from training.data.examples import Example
from training.data.grouping import near_duplicate_groups
from training.data.matching import question_key

SHOWN_PAIRS = 5
SIMILAR_QUESTIONS = 0.6
"""Jaccard similarity from which two unanswerable questions stay together (nothing else ties them)."""

Node = tuple[str, str]
"""("example" | "document" | "group" | "question" | "similar", its id)."""
Link = tuple[Node, Node]


def check_no_leak(assignments: Mapping[str, str], examples: Sequence[Example], groups: Mapping[str, str]) -> None:
    """Check any assignment of examples to splits: no group of documents and no question in two of them.

    Args:
        assignments: example id to split; examples that it lacks are left out.
        groups: document id to near-duplicate group.

    Raises:
        LeakError: with up to five pairs.
    """
    first: dict[Node, Example] = {}
    faults: list[str] = []
    for example in examples:
        mine = assignments.get(example.id)
        if mine is None:
            continue
        shared: list[Node] = [("group", groups[document]) for document in example.document_ids]
        for node in [*shared, ("question", question_key(example.question))]:
            other = first.setdefault(node, example)
            if assignments[other.id] != mine:
                what = "the same question" if node[0] == "question" else f"near-duplicates of document {node[1]!r}"
                faults.append(f"{other.where} in {assignments[other.id]} and {example.where} in {mine}: {what}")
    if faults:
        raise LeakError(leak_message(list(dict.fromkeys(faults))))


def links(examples: Sequence[Example], groups: Mapping[str, str], labels: Mapping[Node, str]) -> list[Link]:
    """What ties examples to documents, documents to their near-duplicates, and questions to each other."""
    found: list[Link] = []
    named = {document for example in examples for document in example.document_ids}
    named |= {key for kind, key in labels if kind == "document"}
    found += [(("document", document), ("group", groups[document])) for document in sorted(named)]
    for example in examples:
        node = ("example", example.id)
        found += [(node, ("document", document)) for document in example.document_ids]
        found.append((node, ("question", question_key(example.question))))
    # Unanswerable questions hang on no document, so rewordings are held together by their words. One
    # whose split is settled is not moved by that: it only draws along those whose split is not.
    loose = {example.id: example.question for example in examples if not example.answerable}
    similar: dict[str, list[Node]] = {}
    for key, group in sorted(near_duplicate_groups(loose, SIMILAR_QUESTIONS).items()):
        similar.setdefault(group, []).append(("example", key))
    for group, nodes in similar.items():
        settled = sorted((node for node in nodes if node in labels), key=lambda node: labels[node] != "test")
        free = [node for node in nodes if node not in labels]
        found += [(node, ("similar", group)) for node in [*settled[:1], *free]] if free else []
    return found


def refuse_overlap(examples: Sequence[Example], tied: networkx.Graph, labels: Mapping[Node, str]) -> None:
    """Check that no two labels of different splits are tied together.

    Args:
        tied: of :func:`links`.

    Raises:
        LeakError: with up to five pairs and what ties each.
    """
    by_id = {example.id: example for example in examples}
    faults: list[str] = []
    known_clean: set[Node] = set()
    # From the test set outwards, then validation: any clash has one of these at one end.
    for name in ("test", "validation"):
        for start in (node for node, label in labels.items() if label == name and node in tied):
            if start in known_clean:
                continue
            paths = networkx.single_source_shortest_path(tied, start)  # by their length
            path = next((path for end, path in paths.items() if labels.get(end, name) != name), None)
            if path is None:
                known_clean |= paths.keys()
            elif name == "test" or labels[path[-1]] == "train":  # test to validation is told from the test side
                faults.append(" - ".join(_told(path, by_id, labels)))
            if len(faults) > SHOWN_PAIRS:
                raise LeakError(leak_message(faults))
    if faults:
        raise LeakError(leak_message(faults))


def leak_message(faults: Sequence[str]) -> str:
    """One message for pairs across splits."""
    more = "\n  and more" if len(faults) > SHOWN_PAIRS else ""
    return (
        "found questions or documents of one split tied to another, expected none in common; give the whole group "
        'one "split" (or none, to have it chosen) or remove these examples:\n  '
        + "\n  ".join(faults[:SHOWN_PAIRS])
        + more
    )


def _told(path: Sequence[Node], examples: Mapping[str, Example], labels: Mapping[Node, str]) -> Iterator[str]:
    """The nodes of a path in words."""
    for node in path:
        kind, key = node
        if kind == "example":
            label = f" in {labels[node]}" if node in labels else ""
            yield f"{examples[key].where}{label}"
        elif kind == "document":
            label = f" (frozen in {labels[node]})" if node in labels else ""
            yield f"document {key!r}{label}"
        elif kind == "group":
            yield "near-duplicate of"
        elif kind == "question":
            yield "the same question as"
        else:
            yield "similar to"
