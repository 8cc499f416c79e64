import math
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from retrieval.documents import Passage
from retrieval.errors import LeakError, TrainingError
from training.data.contrastive import ContrastiveRow, MiningStats, mine_contrastive
from training.data.examples import Example

ASK = Example("q", "What is the range?", ("42 km",), ("a",), split="train")


class Source:
    """Chunk id to (text, similarity), and the order in which they are returned."""

    def __init__(self, chunks: dict[str, tuple[str, float]], ranking: Sequence[str]) -> None:
        self.chunks, self.ranking = chunks, ranking

    def passage(self, chunk_id: str, rank: int) -> Passage:
        text, similarity = self.chunks[chunk_id]
        context, _, rest = text.rpartition("\n")
        return Passage(chunk_id.split("#")[0], chunk_id, rest, context, 0.0, rank, similarity)

    def search(self, questions: list[str]) -> list[list[Passage]]:
        return [[self.passage(c, i) for i, c in enumerate(self.ranking, start=1)] for _ in questions]

    def of_documents(self, examples: Sequence[Example]) -> list[list[Passage]]:
        return [
            [self.passage(c, 0) for c in self.chunks if c.split("#")[0] in example.document_ids] for example in examples
        ]


CHUNKS = {
    "a#0": ("Manual\nThe range is 42 km.", 0.8),
    "b#0": ("close", 0.79),
    "c#0": ("edge", 0.76),
    "d#0": ("hard", 0.75),
    "e#0": ("fair", 0.5),
    "f#0": ("easy", 0.1),
}
SOURCE = Source(CHUNKS, list(CHUNKS))


def mine(*examples: Example, source: Any = SOURCE, groups: dict[str, str] | None = None, **more: Any) -> Any:
    return mine_contrastive(examples or (ASK,), source, groups=groups or {}, **more)


def only(*examples: Example, **more: Any) -> tuple[ContrastiveRow, MiningStats]:
    rows, stats = mine(*examples, **more)
    assert len(rows) == 1
    return rows[0], stats


def test_a_row_holds_the_texts_that_serving_embeds() -> None:
    row, stats = only()
    assert (row.example_id, row.anchor, row.positive) == ("q", "What is the range?", "Manual\nThe range is 42 km.")
    assert (row.negatives, row.negative_ids) == (("hard", "fair", "easy"), ("d#0", "e#0", "f#0"))
    assert (row.positive_id, row.split, row.weak) == ("a#0", "train", False)
    assert (stats.examples, stats.rows, stats.negatives, stats.positive_not_retrieved) == (1, 1, {3: 1}, 0)
    assert stats.dropped == {"of a supporting document": 1, "within the margin of the positive": 2}


def test_the_margin_is_relative_to_the_positive() -> None:
    below_zero = Source(
        {**CHUNKS, "a#0": (CHUNKS["a#0"][0], -0.5), "f#0": ("easy", -0.51), "e#0": ("fair", -0.53)}, list(CHUNKS)
    )
    assert only(source=below_zero)[0].negatives == ("fair",)


def test_the_number_of_negatives() -> None:
    row, stats = only(negatives=1)
    assert row.negatives == ("hard",)
    assert stats.dropped["enough negatives"] == 2


@pytest.mark.parametrize(
    ("chunks", "groups", "more", "reason"),
    [
        ({"a#1": ("other part", 0.3)}, {}, {}, "of a supporting document"),
        ({"n#0": ("near", 0.3)}, {"a": "a", "n": "a"}, {}, "near-duplicate of a supporting document"),
        ({"n#0": (CHUNKS["a#0"][0], 0.3)}, {}, {}, "near-duplicate of a supporting document"),
        ({"n#0": ("also 42 KM", 0.3)}, {}, {}, "holds an answer"),
        ({"n#0": ("held", 0.3)}, {}, {"held_out": {"n"}}, "held out"),
        ({"n#0": ("fair", 0.3)}, {}, {}, "same text as another negative"),
    ],
)
def test_a_possible_positive_is_no_negative(
    chunks: dict[str, tuple[str, float]], groups: dict[str, str], more: dict[str, Any], reason: str
) -> None:
    source = Source({**CHUNKS, **chunks}, [*CHUNKS, *chunks])
    row, stats = only(source=source, groups=groups, **more)
    assert row.negatives == ("hard", "fair", "easy")
    before = only()[1].dropped.get(reason, 0)
    assert stats.dropped[reason] == before + 1


def test_the_chunk_with_the_answer_is_the_positive_even_if_another_is_closer() -> None:
    chunks = {
        "a#0": ("intro", 0.9),
        "a#1": ("42 km far", 0.5),
        "a#2": ("42 km near", 0.6),
        "b#0": ("x", 0.58),
        "c#0": ("y", 0.2),
    }
    row, stats = only(source=Source(chunks, ["a#0", "b#0", "c#0"]))
    assert (row.positive, row.negatives) == ("42 km near", ("y",))
    assert (stats.positive_not_retrieved, stats.positive_by_similarity) == (1, 0)
    row, stats = only(replace(ASK, answers=("yes",)), source=Source(chunks, ["a#0"]))
    assert (row.positive, stats.positive_by_similarity) == ("intro", 1)


