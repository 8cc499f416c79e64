"""From documents to examples: what is made, from which documents, and what is dropped with which count."""

import json

from training.data.reading.load import load_examples
from training.synthesis.drafts import KINDS, Draft
from training.synthesis.filters import Filters, contradictions, copies
from training.synthesis.generate import generate
from training.synthesis.held_out import drawn_documents
from training.synthesis.sources import sources

ALL = frozenset({"spares.md", "plans.md", "plans-2023.md", "outbox.md", "petrel.md"})


def made(stocked, search, documents=ALL, held_out=(), **more):
    options = {"limit": 200, "seed": 3, "per_chunk": 50, **more}
    filters = Filters(search, held_out, {one: one for one in ALL}, within=3)
    return generate(stocked, documents, filters, **options)


def asked(result) -> dict[str, tuple[str, ...]]:
    return {one.draft.question: one.draft.answers for one in result.made}


def test_documents_are_taken_apart_into_rows_and_sentences_without_code(stocked) -> None:
    found = list(sources(stocked, {"spares.md", "outbox.md"}))
    rows = {row.name: dict(row.cells) for source in found for row in source.rows}
    assert rows["MB-1101"] == {
        "description": "Rain hood",
        "price_eur": "29.00",
        "lead_time_days": "30",
        "note": "last batch",
    }
    said = [one for source in found for one in source.statements]
    assert "The outbox holds 200 entries." in said
    assert not any("command" in one for one in said)


def test_only_training_documents_are_asked_about(stocked, search) -> None:
    result = made(stocked, search, documents={"outbox.md", "spares.md"})
    assert {chunk.document_id for one in result.made for chunk in one.draft.sources} == {"outbox.md", "spares.md"}
    assert {one.draft.kind for one in result.made} >= {"natural", "keyword", "claim", "unanswerable", "inverse cloze"}


def test_rows_name_their_source_and_method_and_are_read_as_training_examples(stocked, search, tmp_path) -> None:
    result = made(stocked, search)
    path = tmp_path / "made.jsonl"
    path.write_text("".join(json.dumps(one.draft.row()) + "\n" for one in result.made))
    examples = load_examples([path])
    assert len(examples) == len(result.made)
    for example in examples:
        assert example.split == "train"
        assert example.metadata["method"]
        assert example.metadata["kind"] in KINDS
        assert all("#" in source for source in example.metadata["source"])
        assert example.embedder_only == (example.metadata["kind"] == "inverse cloze")


def test_what_two_documents_say_differently_is_asked_with_the_title(stocked, search) -> None:
    found = asked(made(stocked, search))
    about = {question: answers for question, answers in found.items() if "Raw readings" in question and answers}
    assert about
    assert all("Plans" in question for question in about)
    assert {"90 days", "60 days"} <= {answers[0] for answers in about.values()}


def test_columns_with_a_unit_are_asked_for_in_it(stocked, search) -> None:
    found = asked(made(stocked, search, documents={"spares.md"}))
    assert not any("are the lead" in question or "_" in question for question in found)
    assert any("lead time in days" in question for question in found)
    assert any("price in EUR" in question for question in found)


def test_a_question_near_one_of_validation_or_test_is_dropped(stocked, search) -> None:
    question = "How many entries does the outbox hold?"
    assert question in asked(made(stocked, search))
    result = made(stocked, search, held_out=["how many entries does the outbox hold at most?"])
    assert question not in asked(result)
    assert result.dropped["near a question of validation or test"] >= 1


def test_a_question_that_retrieval_does_not_find_again_is_dropped(stocked, search) -> None:
    def elsewhere(questions: list[str]):
        return [[one for one in found if one.document_id != "outbox.md"] for found in search(questions)]

    result = made(stocked, elsewhere, documents={"outbox.md"}, kinds=("natural",))
    assert result.made == []
    assert result.dropped["not found again within 3"] >= 4


def test_unanswerable_questions_ask_of_what_no_document_holds(stocked, search) -> None:
    result = made(stocked, search, kinds=("unanswerable",))
    known = " ".join(one.chunk.indexed_text for one in stocked.live_chunks())
    assert result.made
    for one in result.made:
        assert one.draft.row()["answers"] == []
        assert "document_ids" not in one.draft.row()
        if one.draft.method == "unknown thing":
            assert any(name not in known for name in ("Petrel " + word for word in one.draft.question.split()))


def test_an_unanswerable_question_that_a_passage_answers_is_dropped(stocked, search) -> None:
    (chunk, *_) = [one.chunk for one in stocked.live_chunks(["petrel.md"])]
    filters = Filters(search, [], {}, within=3)
    draft = Draft("How high is the Petrel 3 mast?", (), (chunk,), "unknown thing", "unanswerable")
    assert list(filters.passing([draft], set())) == []
    assert filters.dropped == {"answered after all": 1}


def test_wrong_answers_copies_and_repetitions_are_dropped_by_reason(stocked, search) -> None:
    (chunk, *_) = [one.chunk for one in stocked.live_chunks(["outbox.md"])]
    filters = Filters(search, [], {}, within=3, asked=["Old entries?"])
    copied = "Old entries are kept for 30 days, the outbox holds 200 entries"
    drafts = [
        Draft("How many entries does the outbox hold?", ("500 entries",), (chunk,), "x", "natural"),
        Draft("old entries", ("30 days",), (chunk,), "x", "natural"),
        Draft("Does the outbox hold 200 entries?", ("200 entries",), (chunk,), "x", "natural"),
        Draft("How many entries does the outbox hold?", ("200 entries",), (chunk,), "x", "natural"),
        Draft("Is it true that the outbox holds 300 entries?", ("No, 200 entries",), (chunk,), "x", "claim"),
    ]
    assert [draft for draft, _ in filters.passing(drafts, set())] == drafts[3:]
    assert filters.dropped == {"answer not in its passage": 1, "asked already": 1, "tells its own answer": 1}
    assert copies("The outbox holds 200 entries. Old entries are kept for 30 days. It", chunk.text, longest=8)
    assert not copies(copied, chunk.text, longest=8)


def test_the_same_seed_gives_the_same_rows_and_a_limit_spreads_over_documents(stocked, search) -> None:
    first, second = (made(stocked, search, limit=8) for _ in range(2))
    assert [one.draft for one in first.made] == [one.draft for one in second.made]
    assert len(first.made) == 8
    assert len({one.draft.sources[0].document_id for one in first.made}) >= 4
    assert first.drafts == first.left + len(first.made) + sum(first.dropped.values())


def test_documents_are_left_alone_in_whole_groups_while_there_is_no_split() -> None:
    groups = {f"d{n}": f"g{n // 2}" for n in range(400)}
    kept = drawn_documents(groups, 0.4, seed=1)
    assert 0.3 < len(kept) / len(groups) < 0.5
    assert all((f"d{n}" in kept) == (f"d{n + 1}" in kept) for n in range(0, 400, 2))
    assert drawn_documents(dict(reversed(groups.items())), 0.4, seed=1) == kept


def test_claims_about_a_fact_that_two_documents_tell_differently_are_found(stocked) -> None:
    chunk = next(stocked.live_chunks()).chunk
    question = "Is it true that a pack takes {} hours?"
    told = [
        Draft(question.format(4), ("Yes, 4 hours",), (chunk,), "x", "claim"),
        Draft(question.format(9), ("No, 3.5 hours",), (chunk,), "x", "claim"),
    ]
    assert len(contradictions(told)) == 1
    assert contradictions([told[0], Draft(question.format(8), ("No, 4 hours",), (chunk,), "x", "claim")]) == set()
