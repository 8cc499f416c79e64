"""Figures of a data set of rows, ten of its rows to look at, and saving it as a Hugging Face data set.

What it returns is plain data that JSON holds; showing it is the command line's.
"""

import math
import os
import random
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from retrieval.files import publish_directory, storage_errors
from training.data.contrastive import ContrastiveRow
from training.data.supervised import SupervisedRow

Row = SupervisedRow | ContrastiveRow

BINS = (32, 64, 128, 256, 512, 1024, 2048, 4096, 8192)


@dataclass(frozen=True)
class Tokens:
    """Lengths of what a model reads at once."""

    count: int
    mean: float
    median: int
    p95: int
    longest: int
    histogram: tuple[tuple[str, int], ...]
    """Label of a bin ("65-128") and how many lengths fall into it, from the first to the last that is not empty."""


@dataclass(frozen=True)
class DatasetSummary:
    """The figures of supervised or of contrastive rows."""

    kind: str
    """"supervised" or "contrastive"."""
    rows: dict[str, int]
    """Split to number of rows."""
    tokens: Tokens
    truncated: int
    """Texts longer than the limit."""
    token_limit: int
    duplicates: int
    """Rows that repeat an earlier row's content."""
    weak: int
    """Rows whose documents were found, not given."""
    balance: dict[str, dict[str, int]]
    """What the rows are spread over: name of the figure to value to count."""
    unanswerable_share: float | None
    """Supervised: share of the rows whose question the corpus does not answer."""
    abstention_share: float | None
    """Supervised: share of the rows whose target is the abstention, unanswerable ones included."""
    samples: tuple[dict[str, Any], ...]

    def as_json(self) -> dict[str, Any]:
        """Plain lists, objects, texts and numbers."""
        return asdict(self)


def summarise(
    rows: Mapping[str, Sequence[Row]],
    *,
    count: Callable[[str], int],
    token_limit: int,
    seed: int,
    samples: int = 10,
    length: Callable[[SupervisedRow], int] | None = None,
) -> DatasetSummary:
    """Summarise rows of one kind.

    A supervised row is measured as a whole. The texts of a contrastive row are embedded one by one, so
    each is measured.

    Args:
        rows: split to rows.
        count: number of tokens of a text.
        token_limit: what the model reads at most.
        samples: how many rows are drawn to look at.
        length: tokens of a supervised row as training encodes it; else its messages and completion without the
            few tokens of the chat template.
    """
    named = [(split, row) for split, own in rows.items() for row in own]
    kind = _kind([row for _, row in named])
    lengths_of: dict[str, int] = {}
    lengths: list[int] = []
    for _, row in named:
        if length is not None and isinstance(row, SupervisedRow):
            lengths.append(length(row))
            continue
        lengths += [sum(_cached(count, lengths_of, piece) for piece in text) for text in _texts(row)]
    contents = Counter(tuple(_texts(row)) for _, row in named)
    supervised = [row for _, row in named if isinstance(row, SupervisedRow)]
    drawn = sorted(random.Random(f"{seed}:samples").sample(range(len(named)), min(samples, len(named))))
    return DatasetSummary(
        kind=kind,
        rows={split: len(own) for split, own in rows.items()},
        tokens=_tokens(lengths),
        truncated=sum(length > token_limit for length in lengths),
        token_limit=token_limit,
        duplicates=sum(contents.values()) - len(contents),
        weak=sum(row.weak for _, row in named),
        balance=_balance(kind, [row for _, row in named]),
        unanswerable_share=_share([not row.answerable for row in supervised]),
        abstention_share=_share([not row.oracle_present for row in supervised]),
        samples=tuple({"split": named[i][0], **_plain(named[i][1])} for i in drawn),
    )


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
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(temporary, ignore_errors=True)
        try:
            # Left to itself, datasets writes no shard for an empty split and then cannot load it.
            shards = {split: None if own else 1 for split, own in rows.items()}
            DatasetDict(splits).save_to_disk(str(temporary), num_shards=shards)
            publish_directory(temporary, path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _features(kind: str) -> Any:
    from datasets import Features, List, Value

    text, flag = Value("string"), Value("bool")
    common = {"example_id": text, "split": text, "weak": flag}
    if kind == "contrastive":
        return Features(
            {
                **common,
                "anchor": text,
                "positive": text,
                "negatives": List(text),
                "positive_id": text,
                "negative_ids": List(text),
                "groups": List(text),
            }
        )
    return Features(
        {
            **common,
            "messages": List({"role": text, "content": text}),
            "completion": text,
            "passages": List(text),
            "answerable": flag,
            "oracle_present": flag,
            "oracle_position": Value("int32"),
            "oracle_positions": List(Value("int32")),
            "oracle_retrieved": flag,
        }
    )


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


def _cached(count: Callable[[str], int], known: dict[str, int], text: str) -> int:
    if text not in known:
        known[text] = count(text)
    return known[text]


def _tokens(lengths: Sequence[int]) -> Tokens:
    ordered = sorted(lengths)

    def quantile(share: float) -> int:
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)]

    edges = [*BINS, *(2**k for k in range(14, 64))]
    low, histogram = 0, []
    for edge in edges:
        histogram.append((f"{low}-{edge}", sum(low <= length <= edge for length in ordered)))
        low = edge + 1
        if edge >= ordered[-1]:
            break
    while histogram[0][1] == 0:
        histogram.pop(0)
    return Tokens(
        count=len(ordered),
        mean=round(sum(ordered) / len(ordered), 1),
        median=quantile(0.5),
        p95=quantile(0.95),
        longest=ordered[-1],
        histogram=tuple(histogram),
    )


def _balance(kind: str, rows: Sequence[Row]) -> dict[str, dict[str, int]]:
    balance: dict[str, Counter[str]]
    if kind == "supervised":
        balance = {
            "target": Counter(),
            "oracle_position": Counter(),
            "passages": Counter(),
            "oracle_retrieved": Counter(),
        }
        for row in rows:
            if isinstance(row, SupervisedRow):
                balance["target"][_target(row)] += 1
                balance["passages"][str(len(row.passages))] += 1
                if row.oracle_present:
                    balance["oracle_position"][str(row.oracle_position)] += 1
                if row.answerable:
                    balance["oracle_retrieved"]["yes" if row.oracle_retrieved else "no"] += 1
    else:
        mined = [row for row in rows if isinstance(row, ContrastiveRow)]
        per_example = Counter(row.example_id for row in mined)
        per_positive = Counter(row.positive_id for row in mined)
        balance = {
            "negatives": Counter(str(len(row.negatives)) for row in mined),
            "rows_per_example": Counter(str(n) for n in per_example.values()),
            "rows_per_positive": Counter(str(n) for n in per_positive.values()),
        }
    return {
        name: dict(sorted(values.items(), key=lambda item: (len(item[0]), item[0]))) for name, values in balance.items()
    }


def _target(row: SupervisedRow) -> str:
    if row.oracle_present:
        return "answer"
    return "abstention, oracle left out" if row.answerable else "abstention, unanswerable"


def _share(flags: Sequence[bool]) -> float | None:
    return round(sum(flags) / len(flags), 4) if flags else None


def _plain(row: Row) -> dict[str, Any]:
    plain = asdict(row)
    return {key: list(value) if isinstance(value, tuple) else value for key, value in plain.items()}
