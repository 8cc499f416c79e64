import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from retrieval.documents import Passage
from retrieval.errors import InputError
from training.data.examples import Example, check_documents, link_documents, load_examples

GOOD = {"id": "a", "question": "How far?", "answers": ["10 m"], "document_ids": ["d1"]}


def write(path: Path, *rows: Any) -> Path:
    data = b"".join((row if isinstance(row, bytes) else json.dumps(row).encode()) + b"\n" for row in rows)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def passage(document: str, text: str, rank: int = 1) -> Passage:
    return Passage(document, f"{document}#0", text, "", 1.0 / rank, rank, 0.5)


def test_loads_what_the_form_allows(tmp_path: Path) -> None:
    one = write(
        tmp_path / "one.jsonl",
        b"\xef\xbb\xbf" + json.dumps(GOOD).encode(),
        b"",
        {"question": "No id?", "answers": [], "split": "test", "task": "short", "lang": "en", "metadata": {"n": [1]}},
    )
    two = write(
        tmp_path / "two.jsonl.gz", {"id": "b", "question": "Q", "answers": ["x", "y", "x"], "doc_ids": ["d2", "d2"]}
    )
    first, second, third = load_examples([one, two])
    assert first == Example("a", "How far?", ("10 m",), ("d1",), provenance=f"{one}:1")
    assert (second.answerable, second.split, second.task, second.metadata) == (
        False,
        "test",
        "short",
        {"lang": "en", "n": [1]},
    )
    assert second.provenance == f"{one}:3"
    assert second.id == load_examples([one, two])[1].id
    assert third.answers == ("x", "y")
    assert third.document_ids == ("d2",)
    assert len({first, second, third}) == 3


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (b'{"id": "a", ', "malformed JSON"),
        (b"\xff\xfe{", "0xff"),
        (b"[1, 2]", "found [1, 2], expected one JSON object"),
        (b"[" * 100_000, "too deep"),
        (b'{"question": "Q", "answers": ["x"], "answers": ["y"]}', "'answers' twice"),
        (b'{"question": "Q", "answers": ["\\ud800"]}', "surrogate"),
        (b'{"question": "Q", "answers": ["x"], "metadata": {"n": NaN}}', "NaN"),
        (b'{"question": "Q", "answers": ["x"], "metadata": {"n": ' + b"1" * 5000 + b"}}", "too long"),
        ({"answers": ["x"]}, "no 'question'"),
        ({"question": " ", "answers": ["x"]}, "'question': \" \""),
        ({"question": 3, "answers": ["x"]}, "'question': 3"),
        ({"question": "Q"}, "no 'answers'"),
        ({"question": "Q", "answers": None}, "'answers': null"),
        ({"question": "Q", "answers": "x"}, "'answers': \"x\""),
        ({"question": "Q", "answers": ["x", 3]}, '["x", 3]'),
        ({"question": "Q", "answers": ["x", ""]}, '["x", ""]'),
        ({"question": "Q", "answers": ["x"], "document_ids": "d1"}, "'document_ids': \"d1\""),
        (
            {"question": "Q", "answers": ["x"], "document_ids": ["d"], "doc_ids": ["d"]},
            "both 'document_ids' and 'doc_ids'",
        ),
        ({"question": "Q", "answers": [], "document_ids": ["d"]}, "one or the other"),
        ({"question": "Q", "answers": ["x"], "document_id": ["d"]}, "'document_id', expected 'document_ids'"),
        (
            {"question": "Q", "answers": ["x"], "split": "dev"},
            "'split': \"dev\", expected one of train, validation, test",
        ),
        ({"question": "Q", "answers": ["x"], "split": ["test"]}, "'split': [\"test\"]"),
        ({"question": "Q", "answers": ["x"], "task": 1}, "'task': 1"),
        ({"question": "Q", "answers": ["x"], "metadata": 1}, "'metadata': 1"),
        ({"question": "Q", "answers": ["x"], "id": 7}, "'id': 7"),
        ({"question": "Q", "answers": ["x"], "id": ""}, "'id': \"\""),
        (GOOD, "the id 'a' again"),
    ],
)
def test_a_faulty_line_is_named(tmp_path: Path, row: Any, says: str) -> None:
    path = write(tmp_path / "x.jsonl", GOOD, b"", row)
    with pytest.raises(InputError) as error:
        load_examples([path])
    assert str(error.value).startswith(f"{path}:3: found ")
    assert says in str(error.value)
    assert "\n" not in str(error.value)
    assert error.value.exit_status == 1


def test_the_same_question_twice_without_ids_is_a_fault_across_files_too(tmp_path: Path) -> None:
    row = {"question": "Q", "answers": ["x"]}
    one, two = write(tmp_path / "1.jsonl", row), write(tmp_path / "2.jsonl", row)
    with pytest.raises(InputError, match="give them ids") as error:
        load_examples([one, two])
    assert f"{two}:1" in str(error.value)
    assert f"{one}:1" in str(error.value)


def test_many_faults_are_told_at_once_twenty_in_full(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", *[b"{"] * 25)
    with pytest.raises(InputError) as error:
        load_examples([path, tmp_path / "absent.jsonl"])
    lines = str(error.value).splitlines()
    assert len(lines) == 22
    assert "found 26 faults" in lines[0]
    assert lines[20].strip().startswith(f"{path}:20: ")
    assert lines[21].strip() == "and 6 more"


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    empty = write(tmp_path / "empty.jsonl", b"  ")
    damaged = write(tmp_path / "damaged.jsonl.gz", *[{**GOOD, "id": str(i)} for i in range(50)])
    damaged.write_bytes(damaged.read_bytes()[:-20])
    plain = tmp_path / "plain.jsonl.gz"
    plain.write_text(json.dumps(GOOD))
    for path, says in [
        (empty, "found no line"),
        (damaged, "damaged gzip"),
        (plain, "damaged gzip"),
        (tmp_path / "absent.jsonl", "No such file"),
        (tmp_path, "directory"),
    ]:
        with pytest.raises(InputError, match=says) as error:
            load_examples([path])
        assert str(path) in str(error.value)


def test_examples_of_which_none_is_answerable_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", {"question": "Q", "answers": []})
    with pytest.raises(InputError, match="none with an answer"):
        load_examples([path])


def test_unknown_documents_are_named_with_their_lines(tmp_path: Path) -> None:
    examples = load_examples(
        [write(tmp_path / "x.jsonl", GOOD, {**GOOD, "id": "b", "document_ids": ["guide/setup.md"]})]
    )
    check_documents(examples, {"d1", "guide/setup.md"})
    with pytest.raises(InputError) as error:
        check_documents(examples, ["guide/Setup.md"])
    assert "x.jsonl:1" in str(error.value)
    assert "'guide/setup.md'; did you mean 'guide/Setup.md'?" in str(error.value)


def test_missing_documents_are_found_by_answer_and_marked_weak() -> None:
    examples = [
        Example("given", "q1", ("42",), ("d9",)),
        Example("found", "q2", ("42 mm",)),
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
    assert asked == ["q2", "q3"]
    assert (report.given, report.known, report.linked, report.unlinked) == (1, 1, 1, ("lost",))


def test_a_retriever_that_returns_too_few_results_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="0 results for 1 questions"):
        link_documents([Example("a", "q", ("x",))], lambda questions: [])
