"""Rows for one kind of error: which drafts teach most where a system still fails, and which settings go with them.

Knows nothing about runs.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retrieval.catalog import Catalog
from retrieval.errors import InputError
from retrieval.progress import Progress, silent
from retrieval.search import Searcher
from training.data.candidates import DEPTH
from training.data.preparation import Prepared
from training.evaluation.errors import Bucket
from training.scoring.tokens import tokens
from training.settings import DataSettings
from training.synthesis.drafts import Kind
from training.synthesis.filters import Filters
from training.synthesis.generate import Made, generate

SHARE, FEWEST = 0.25, 40
"""Rows that are added: such a part of the training examples, and so many at least."""
_AT_A_TIME = 3
"""Rows of one document before the others have their turn."""
POOL = 4
"""Rows that are made for each that is chosen."""
_MORE_ABSTENTIONS, _MOST_ABSTENTIONS = 0.1, 0.5


@dataclass(frozen=True)
class Remedy:
    """What is made for a bucket."""

    kinds: tuple[Kind, ...]
    within: int
    """The rank down to which retrieval must find a question's document."""
    hardness: Callable[[Made], float]
    """How much a row is like the errors; the highest are taken."""
    why: str
    """In words."""


def _ranked_low(one: Made) -> float:
    return float(one.rank)


def _far_in_words(one: Made) -> float:
    asked = set(tokens(one.draft.question))
    return -len(asked & set(tokens(one.draft.evidence))) / max(1, len(asked))


def _among_others(one: Made) -> float:
    """Numbers that its chunk holds beside the right one."""
    return float(len(re.findall(r"\d[\d.,]*", one.draft.evidence)))


def _of_several(one: Made) -> float:
    return float(len(one.draft.sources))


REMEDIES: Mapping[Bucket, Remedy] = {
    "not retrieved": Remedy(
        ("natural", "keyword", "several", "inverse cloze"), 20, _ranked_low, "questions that search ranks low"
    ),
    "retrieved and ignored": Remedy(
        ("natural", "keyword", "claim", "cloze"),
        5,
        _among_others,
        "questions among many numbers, with look-alike distractors",
    ),
    "wrong span": Remedy(
        ("natural", "keyword", "claim", "cloze"), 5, _among_others, "questions on passages with many numbers"
    ),
    "wrongly abstained": Remedy(
        ("natural", "keyword", "claim", "cloze"),
        5,
        _far_in_words,
        "answerable questions in other words than their passages",
    ),
    "should have abstained": Remedy(("unanswerable",), 5, _ranked_low, "questions about what no document knows"),
    "wrong citation": Remedy(
        ("several", "natural", "cloze"), 5, _of_several, "answers that cite, of several passages first"
    ),
    "wrong format": Remedy(
        ("natural", "keyword", "several", "cloze"), 5, _of_several, "answers in the form that is wanted"
    ),
}


def count_of(examples: int) -> int:
    """How many rows are added to so many training examples."""
    return max(FEWEST, round(SHARE * examples))


def targeted_rows(
    catalog: Catalog,
    searcher: Searcher,
    prepared: Prepared,
    bucket: Bucket,
    failed: Sequence[str],
    *,
    seed: int,
    progress: Progress = silent,
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Rows of an examples file for a bucket, of training documents only, and their figures.

    Args:
        failed: the validation questions in the bucket; what is like them is made first, what is near them is not made.

    Raises:
        InputError: no row can be made, and nothing else is changed for the bucket.
    """
    remedy, split = REMEDIES[bucket], prepared.split
    filters = Filters(
        lambda questions: searcher.search_batch(questions, top_k=DEPTH),
        [one.question for name in ("validation", "test") for one in prepared.examples[name]],
        split.group_of,
        within=remedy.within,
        asked=[one.question for one in prepared.examples["train"]],
    )
    wanted = count_of(len(prepared.examples["train"]))
    pool = generate(
        catalog,
        split.documents("train"),
        filters,
        limit=POOL * wanted,
        seed=seed,
        kinds=remedy.kinds,
        progress=progress,
    )
    like = likeness(searcher, [one.draft.question for one in pool.made], failed)
    rows = [one.draft.row() for one in chosen(pool.made, bucket, wanted, like)]
    counts = pool.counts()
    if not rows and bucket != "should have abstained":  # where more rows without their oracle are the remedy, too
        raise InputError(
            f"found no row that can be made for {bucket!r} of {len(split.documents('train'))} training documents "
            f"(dropped: {counts['dropped']}), expected some: write examples of that kind and retrain with them"
        )
    figures = {"bucket": bucket, "rows": len(rows), "what": f"{remedy.why}, like those that went wrong"}
    return rows, {**figures, "methods": _methods(rows), **{name: counts[name] for name in ("drafts", "dropped")}}


def _methods(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    return dict(Counter(row["metadata"]["method"] for row in rows).most_common())


def likeness(searcher: Searcher, questions: Sequence[str], failed: Sequence[str]) -> list[float]:
    """The cosine of each question with the nearest of those that failed; zeros where none is known."""
    if not questions or not failed:
        return [0.0] * len(questions)
    own, theirs = (searcher.embedder.encode_questions(some) for some in (questions, failed))
    return [float(found) for found in (own @ theirs.T).max(axis=1)]


def chosen(made: Sequence[Made], bucket: Bucket, count: int, like: Sequence[float]) -> list[Made]:
    """Of the half that is most like what failed the hardest rows, some of each document at a time.

    Args:
        like: how much each row is like a question that failed; of equals those made earlier are taken.
    """
    least = min(sorted(like, reverse=True)[: max(count, len(made) // 2)], default=0.0)
    nearest = [one for one, own in zip(made, like, strict=True) if own >= least]
    hardest = sorted(nearest, key=lambda one: -REMEDIES[bucket].hardness(one))
    taken: Counter[str] = Counter()
    turns = []
    for one in hardest:
        document = one.draft.sources[0].document_id
        turns.append(taken[document] // _AT_A_TIME)
        taken[document] += 1
    return [hardest[place] for place in sorted(range(len(turns)), key=lambda place: turns[place])][:count]


def settings_for(bucket: Bucket, data: DataSettings) -> DataSettings:
    """The settings of rows that go with a bucket."""
    if bucket in ("retrieved and ignored", "wrong span"):
        return data.model_copy(update={"distractors": ("swapped entity", "contradicting")})
    if bucket == "should have abstained":
        share = min(_MOST_ABSTENTIONS, data.abstention_share + _MORE_ABSTENTIONS)
        return data.model_copy(update={"abstention_share": max(data.abstention_share, share)})
    return data
