import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from scipy.stats import chisquare

from retrieval.documents import Passage
from retrieval.errors import LeakError
from retrieval.prompt import Prompt, cited_marks, render
from training.data.examples import Example
from training.data.supervised import SupervisedRow, SupervisedStats, build_supervised
from training.tasks.task import Task

PROMPT = Prompt()


class World:
    """Chunks, and what retrieval returns for a question: chunk ids, best first."""

    def __init__(self, chunks: dict[str, str], results: dict[str, list[str]]) -> None:
        self.chunks, self.results = chunks, results

    def passage(self, chunk_id: str, rank: int = 0) -> Passage:
        return Passage(chunk_id.split("#")[0], chunk_id, self.chunks[chunk_id], "Manual", 1 / (rank + 1), rank, 0.5)

    def search(self, questions: list[str]) -> list[list[Passage]]:
        return [[self.passage(c, i) for i, c in enumerate(self.results[q], start=1)] for q in questions]

    def chunks_of(self, documents: Sequence[str]) -> list[Passage]:
        return [self.passage(c) for c in self.chunks if c.split("#")[0] in documents]

    def build(self, *examples: Example, groups: dict[str, str] | None = None, **more: Any) -> Any:
        options = {"seed": 0, "abstention_share": 0.0, **more}
        search: Callable[..., Any] = options.pop("search", self.search)
        return build_supervised(
            examples, search, options.pop("prompt", PROMPT), chunks_of=self.chunks_of, groups=groups or {}, **options
        )

    def row(self, example: Example, **more: Any) -> tuple[SupervisedRow, SupervisedStats]:
        rows, stats = self.build(example, **more)
        assert len(rows) == 1
        return rows[0], stats


CHUNKS = {
    "a#0": "The range of the Petrel is 42 km.",
    "b#0": "The Skua has no range.",
    "c#0": "Prices start at 10 euros.",
    "d#0": "Sensors drift.",
    "e#0": "Batteries last.",
    "f#0": "Antennas bend.",
}
ASK = Example("q", "What is the range?", ("forty-two", "42 km", "42"), ("a",), split="train")
EASY = World(CHUNKS, {"What is the range?": ["a#0", "b#0", "c#0", "d#0", "e#0", "f#0"]})


def test_a_row_is_what_serving_renders_and_cites_the_oracle() -> None:
    row, stats = EASY.row(ASK)
    passages = [EASY.passage(c) for c in row.passages]
    assert list(row.messages) == render(ASK.question, passages, PROMPT)
    assert row.oracle_present
    assert row.oracle_position is not None
    assert row.passages[row.oracle_position - 1] == "a#0"
    assert row.completion == f"42 km [{row.oracle_position}]"
    assert cited_marks(row.completion, 4) == [row.oracle_position]
    assert row.oracle_retrieved
    assert (row.split, row.weak, row.answerable) == ("train", False, True)
    assert [c for c in row.passages if c != "a#0"] == ["b#0", "c#0", "d#0"]
    assert (stats.rows, stats.with_oracle, stats.oracle_retrieved, stats.fewer_passages) == (1, 1, 1, 0)


def test_the_oracle_is_anywhere_with_equal_chance_wherever_it_ranks() -> None:
    for results in (
        ["a#0", "b#0", "c#0", "d#0", "e#0"],
        ["b#0", "c#0", "d#0", "a#0", "e#0"],
        ["b#0", "c#0", "d#0", "e#0"],
    ):
        world = World(CHUNKS, {ASK.question: results})
        rows, _ = world.build(*[replace(ASK, id=f"q{i}") for i in range(2000)])
        counted = Counter(row.oracle_position for row in rows)
        assert sorted(counted) == [1, 2, 3, 4]
        assert chisquare([counted[i] for i in (1, 2, 3, 4)]).pvalue > 0.001


def test_a_share_of_answerable_rows_lacks_the_oracle_and_abstains() -> None:
    rows, stats = EASY.build(*[replace(ASK, id=f"q{i}") for i in range(1000)], abstention_share=0.2)
    without = [row for row in rows if not row.oracle_present]
    assert 150 < len(without) < 250
    assert (stats.without_oracle, stats.with_oracle) == (len(without), 1000 - len(without))
    for row in without:
        assert row.completion == PROMPT.abstention
        assert row.passages == ("b#0", "c#0", "d#0", "e#0")
        assert (row.oracle_position, row.oracle_positions, row.answerable) == (None, (), True)
    none, _ = EASY.build(ASK, abstention_share=1.0)
    assert none[0].completion == PROMPT.abstention


