"""Evaluation of an arm on examples, with collaborators that answer from memory."""

import json
import math
import threading
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from retrieval.documents import Passage
from retrieval.prompt import Message, Prompt
from retrieval.search_settings import SearchSettings
from training.answering.answerer import Answerer
from training.data.examples import Example
from training.data.row_files import read_rows, write_rows
from training.evaluation.evaluate import BATCH, Arm, ArmResult, evaluate

ABSTENTION = Prompt().abstention


def example(name: str, *answers: str, documents: Sequence[str] = (), question: str = "", weak: bool = False) -> Example:
    return Example(
        id=name,
        question=question or f"{name}?",
        answers=answers,
        document_ids=tuple(documents),
        split=None,
        task=None,
        provenance="test",
        weak=weak,
    )


def passages(*documents: str, similarity: float = 0.6) -> list[Passage]:
    return [
        Passage(name, f"{name}#{rank}", f"Text of {name}.", "", score=1 / rank, rank=rank, similarity=similarity)
        for rank, name in enumerate(documents, start=1)
    ]


class FakeSearcher:
    """Question to passages."""

    def __init__(self, found: dict[str, list[Passage]]) -> None:
        self.found = found
        self.depths: list[int | None] = []
        self.sizes: list[int] = []

    def search_batch(self, questions: Sequence[str], *, top_k: int | None = None) -> list[list[Passage]]:
        self.depths.append(top_k)
        self.sizes.append(len(questions))
        return [self.found.get(question, [])[:top_k] for question in questions]


class FakeGenerator:
    """Answers by the question at the prompt's end; a token is a word."""

    computes_beside = 0

    def __init__(self, answers: dict[str, str], max_context: int = 1000) -> None:
        self.max_context = max_context
        self.answers = answers
        self.prompts: list[str] = []
        self.scored: list[tuple[str, int]] = []

    def encode(self, messages: Sequence[Message], *, thinking: bool = False) -> list[int]:
        self.prompts.append(messages[-1]["content"])
        return [len(self.prompts) - 1]

    def complete(self, prompts: Sequence[list[int]], max_new_tokens: int) -> list[tuple[str, str]]:
        return [(self.answers[self.prompts[ids[0]].rsplit("Question: ", 1)[1]], "stop") for ids in prompts]

    def encode_completion(self, text: str) -> list[int]:
        return list(range(len(text.split())))

    def score(self, prompt_ids: list[int], completion_ids: list[int]) -> tuple[float, int, int]:
        self.scored.append((self.prompts[prompt_ids[0]], len(completion_ids)))
        return 0.5 * len(completion_ids), len(completion_ids), 1


def arm(searcher: FakeSearcher, generator: FakeGenerator | None = None, **settings: object) -> Arm:
    searcher.settings = SearchSettings(**settings)  # type: ignore[arg-type]
    answerer = Answerer(searcher, generator, Prompt(), "r0007-aa") if generator else None  # type: ignore[arg-type]
    return Arm("both tuned", searcher, answerer, generator, True, True, "r0007-aa")  # type: ignore[arg-type]


EXAMPLES = [
    example("found", "42 mm", "forty two", documents=["a"]),
    example("second", "9 kg", documents=["b"], weak=True),
    example("missed", "8443", documents=["c"]),
    example("refused"),
    example("invented"),
]
FOUND = {
    "found?": passages("a", "b"),
    "second?": passages("a", "a", "b"),
    "missed?": passages("a", "b"),
    "refused?": passages("a"),
    "invented?": passages("a"),
}
ANSWERS = {
    "found?": "42 mm [1]",
    "second?": "It weighs ten",
    "missed?": ABSTENTION,
    "refused?": ABSTENTION,
    "invented?": "7 [1]",
}
GROUPS = {one.id: one.id for one in EXAMPLES}


