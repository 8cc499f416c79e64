import pytest

from retrieval.documents import Passage
from retrieval.errors import InputError
from training.data.examples import Example
from training.data.linking import check_documents, link_documents
from training.tasks.task import Task


def passage(document: str, text: str, rank: int = 1) -> Passage:
    return Passage(document, f"{document}#0", text, "", 1.0 / rank, rank, 0.5)


def test_unknown_documents_are_named_with_their_lines() -> None:
    examples = [
        Example("a", "q", ("x",), ("d1",), provenance="x.jsonl:1"),
        Example("b", "q", ("x",), ("guide/setup.md",), provenance="x.jsonl:2"),
    ]
    check_documents(examples, {"d1", "guide/setup.md"})
    with pytest.raises(InputError) as error:
        check_documents(examples, ["guide/Setup.md"])
    assert "x.jsonl:1" in str(error.value)
    assert "'guide/setup.md'; did you mean 'guide/Setup.md'?" in str(error.value)


def test_missing_documents_are_found_by_answer_and_marked_weak() -> None:
    examples = [
        Example("given", "q1", ("42",), ("d9",)),
        Example("found", "How wide is it?", ("42 mm",)),
        Example("lost", "q3", ("43",)),
        Example("known", "q4", ("43",)),
        Example("none", "q5", ()),
    ]
    asked: list[str] = []

    def search(questions: list[str]) -> list[list[Passage]]:
        asked.extend(questions)
        return [
            [passage("d1", "142 mm"), passage("d2", "It is 42 MM.", 2), passage("d3", "42 mm", 3)] for _ in questions
        ]

    linked, report = link_documents(examples, search, known={"known": ("d7",)})
    assert [e.document_ids for e in linked] == [("d9",), ("d2",), (), ("d7",), ()]
    assert [e.weak for e in linked] == [False, True, False, True, False]
    assert asked == ["How wide is it?", "q3"]
    assert (report.given, report.known, report.linked, report.unlinked) == (1, 1, 1, ("lost",))


def test_a_retriever_that_returns_too_few_results_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="0 results for 1 questions"):
        link_documents([Example("a", "q", ("x",))], lambda questions: [])


def test_one_shared_word_is_no_evidence() -> None:
    """A short answer stands in many places by chance: another word of the question must stand beside it."""
    question = Example("a", "How many anchors hold the buoy?", ("3",))
    chance = passage("chance", "Chapter 3 is about the warranty.")
    real = passage("real", "The buoys are held by 3 of them.", 2)  # "buoy" in the plural

    def search(questions: list[str]) -> list[list[Passage]]:
        return [[chance, real]]

    linked, report = link_documents([question], search)
    assert (linked[0].document_ids, report.unlinked) == (("real",), ())
    linked, report = link_documents([question], lambda questions: [[chance]])
    assert (linked[0].document_ids, linked[0].weak, report.unlinked) == ((), False, ("a",))


def test_eight_unknown_documents_are_all_named() -> None:
    examples = [Example(f"e{i}", "q", ("x",), (f"gone/{i}.md",), provenance=f"x.csv:{i}") for i in range(8)]
    with pytest.raises(InputError, match="found 8 faults") as error:
        check_documents(examples, {"a.md"})
    assert [line.split(": found")[0].split()[-1] for line in str(error.value).splitlines()[1:]] == [
        f"(x.csv:{i})" for i in range(8)
    ]


def test_no_passage_holds_a_label_so_the_first_document_is_taken() -> None:
    stance = Task(kind="classification", instruction="Say.", labels=("yes", "no"))
    examples = [Example("a", "Is it blue?", ("yes",), task="stance"), Example("b", "Is it blue?", ("yes",))]
    found = [passage("first", "It is blue."), passage("second", "Oh yes, blue.", 2)]
    linked, _ = link_documents(examples, lambda questions: [found for _ in questions], tasks={"stance": stance})
    assert [one.document_ids for one in linked] == [("first",), ("second",)]
    assert all(one.weak for one in linked)