def test_an_answer_is_never_asked_for_without_its_evidence() -> None:
    """Over random worlds: a row answers if and only if a supporting passage is shown."""
    rng = random.Random(4)
    for _ in range(300):
        chunks = {
            f"{d}#{i}": rng.choice(["it is 42", "it is 17", "nothing"]) + f" {d}{i}" for d in "abcdef" for i in range(2)
        }
        results = rng.sample(sorted(chunks), rng.randrange(len(chunks) + 1))
        world = World(chunks, {"Q": results})
        groups = {d: rng.choice("abcdef") for d in "abcdef"}
        ask = Example("q", "Q", ("42",), tuple(rng.sample("abcdef", rng.choice((1, 1, 2)))))
        rows, stats = world.build(ask, groups=groups, seed=rng.random(), abstention_share=0.4)
        assert len(rows) + sum(map(len, stats.skipped.values())) == 1
        for row in rows:
            own = [i for i, c in enumerate(row.passages, start=1) if c[0] in ask.document_ids and "42" in chunks[c]]
            if row.oracle_present:
                assert set(row.oracle_positions) >= set(own)
                assert row.completion == "42 " + "".join(f"[{mark}]" for mark in row.oracle_positions)
            else:
                assert row.completion == PROMPT.abstention
                assert not any("42" in chunks[c] for c in row.passages)
            for mark, chunk in enumerate(row.passages, start=1):
                if mark not in row.oracle_positions:
                    assert "42" not in chunks[chunk]
                    assert chunk[0] in ask.document_ids or groups[chunk[0]] not in {groups[d] for d in ask.document_ids}
            assert row.oracle_retrieved is (row.oracle_retrieved and bool(results)), (
                "nothing retrieved cannot have retrieved the oracle"
            )


def test_near_duplicates_of_the_oracle_are_no_distractors() -> None:
    row, stats = EASY.row(ASK, groups={"a": "a", "b": "a", "c": "c", "d": "d"})
    assert "b#0" not in row.passages
    assert "e#0" in row.passages
    copies = World({**CHUNKS, "copy#0": CHUNKS["a#0"]}, {ASK.question: ["copy#0", "a#0", "b#0", "c#0", "d#0"]})
    assert "copy#0" not in copies.row(replace(ASK, answers=("nowhere",)))[0].passages
    assert stats.left_out == {"near-duplicate of the oracle": 1}


def test_a_passage_of_another_document_that_holds_an_answer_is_no_distractor() -> None:
    world = World({**CHUNKS, "b#0": "Its range: 42 KM"}, EASY.results)
    for share in (0.0, 1.0):
        row, stats = world.row(ASK, abstention_share=share)
        assert "b#0" not in row.passages
        assert stats.left_out == {"holds an answer": 1}


def test_of_several_chunks_the_one_with_the_answer_is_the_oracle_and_the_others_may_distract() -> None:
    chunks = {"a#0": "Introduction.", "a#1": "It is 42 km.", "a#2": "So 42 km it is.", "b#0": "x"}
    world = World(chunks, {ASK.question: ["a#0", "a#2", "b#0", "a#1"]})
    row, stats = world.row(ASK)
    assert row.passages[(row.oracle_position or 0) - 1] == "a#2"
    assert sorted(row.passages) == ["a#0", "a#2", "b#0"]
    assert stats.left_out == {"holds an answer": 1}
    assert stats.fewer_passages == 1


def test_without_the_answer_in_any_chunk_the_best_ranked_is_the_oracle_and_the_rest_is_left_out() -> None:
    chunks = {"a#0": "Introduction.", "a#1": "Details.", "b#0": "x"}
    row, stats = World(chunks, {ASK.question: ["b#0", "a#1", "a#0"]}).row(ASK)
    assert row.passages[(row.oracle_position or 0) - 1] == "a#1"
    assert "a#0" not in row.passages
    assert (stats.oracle_by_rank, stats.left_out) == (1, {"of a supporting document": 1})
    assert row.completion.startswith("forty-two [")
    rows, stats = World(chunks, {ASK.question: ["b#0"]}).build(ASK)
    assert rows == []
    assert stats.skipped == {"no chunk of a supporting document holds an answer or was retrieved": ["q"]}