def test_each_supporting_document_gives_a_row() -> None:
    rows, stats = mine(replace(ASK, document_ids=("a", "e")))
    assert [(row.positive_id, row.negative_ids) for row in rows] == [("a#0", ("d#0", "f#0")), ("e#0", ("f#0",))]
    assert (stats.examples, stats.rows, stats.negatives) == (1, 2, {1: 1, 2: 1})


def test_what_gives_no_row_is_named() -> None:
    rows, stats = mine(
        replace(ASK, id="u", answers=(), document_ids=()),
        replace(ASK, id="l", document_ids=()),
        replace(ASK, id="g", document_ids=("gone",)),
    )
    assert rows == []
    assert stats.skipped == {
        "the corpus does not answer it": ["u"],
        "no document is known to support it": ["l"],
        "its documents have no chunk": ["g"],
    }


def test_a_corpus_without_negatives_still_gives_rows() -> None:
    row, stats = only(source=Source({"a#0": CHUNKS["a#0"]}, ["a#0"]))
    assert row.negatives == ()
    assert stats.negatives == {0: 1}


def test_every_candidate_is_accounted_for_in_random_worlds() -> None:
    rng = random.Random(2)
    for _ in range(200):
        chunks = {
            f"{d}#{i}": (rng.choice(["42 km", "x", "y", "z", f"{d}{i}"]), rng.uniform(-0.2, 1))
            for d in "abcdefgh"
            for i in range(2)
        }
        ranking = rng.sample(sorted(chunks), rng.randrange(len(chunks) + 1))
        groups = {d: rng.choice("abcdefgh") for d in "abcdefgh"}
        row, stats = only(source=Source(chunks, ranking), groups=groups, negatives=3, held_out={"h"})
        assert sum(stats.dropped.values()) + len(row.negatives) == len(ranking)
        ceiling = chunks[row.positive_id][1] - 0.05 * abs(chunks[row.positive_id][1])
        assert len(set(row.negatives)) == len(row.negatives) <= 3
        for key in row.negative_ids:
            text, similarity = chunks[key]
            assert similarity < ceiling
            assert key[0] not in "ah"
            assert groups[key[0]] != groups["a"]
            assert text not in ("42 km", row.positive)


def test_a_row_does_not_depend_on_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [replace(ASK, id=f"q{i}", document_ids=(d,)) for i, d in enumerate("abcdef" * 3)]
    at_once = mine(*many)[0]
    monkeypatch.setattr("training.data.examples.BATCH", 4)
    assert mine(*many)[0] == at_once


def test_no_row_is_mined_of_the_test_set() -> None:
    for ask, held_out in ((replace(ASK, split="test"), ()), (ASK, ("a",))):
        with pytest.raises(LeakError, match="'q'"):
            mine(ask, held_out=held_out)


def test_a_similarity_that_is_not_finite_is_refused() -> None:
    for bad in (math.nan, math.inf):
        with pytest.raises(TrainingError, match="'c#0'"):
            mine(source=Source({**CHUNKS, "c#0": ("edge", bad)}, list(CHUNKS)))


def test_a_sentence_that_serves_as_a_query_is_taken_out_of_its_positive() -> None:
    source = Source({**CHUNKS, "a#0": ("Manual\nThe range\nis 42 km. It is less in rain.", 0.8)}, list(CHUNKS))
    query = replace(ASK, question="The range is 42 km.", answers=("The range is 42 km.",))
    row, _ = only(replace(query, metadata={"trains": "embedder"}), source=source)
    assert row.positive == "Manual\n It is less in rain."
    row, _ = only(query, source=source)
    assert "42 km" in row.positive
    row, _ = only(replace(query, question="Manual The range is 42 km.", metadata={"trains": "embedder"}))
    assert row.positive  # nothing would be left of it


def test_what_a_teacher_finds_as_relevant_as_the_positive_is_no_negative() -> None:
    asked: list[str] = []
    odds = {"Manual\nThe range is 42 km.": 2.0, "hard": 1.9, "fair": 1.0}

    def teacher(question: str, texts: Sequence[str]) -> list[float]:
        asked.extend(texts)
        return [odds.get(text, -3.0) for text in texts]

    row, stats = only(teacher=teacher, negatives=2)
    # "hard" has 0.87 of relevance, which is above 0.95 of the positive's 0.88; "fair" has 0.73.
    assert row.negatives == ("fair", "easy")
    assert row.teacher == (2.0, 1.0, -3.0)
    assert stats.dropped["about as relevant as the positive, says the teacher"] == 1
    assert len(asked) == len(set(asked)) == 4  # each once, and none that another reason has dropped
    assert only(negatives=2)[0].teacher == ()


def test_a_damaged_teacher_is_noticed() -> None:
    with pytest.raises(TrainingError, match="the teacher's score nan"):
        only(teacher=lambda question, texts: [math.nan] * len(texts))
