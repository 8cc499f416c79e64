"""Figures of a data set of rows, ten of its rows to look at, and saving it as a Hugging Face data set.

What it returns is plain data that JSON holds; showing it is the command line's.
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from itertools import dropwhile
from pathlib import Path
from typing import Any

import numpy as np

from retrieval.files import new_directory
from training.data.contrastive import ContrastiveRow
from training.data.examples import Example, SplitName
from training.data.supervised import SupervisedRow

Row = SupervisedRow | ContrastiveRow

SAMPLES = 10
FIRST_BIN = 32
"""Tokens of the shortest texts that are counted together; each further bin is twice as wide."""


def summarise(
    rows: Mapping[str, Sequence[Row]],
    *,
    count: Callable[[str], int],
    token_limit: int,
    seed: int,
    length: Callable[[SupervisedRow], int] | None = None,
) -> dict[str, Any]:
    """The figures of rows of one kind.

    Args:
        rows: split to rows.
        count: number of tokens of a text.
        token_limit: what the model reads at most.
        length: tokens of a supervised row as training encodes it; else its messages and completion without the
            few tokens of the chat template.

    Returns:
        ``tokens``: lengths of what a model reads at once, a supervised row as a whole and the texts of a
        contrastive row one by one, with a histogram of bins ("65-128"). ``truncated``: of these, how many are over
        the limit. ``duplicates``: rows that repeat an earlier row's content. ``weak``: rows whose documents were
        found, not given. ``balance``: what the rows are spread over, as figure to value to rows.
        ``unanswerable_share`` and ``abstention_share``: of supervised rows those that the corpus does not answer,
        and those whose target is the abstention for that or another reason. ``samples``: rows drawn by the seed.
    """
    named = [(split, row) for split, own in rows.items() for row in own]
    kind = _kind([row for _, row in named])
    counted = cache(count)
    lengths: list[int] = []
    for _, row in named:
        if length is not None and isinstance(row, SupervisedRow):
            lengths.append(length(row))
        else:
            lengths += [sum(map(counted, pieces)) for pieces in _texts(row)]
    contents = Counter(tuple(_texts(row)) for _, row in named)
    supervised = [row for _, row in named if isinstance(row, SupervisedRow)]
    drawn = sorted(random.Random(f"{seed}:samples").sample(range(len(named)), min(SAMPLES, len(named))))
    return {
        "kind": kind,
        "rows": {split: len(own) for split, own in rows.items()},
        "tokens": _tokens(lengths),
        "truncated": sum(length > token_limit for length in lengths),
        "token_limit": token_limit,
        "duplicates": contents.total() - len(contents),
        "weak": sum(row.weak for _, row in named),
        "balance": _balance([row for _, row in named]),
        "unanswerable_share": _share([not row.answerable for row in supervised]),
        "abstention_share": _share([not row.oracle_present for row in supervised]),
        "samples": [{"split": split, **_plain(row)} for split, row in (named[place] for place in drawn)],
    }


def example_balance(
    examples: Mapping[SplitName, Sequence[Example]], group_of: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """How evenly the examples of each split are spread.

    Args:
        group_of: example id to the group of near-duplicate documents that it belongs to.

    Returns:
        Split to ``tasks`` (name to questions; empty where none is named), ``unanswerable_share``, ``groups`` and
        ``largest_group``, the questions of the group with most.
    """
    figures = {}
    for name, own in examples.items():
        tasks = Counter(one.task or "none" for one in own)
        groups = Counter(group_of[one.id] for one in own)
        figures[str(name)] = {
            "tasks": dict(tasks.most_common()) if tasks.keys() - {"none"} else {},
            "unanswerable_share": _share([not one.answerable for one in own]) or 0.0,
            "groups": len(groups),
            "largest_group": max(groups.values(), default=0),
        }
    return figures


def save(rows: Mapping[str, Sequence[Row]], path: Path) -> None:
    """Save rows of one kind as a ``datasets.DatasetDict``, whole or not at all.

    Args:
        rows: split to rows.
        path: a directory that does not exist yet.

    Raises:
        StorageError: the directory exists, or the disk refused.
    """
    kind = _kind([row for own in rows.values() for row in own])
    from datasets import Dataset, DatasetDict

    features = _features(kind)
    splits = {}
    for split, own in rows.items():
        plain = [_plain(row) for row in own]
        columns = {name: [row[name] for row in plain] for name in features}  # an empty split has its columns too
        splits[split] = Dataset.from_dict(columns, features=features)
    # Left to itself, datasets writes no shard for an empty split and then cannot load it.
    shards = {split: None if own else 1 for split, own in rows.items()}
    with new_directory(path) as directory:
        DatasetDict(splits).save_to_disk(str(directory), num_shards=shards)


def _features(kind: str) -> Any:
    """The columns with their types, which an empty list or a split without rows does not tell."""
    from datasets import Features, List, Value

    text, flag, mark = Value("string"), Value("bool"), Value("int32")
    columns: dict[str, Any] = {"example_id": text, "split": text, "weak": flag}
    if kind == "contrastive":
        columns |= dict.fromkeys(("anchor", "positive", "positive_id"), text)
        columns |= dict.fromkeys(("negatives", "negative_ids", "groups"), List(text))
        columns["teacher"] = List(Value("float64"))
    else:
        columns |= dict.fromkeys(("answerable", "oracle_present", "oracle_retrieved", "cites"), flag)
        columns |= {"messages": List({"role": text, "content": text}), "completion": text, "passages": List(text)}
        columns["task"] = text
        columns |= {"oracle_position": mark, "oracle_positions": List(mark)}
    return Features(columns)


def _kind(rows: Sequence[Row]) -> str:
    kinds = {"supervised" if isinstance(row, SupervisedRow) else "contrastive" for row in rows}
    if len(kinds) != 1:
        raise ValueError(f"found rows of {len(kinds)} kinds ({', '.join(sorted(kinds))}), expected rows, of one kind")
    return kinds.pop()


def _texts(row: Row) -> list[tuple[str, ...]]:
    """What is read at once, each as the pieces that it is made of."""
    if isinstance(row, SupervisedRow):
        return [(*(message["content"] for message in row.messages), row.completion)]
    return [(row.anchor,), (row.positive,), *((negative,) for negative in row.negatives)]


def _tokens(lengths: Sequence[int]) -> dict[str, Any]:
    longest = max(lengths)
    ends = [FIRST_BIN]
    while ends[-1] < longest:
        ends.append(2 * ends[-1])
    starts = [0, *(end + 1 for end in ends)]
    heights = np.histogram(lengths, starts)[0].tolist()
    bins = [(f"{start}-{end}", height) for start, end, height in zip(starts, ends, heights, strict=False)]
    median, p95 = np.quantile(lengths, [0.5, 0.95], method="inverted_cdf").tolist()
    return {
        "count": len(lengths),
        "mean": round(sum(lengths) / len(lengths), 1),
        "median": median,
        "p95": p95,
        "longest": longest,
        "histogram": list(dropwhile(lambda one: not one[1], bins)),
    }


def _balance(rows: Sequence[Row]) -> dict[str, dict[str, int]]:
    supervised = [row for row in rows if isinstance(row, SupervisedRow)]
    mined = [row for row in rows if isinstance(row, ContrastiveRow)]
    figures: dict[str, Counter[Any]]
    if supervised:
        figures = {
            "target": Counter(map(_target, supervised)),
            "oracle_position": Counter(row.oracle_position for row in supervised if row.oracle_present),
            "passages": Counter(len(row.passages) for row in supervised),
            "oracle_retrieved": Counter(
                "yes" if row.oracle_retrieved else "no" for row in supervised if row.answerable
            ),
        }
        if tasks := Counter(row.task for row in supervised if row.task):
            figures["task"] = tasks
    else:
        figures = {
            "negatives": Counter(len(row.negatives) for row in mined),
            "rows_per_example": Counter(Counter(row.example_id for row in mined).values()),
            "rows_per_positive": Counter(Counter(row.positive_id for row in mined).values()),
        }
    return {name: {str(value): n for value, n in sorted(found.items())} for name, found in figures.items()}


def _target(row: SupervisedRow) -> str:
    if row.oracle_present:
        return "answer"
    return "abstention, oracle left out" if row.answerable else "abstention, unanswerable"


def _share(flags: Sequence[bool]) -> float | None:
    return round(sum(flags) / len(flags), 4) if flags else None


def _plain(row: Row) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(row).items()}