def test_an_oracle_that_was_not_retrieved_is_put_in_and_said_so() -> None:
    missing, stats = World(CHUNKS, {ASK.question: ["b#0", "c#0", "d#0", "e#0"]}).row(ASK)
    assert missing.oracle_present
    assert not missing.oracle_retrieved
    assert "a#0" in missing.passages
    assert (stats.oracle_retrieved, stats.oracle_ranked_low, stats.oracle_missing) == (0, 0, 1)
    low, stats = World(CHUNKS, {ASK.question: ["b#0", "c#0", "d#0", "e#0", "a#0"]}).row(ASK)
    assert low.oracle_present
    assert not low.oracle_retrieved
    assert (stats.oracle_retrieved, stats.oracle_ranked_low, stats.oracle_missing) == (0, 1, 0)


def test_a_question_over_several_documents_cites_all_that_support_it() -> None:
    both = replace(ASK, document_ids=("a", "c"))
    rows, stats = EASY.build(*[replace(both, id=f"q{i}") for i in range(300)])
    assert stats.with_oracle == 300
    for row in rows:
        assert {row.passages[mark - 1] for mark in row.oracle_positions} == {"a#0", "c#0"}
        assert row.completion == "42 km " + "".join(f"[{mark}]" for mark in sorted(row.oracle_positions))
        assert row.oracle_position == row.oracle_positions[0]
    assert len({(row.oracle_positions, row.passages.index("a#0")) for row in rows}) == 12
    # Near-duplicates that are both named are one oracle.
    row, _ = EASY.row(both, groups={"a": "a", "c": "a"})
    assert len(row.oracle_positions) == 1
    assert "c#0" not in row.passages


def test_more_oracles_than_passages_keeps_the_answer() -> None:
    row, stats = EASY.row(replace(ASK, document_ids=("b", "c", "a")), passages=2)
    assert len(row.passages) == 2
    assert "a#0" in row.passages
    assert stats.oracles_cut == 1


def test_an_unanswerable_question_gets_what_retrieval_returns() -> None:
    ask = replace(ASK, answers=(), document_ids=())
    row, stats = EASY.row(ask, groups={"a": "a", "b": "a"})
    assert row.passages == ("a#0", "b#0", "c#0", "d#0")
    assert row.completion == PROMPT.abstention
    assert (row.answerable, row.oracle_present, row.oracle_position) == (False, False, None)
    assert stats.unanswerable == 1


def test_fewer_chunks_than_distractors_works_with_what_there_is() -> None:
    world = World({"a#0": CHUNKS["a#0"]}, {ASK.question: ["a#0"]})
    row, stats = world.row(ASK)
    assert row.passages == ("a#0",)
    assert row.completion == "42 km [1]"
    assert (stats.fewer_passages, stats.no_passage) == (1, 0)
    row, stats = world.row(ASK, abstention_share=1.0)
    assert (row.passages, row.completion) == ((), PROMPT.abstention)
    assert (stats.fewer_passages, stats.no_passage) == (1, 1)
    uniform, _ = World(dict(list(CHUNKS.items())[:2]), {ASK.question: ["a#0", "b#0"]}).build(
        *[replace(ASK, id=f"q{i}") for i in range(1000)]
    )
    counted = Counter(row.oracle_position for row in uniform)
    assert chisquare([counted[1], counted[2]]).pvalue > 0.001


@pytest.mark.parametrize(("unanswerable", "left_out"), [(0, 0.2), (100, 0.1), (300, 0.0)])
def test_questions_without_an_answer_count_among_the_refusals(unanswerable: int, left_out: float) -> None:
    many = [
        replace(ASK, id=f"q{i}", **({"answers": (), "document_ids": ()} if i < unanswerable else {}))
        for i in range(1000)
    ]
    _, stats = EASY.build(*many, abstention_share=0.2)
    assert stats.unanswerable == unanswerable
    assert stats.without_oracle == pytest.approx(1000 * left_out, abs=35)


def test_examples_that_are_to_be_answered_keep_their_oracle_and_leave_the_share_of_the_others() -> None:
    many = [replace(ASK, id=f"q{i}") for i in range(400)]
    kept = {example.id for example in many[:200]}
    rows, _ = EASY.build(*many, abstention_share=0.5, answered=kept)
    assert all(row.oracle_present for row in rows if row.example_id in kept)
    others = [row.oracle_present for row in rows if row.example_id not in kept]
    assert 80 <= sum(others) <= 120
    assert rows[200:] == EASY.build(*many[200:], abstention_share=0.5)[0]