def test_every_metric_of_five_questions() -> None:
    generator = FakeGenerator(ANSWERS)
    result = evaluate(arm(FakeSearcher(FOUND), generator), EXAMPLES, GROUPS)
    second = 1 / math.log2(3)  # relevant at rank 2, once the repeated document is dropped
    measured = result.metrics()
    assert measured["release"] == "r0007-aa"
    assert measured["questions"] == 5
    assert measured["retrieval"] == pytest.approx(
        {"ndcg@10": (1 + second) / 3, "mrr@10": 1.5 / 3, "recall@1": 1 / 3, "recall@5": 2 / 3, "recall@10": 2 / 3}
    )
    assert measured["outcomes"] == {"correct": 1, "skipped": 1, "wrong": 1, "hallucinated": 1, "correctly_abstained": 1}
    generation = measured["generation"]
    assert generation["exact_match"] == pytest.approx(2 / 5)  # one right answer, one right abstention
    assert generation["f1"] == pytest.approx(2 / 5)
    # References: "42 mm", "9 kg", "8443" and the abstention (7 words) twice; one token right in each.
    tokens = 2 + 2 + 1 + 2 * len(ABSTENTION.split())
    assert generation["token_accuracy"] == pytest.approx(5 / tokens)
    assert generation["loss"] == pytest.approx(0.5)
    assert generation["perplexity"] == pytest.approx(math.exp(0.5))


def test_records_keep_what_a_reader_needs() -> None:
    records = {r.id: r for r in evaluate(arm(FakeSearcher(FOUND), FakeGenerator(ANSWERS)), EXAMPLES, GROUPS).records}
    assert records["second"].ranked == ("a", "b")
    assert records["second"].weak
    assert not records["found"].weak
    assert records["found"].answer == "42 mm [1]"
    assert records["found"].outcome == "correct"
    assert records["found"].group == "found"
    assert records["found"].similarity == 0.6
    assert records["refused"].retrieval is None
    assert records["invented"].outcome == "hallucinated"


def test_the_reference_is_scored_under_the_served_prompt() -> None:
    generator = FakeGenerator(ANSWERS)
    evaluate(arm(FakeSearcher(FOUND), generator), EXAMPLES[:1], GROUPS)
    [(prompt, tokens)] = generator.scored
    assert "[1]\nText of a." in prompt
    assert prompt.endswith("Question: found?")
    assert tokens == 2
    assert len(generator.prompts) == 1  # generated and scored from one prompt


def test_abstaining_before_generation_still_scores_the_reference() -> None:
    generator = FakeGenerator({})
    result = evaluate(arm(FakeSearcher(FOUND), generator, abstain_below=0.9), EXAMPLES, GROUPS)
    assert result.metrics()["outcomes"]["correctly_abstained"] == 2
    assert result.metrics()["outcomes"]["skipped"] == 3
    assert len(generator.scored) == 5


def test_a_reference_longer_than_the_context_is_scored_as_far_as_it_fits() -> None:
    generator = FakeGenerator({"found?": "x"}, max_context=4)  # a prompt is one token here
    evaluate(arm(FakeSearcher(FOUND), generator), [example("found", "one two three four five")], GROUPS)
    assert [tokens for _, tokens in generator.scored] == [3]


def test_documents_are_ranked_deeper_than_passages_are_served() -> None:
    found = {"found?": [*passages(*["a"] * 10, similarity=0.4), *passages("b", similarity=0.9)]}
    searcher, generator = FakeSearcher(found), FakeGenerator({"found?": "x"})
    [record] = evaluate(arm(searcher, generator, abstain_below=0.5), EXAMPLES[:1], GROUPS).records
    assert searcher.depths == [SearchSettings().candidates]
    assert record.ranked == ("a", "b")
    # The eleventh passage is not served, so its similarity saves nothing.
    assert (record.outcome, record.similarity) == ("skipped", 0.4)


def test_a_cap_per_document_is_searched_as_served() -> None:
    searcher = FakeSearcher(FOUND)
    evaluate(arm(searcher, per_document=1, top_k=12), EXAMPLES, GROUPS)
    assert searcher.depths == [12]


