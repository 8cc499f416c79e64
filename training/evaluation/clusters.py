"""Where faults lie together: by group of documents, and by topic, which is the folder of a document.

What a topic is about is told by the words of its questions that the others lack: c-TF-IDF, which takes all questions
of a class for one text (Grootendorst 2022, BERTopic).
"""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from training.evaluation.evaluate import Record
from training.scoring.stopwords import STOP_WORDS
from training.scoring.tokens import tokenise

FEWEST = 2
"""Faults that make a cluster."""


def topic_of(document_ids: Sequence[str]) -> str:
    """The folder of the first document; empty for rows and files that lie in none."""
    return document_ids[0].rpartition("/")[0] if document_ids else ""


def telling_words(questions: Sequence[tuple[str, str]], most: int = 3) -> dict[str, list[str]]:
    """Class to the words that tell its questions from those of the others, the most telling first.

    Args:
        questions: the class of each, and its text.
    """
    counts: dict[str, Counter[str]] = {}
    for name, question in questions:
        words = (token.text for token in tokenise(question) if token.kind in ("word", "code"))
        counts.setdefault(name, Counter()).update(word for word in words if word not in STOP_WORDS and len(word) > 1)
    everywhere: Counter[str] = sum(counts.values(), Counter())
    average = everywhere.total() / max(1, len(counts))
    return {
        name: sorted(own, key=lambda word: (-own[word] * math.log(1 + average / everywhere[word]), word))[:most]
        for name, own in counts.items()
    }


def clusters(faulty: Sequence[Record], asked: Sequence[Record], *, most: int = 3) -> list[dict[str, Any]]:
    """The groups of documents and the topics with most of the faults, each with at least two.

    Args:
        faulty: records at fault, of ``asked``.

    Returns:
        ``kind`` (``documents`` or ``topic``), ``name``, ``words`` (of a topic's questions), ``n`` faults ``of`` so many
        questions. A topic that holds all questions tells nothing and is left out.
    """
    topics = {record.id: topic for record in asked if (topic := topic_of(record.document_ids))}
    all_groups = Counter(record.group for record in asked)
    all_topics = Counter(topics.values())
    named = {record.group: sorted(record.document_ids) for record in asked if record.document_ids}
    words = telling_words([(topics[record.id], record.question) for record in asked if record.id in topics])
    groups = Counter(record.group for record in faulty if record.group in named)
    inside = Counter(topics[record.id] for record in faulty if record.id in topics)
    found: list[dict[str, Any]] = [
        {"kind": "documents", "name": ", ".join(named[group]), "words": [], "n": n, "of": all_groups[group]}
        for group, n in _most(groups, most)
    ]
    found += [
        {"kind": "topic", "name": topic, "words": words[topic], "n": n, "of": all_topics[topic]}
        for topic, n in _most(inside, most)
        if all_topics[topic] < len(asked)
    ]
    return found


def _most(counted: Counter[str], most: int) -> list[tuple[str, int]]:
    ranked = sorted(counted.items(), key=lambda one: (-one[1], one[0]))
    return [(name, n) for name, n in ranked if n >= FEWEST][:most]