def test_a_row_does_not_depend_on_the_other_rows() -> None:
    many = [replace(ASK, id=f"q{i}") for i in range(600)]
    rows, _ = EASY.build(*many, abstention_share=0.3)
    backwards, _ = EASY.build(*many[::-1], abstention_share=0.3)
    alone, _ = EASY.build(many[17], abstention_share=0.3)
    assert backwards[::-1] == rows
    assert alone == [rows[17]]
    other_seed, _ = EASY.build(*many, abstention_share=0.3, seed=1)
    assert other_seed != rows


def test_a_passage_that_is_returned_twice_is_shown_once() -> None:
    row, _ = World(CHUNKS, {ASK.question: ["b#0", "b#0", "a#0", "a#0", "c#0"]}).row(ASK)
    assert sorted(row.passages) == ["a#0", "b#0", "c#0"]


def test_held_out_documents_are_not_shown() -> None:
    for ask in (ASK, replace(ASK, answers=(), document_ids=())):
        row, stats = EASY.row(ask, held_out={"b"})
        assert "b#0" not in row.passages
        assert stats.left_out["held out"] == 1


def test_no_row_is_built_of_the_test_set() -> None:
    with pytest.raises(LeakError, match="'q'"):
        EASY.build(replace(ASK, split="test"))
    with pytest.raises(LeakError, match="'q'"):
        EASY.build(ASK, held_out={"a"})


def test_examples_without_a_known_document_or_chunk_are_named() -> None:
    rows, stats = EASY.build(replace(ASK, id="x", document_ids=()), replace(ASK, id="y", document_ids=("gone",)))
    assert rows == []
    assert stats.skipped == {"no document is known to support it": ["x"], "a supporting document has no chunk": ["y"]}
    assert stats.examples == 2


def test_misuse_is_told() -> None:
    for passages in (0, 5):
        with pytest.raises(ValueError, match="expected 1 to 4"):
            EASY.build(ASK, passages=passages)
    with pytest.raises(ValueError, match="abstention_share"):
        EASY.build(ASK, abstention_share=1.5)
    with pytest.raises(ValueError, match="0 results"):
        EASY.build(ASK, search=lambda questions: [])


STANCE = Task(kind="classification", instruction="Say one of: yes, no.", labels=("yes", "no"))


def test_a_label_is_learnt_on_what_serving_would_show() -> None:
    example = Example("q", "What is the range?", ("no",), ("a",), split="train", task="stance")
    for share in (0.0, 0.9):
        row, stats = EASY.row(example, tasks={"stance": STANCE}, abstention_share=share)
        shown = [EASY.passage(c) for c in ("a#0", "b#0", "c#0", "d#0")]
        assert list(row.messages) == render(example.question, shown, STANCE.asked(PROMPT))
        assert (row.completion, row.passages) == ("no", ("a#0", "b#0", "c#0", "d#0"))
        assert (row.task, row.cites, row.oracle_positions) == ("stance", False, (1,))
        assert (stats.with_oracle, stats.left_out) == (1, {}), "though b says no"
    late = World(CHUNKS, {example.question: ["b#0", "c#0", "d#0", "e#0", "a#0"]})
    rows, stats = late.build(example, tasks={"stance": STANCE})
    assert rows == []
    assert stats.skipped == {"retrieval shows no passage of its document": ["q"]}


def test_questions_of_a_task_keep_what_rows_of_questions_have() -> None:
    task = Task(kind="question answering", instruction="In French, or say: {abstention}")
    row, _ = EASY.row(replace(ASK, task="french"), tasks={"french": task})
    assert row.messages[0]["content"] == f"In French, or say: {PROMPT.abstention}"
    assert (row.completion, row.task, row.cites) == (EASY.row(ASK)[0].completion, "french", True)


def test_labels_do_not_count_towards_the_share_of_refusals() -> None:
    labels = [replace(ASK, id=f"l{i}", answers=("no",), task="stance") for i in range(40)]
    rows, _ = EASY.build(*labels, ASK, tasks={"stance": STANCE}, abstention_share=0.5)
    assert sum(row.oracle_present for row in rows) >= 40