def test_a_reference_that_only_searches_has_no_answers() -> None:
    measured = evaluate(arm(FakeSearcher(FOUND)), EXAMPLES, GROUPS).metrics()
    assert measured["retrieval"]["recall@1"] == pytest.approx(1 / 3)
    assert set(measured["generation"].values()) == {None}
    assert set(measured["outcomes"].values()) == {0}


def test_without_answerable_questions_retrieval_is_not_measured() -> None:
    measured = evaluate(arm(FakeSearcher(FOUND), FakeGenerator(ANSWERS)), EXAMPLES[3:], GROUPS).metrics()
    assert set(measured["retrieval"].values()) == {None}
    json.dumps(measured, allow_nan=False)


def test_an_infinite_loss_is_not_a_figure() -> None:
    class Broken(FakeGenerator):
        def score(self, prompt_ids: list[int], completion_ids: list[int]) -> tuple[float, int, int]:
            return math.inf, 1, 0

    measured = evaluate(arm(FakeSearcher(FOUND), Broken(ANSWERS)), EXAMPLES, GROUPS).metrics()
    assert measured["generation"]["loss"] is None
    assert measured["generation"]["perplexity"] is None


def test_questions_go_in_batches_and_progress_is_told() -> None:
    many = [example(f"q{i}", "x", documents=["a"]) for i in range(BATCH + 3)]
    searcher = FakeSearcher({})
    told: list[tuple[str, int, int | None]] = []
    evaluate(
        arm(searcher),
        many,
        {one.id: one.id for one in many},
        progress=lambda task, done, total: told.append((task, done, total)),
    )
    assert searcher.sizes == [BATCH, 3]
    assert told == [("evaluating: both tuned", done, BATCH + 3) for done in (0, BATCH, BATCH + 3)]


def test_references_are_scored_while_answers_are_generated() -> None:
    begun, calls = threading.Barrier(3, timeout=20), count()

    class Meeting(FakeGenerator):
        computes_beside = 2

        def complete(self, prompts: Sequence[list[int]], max_new_tokens: int) -> list[tuple[str, str]]:
            begun.wait()
            return super().complete(prompts, max_new_tokens)

        def score(self, prompt_ids: list[int], completion_ids: list[int]) -> tuple[float, int, int]:
            if next(calls) < 2:
                begun.wait()
            return super().score(prompt_ids, completion_ids)

    result = evaluate(arm(FakeSearcher(FOUND), Meeting(ANSWERS)), EXAMPLES, GROUPS)
    assert [(one.id, one.tokens) for one in result.records] == [
        ("found", 2),
        ("second", 2),
        ("missed", 1),
        ("refused", 7),
        ("invented", 7),
    ]


def test_a_result_survives_its_file(tmp_path: Path) -> None:
    result = evaluate(arm(FakeSearcher(FOUND), FakeGenerator(ANSWERS)), EXAMPLES, GROUPS)
    write_rows(tmp_path / "test.jsonl", [result])
    assert read_rows(tmp_path / "test.jsonl", ArmResult) == [result]


def test_changes_count_the_tuned_parts() -> None:
    assert ArmResult("x", True, False, "", ()).changes == 1
    assert ArmResult("x", False, False, "", ()).changes == 0


def test_tokens_are_counted_where_something_can_count_them() -> None:
    searcher = FakeSearcher(FOUND)
    asked = replace(arm(searcher, FakeGenerator(ANSWERS), abstain_below=0.5), count=lambda text: len(text.split()))
    records = evaluate(asked, EXAMPLES[:2], GROUPS).records
    assert [(one.prompt_tokens, one.completion_tokens) for one in records] == [(1, 3), (1, 3)]
    refusing = replace(arm(searcher, FakeGenerator(ANSWERS), abstain_below=1.0), count=len)
    assert [one.prompt_tokens for one in evaluate(refusing, EXAMPLES[:1], GROUPS).records] == [0]
    assert evaluate(arm(searcher, FakeGenerator(ANSWERS)), EXAMPLES[:1], GROUPS).records[0].prompt_tokens is None
