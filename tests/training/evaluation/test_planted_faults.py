"""Faults planted on real documents and people's questions: how often the bucket names what was planted.

The planting knows nothing of the rules that tell buckets: answers are cut by chance out of the passages that a plain
search returns, and worded in several ways.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from retrieval.prompt import Prompt
from training.data.matching import supporting
from training.evaluation.errors import Bucket, bucket_of
from training.evaluation.evaluate import Record
from training.scoring.answer_metrics import score_answer
from training.scoring.tokens import tokens

DEMO = Path(__file__).parents[3] / "deploy" / "demo"
PARTS = ("hardware/procedures", "hardware/manuals", "hardware/firmware", "software/guides", "software/api")
SHOWN, EACH = 4, 60
ABSTENTION = Prompt().abstention


class World:
    """Sections of the demo's Markdown, the questions about them, and a search by words."""

    def __init__(self) -> None:
        self.chunks: dict[str, dict[str, str]] = {}
        for part in PARTS:
            for path in sorted((DEMO / "documents" / part).glob("*.md")):
                name = path.relative_to(DEMO / "documents").as_posix()
                sections = [one.strip() for one in re.split(r"\n(?=## )", path.read_text()) if one.strip()]
                self.chunks[name] = {f"{name}#{place}": text for place, text in enumerate(sections)}
        self.texts = {key: text for own in self.chunks.values() for key, text in own.items()}
        self.words = {key: set(tokens(text)) for key, text in self.texts.items()}
        counts = Counter(word for own in self.words.values() for word in own)
        self.weight = {word: math.log(len(self.words) / count) for word, count in counts.items()}
        rows = [
            json.loads(line)
            for file in ("hardware", "software")
            for line in (DEMO / "examples" / f"{file}.jsonl").read_text().splitlines()
        ]
        self.answerable = [row for row in rows if row["answers"] and set(row["document_ids"]) <= self.chunks.keys()]
        self.unanswerable = [row for row in rows if not row["answers"]]

    def search(self, question: str, without: frozenset[str] = frozenset()) -> list[str]:
        """The best sections of all documents but some."""
        asked = set(tokens(question))
        scores = {
            key: sum(self.weight[word] for word in asked & own) / math.sqrt(len(own))
            for key, own in self.words.items()
            if key.rpartition("#")[0] not in without
        }
        return sorted(scores, key=lambda key: (-scores[key], key))[:SHOWN]


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def cut(text: str, draw: Random) -> str:
    """Some words in a row of a text."""
    lines = [line for line in re.split(r"\n|(?<=[.!?]) ", text) if len(line.split()) > 1 and not line.startswith("#")]
    words = (draw.choice(lines) if lines else text).strip("-* ").split()
    start = draw.randrange(max(1, len(words) - 2))
    return " ".join(words[start : start + draw.randrange(2, 7)]).strip(".,;:`*- ")


def said(answer: str, mark: int | None, draw: Random) -> str:
    """An answer as a generator may word it."""
    cited = f" [{mark}]" if mark else ""
    return draw.choice(
        (f"{answer}{cited}", f"{answer}{cited}", f"It is {answer}{cited}.", f"{answer[:1].upper()}{answer[1:]}.{cited}")
    )


def planted(world: World, bucket: Bucket, seed: int) -> Iterator[Record]:
    """Records with one kind of fault; a cut that happens to be right is no fault, and is left out."""
    draw = Random(f"{bucket} {seed}")
    rows = world.unanswerable if bucket == "should have abstained" else world.answerable
    for row in draw.sample(rows, len(rows)):
        documents = tuple(row["document_ids"] if row["answers"] else ())
        gone = frozenset(documents) if bucket == "not retrieved" else frozenset()
        served = world.search(row["question"], gone)
        gold = {
            chunks[place]
            for chunks, texts in ((list(world.chunks[one]), list(world.chunks[one].values())) for one in documents)
            for place in supporting(texts, row["answers"])
        }
        read = [place for place, key in enumerate(served, start=1) if key in gold]
        others = [place for place, key in enumerate(served, start=1) if key not in gold]
        if bucket not in ("not retrieved", "should have abstained") and (not read or not others):
            continue
        right = row["answers"][0] if row["answers"] else ""
        answer = _answer(bucket, right, read, others, lambda place, own=served: world.texts[own[place - 1]], draw)
        abstained = answer == ABSTENTION
        worth = score_answer(answer, row["answers"], abstained=abstained, question=row["question"])
        meant_right = bucket == "wrong citation" or (bucket == "wrong format" and right in answer)
        if (worth.outcome == "correct") != meant_right and bucket != "wrong format":
            continue
        yield Record(
            id=row["id"], question=row["question"], group=row["id"], answers=tuple(row["answers"]),
            document_ids=documents, weak=False, ranked=tuple(dict.fromkeys(key.rpartition("#")[0] for key in served)),
            similarity=0.5, retrieval=None, passages=tuple(served), answer=answer, outcome=worth.outcome,
            answer_score=worth.answer_score,
        )  # fmt: skip


def _answer(
    bucket: Bucket, right: str, read: list[int], others: list[int], text: Callable[[int], str], draw: Random
) -> str:
    marked = draw.random() < 0.7
    if bucket == "wrongly abstained" or (bucket == "not retrieved" and draw.random() < 0.4):
        return ABSTENTION
    if bucket in ("not retrieved", "should have abstained", "retrieved and ignored"):
        place = draw.choice(others)
        return said(cut(text(place), draw), place if marked else None, draw)
    if bucket == "wrong span":
        place = draw.choice(read)
        return said(cut(text(place), draw), place if marked else None, draw)
    if bucket == "wrong citation":
        return said(right, draw.choice(others), draw)
    place = draw.choice(read)
    return draw.choice(
        (
            right,
            f"It is {right}.",
            json.dumps({"answer": cut(text(place), draw)}),
            f"<|im_start|>assistant\n{cut(text(place), draw)}",
            f"Question: {cut(text(place), draw)}",
            f"```\n{cut(text(place), draw)}\n```",
            " ".join(f"{text(one)}" for one in (*read, *others)),
        )
    )


@pytest.mark.parametrize(
    "bucket",
    [
        "not retrieved",
        "retrieved and ignored",
        "wrong span",
        "wrongly abstained",
        "should have abstained",
        "wrong citation",
        "wrong format",
    ],
)
def test_four_of_five_planted_faults_are_told_right(world: World, bucket: Bucket) -> None:
    records = [record for _, record in zip(range(EACH), planted(world, bucket, 1), strict=False)]
    assert len(records) >= EACH // 3
    told = Counter(bucket_of(record, world.chunks, shown=SHOWN) for record in records)
    assert told[bucket] >= 0.8 * len(records), told
