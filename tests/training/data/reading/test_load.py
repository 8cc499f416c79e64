import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

from retrieval.errors import ConfigurationError, InputError
from training.data.examples import Example
from training.data.reading.columns import parse_columns
from training.data.reading.load import load_examples

GOOD = {"id": "a", "question": "How far?", "answers": ["10 m"], "document_ids": ["d1"]}


def write(path: Path, *rows: Any) -> Path:
    data = b"".join((row if isinstance(row, bytes) else json.dumps(row).encode()) + b"\n" for row in rows)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


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
        ({**GOOD, "question": "Else?"}, "the id 'a' again"),
        ({**GOOD, "answers": ["10 m", "ten metres"]}, "merge the two"),
        ({**GOOD, "answers": ["11 m"]}, "the question 'How far?' with the answer '11 m', and with the answer '10 m'"),
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


def test_an_exact_duplicate_is_dropped_with_a_warning_across_files_too(tmp_path: Path) -> None:
    row = {"question": "Q", "answers": ["x"]}
    one, two = write(tmp_path / "1.jsonl", row), write(tmp_path / "2.jsonl", row, GOOD, GOOD)
    told: list[str] = []
    assert [example.question for example in load_examples([one, two], warn=told.append)] == ["Q", "How far?"]
    assert len(told) == 1
    assert told[0].splitlines() == [
        "found 2 rows that repeat an earlier one word for word, and left them out:",
        f"  {two}:1 repeats {one}:1: 'Q'",
        f"  {two}:3 repeats {two}:2: 'How far?'",
    ]


def test_a_contradiction_is_named(tmp_path: Path) -> None:
    path = write(
        tmp_path / "x.jsonl",
        {"id": "1", "question": "How far is it?", "answers": ["10 m"]},
        {"id": "2", "question": "how far is it", "answers": ["12 m"]},
        {"id": "3", "question": "How far is it?", "answers": []},
        {"id": "4", "question": "How heavy is it?", "answers": ["10 kg"]},
        {"id": "5", "question": "How heavy is it?", "answers": ["10 kg when wet"]},
    )
    told: list[str] = []
    assert len(load_examples([path], warn=told.append)) == 5
    head, first, second = told[0].splitlines()
    assert head.startswith("found 2 questions asked twice with answers that disagree")
    assert (
        f"{path}:2: the question 'how far is it' with the answer '12 m', and with the answer '10 m' in {path}:1"
        in first
    )
    assert f"{path}:3: the question 'How far is it?' with no answer, and with the answer '10 m' in {path}:1" in second


def test_many_faults_are_told_one_a_line_the_first_ten_then_a_count(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", *[b"{"] * 25)
    with pytest.raises(InputError) as error:
        load_examples([path, tmp_path / "absent.jsonl"])
    lines = str(error.value).splitlines()
    assert len(lines) == 12
    assert "found 26 faults" in lines[0]
    assert lines[10].strip().startswith(f"{path}:10: ")
    assert lines[11].strip() == "and 16 more"


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    empty = write(tmp_path / "empty.jsonl", b"  ")
    damaged = write(tmp_path / "damaged.jsonl.gz", *[{**GOOD, "id": str(i)} for i in range(50)])
    damaged.write_bytes(damaged.read_bytes()[:-20])
    plain = tmp_path / "plain.jsonl.gz"
    plain.write_text(json.dumps(GOOD))
    for path, says in [
        (empty, "found no row"),
        (damaged, "damaged gzip"),
        (plain, "damaged gzip"),
        (write(tmp_path / "empty.csv", b""), "found no row"),
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


TABLE = [
    ["Question", "Answer", "Answer 2", "document_ids", "split", "Team"],
    ["How far, at most?", "10 m", "ten metres", "a.md; b.md", "test", "north"],
    ["Who paints it?", "[]", "", "", "", ""],
    ["How heavy?", '["9 kg", "nine"]', "", '["c;d.md"]', "", ""],
]


def tabular(path: Path, rows: list[list[str]]) -> Path:
    """The rows as a file of the form that its suffix names."""
    suffix = path.name.partition(".")[2]
    if suffix == "xlsx":
        workbook = pytest.importorskip("xlsxwriter").Workbook(path)
        sheet = workbook.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
        workbook.close()
        return path
    if suffix == "json":
        path.write_text(json.dumps([dict(zip(rows[0], row, strict=True)) for row in rows[1:]], indent=1))
        return path
    text = io.StringIO()
    csv.writer(text, delimiter="\t" if "tsv" in suffix else ";" if path.stem == "excel" else ",").writerows(rows)
    data = text.getvalue().encode("utf-16" if path.stem == "wide" else "utf-8-sig")
    path.write_bytes(gzip.compress(data) if suffix.endswith("gz") else data)
    return path


@pytest.mark.parametrize("name", ["x.csv", "excel.csv", "x.tsv", "wide.tsv", "x.csv.gz", "x.xlsx"])
def test_tables_are_read_by_the_names_of_their_columns(tmp_path: Path, name: str) -> None:
    path = tabular(tmp_path / name, TABLE)
    mirrored = tabular(tmp_path / f"m-{name}", [row[::-1] for row in TABLE])
    far, who, heavy = load_examples([path])
    assert (far.question, far.answers, far.document_ids) == (
        "How far, at most?",
        ("10 m", "ten metres"),
        ("a.md", "b.md"),
    )
    assert (far.split, far.metadata, far.provenance) == ("test", {"Team": "north"}, f"{path}:2")
    assert (who.answerable, who.document_ids) == (False, ())
    assert (heavy.answers, heavy.document_ids) == (("9 kg", "nine"), ("c;d.md",))
    fields = [(one.question, set(one.answers), one.document_ids) for one in load_examples([mirrored])]
    assert fields == [(one.question, set(one.answers), one.document_ids) for one in (far, who, heavy)]


def test_a_json_array_is_read_with_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('[\n {"question": "A?", "answers": ["x"]},\n\n {"question": "B?",\n  "answers": ["y"]}\n]\n')
    assert [one.provenance for one in load_examples([path])] == [f"{path}:2", f"{path}:4"]
    path.write_text('[\n {"question": "A?", "answers": ["x"]},\n 7,\n {"question": "B?" "answers": ["y"]}\n]\n')
    with pytest.raises(InputError) as error:
        load_examples([path])
    first, second = str(error.value).splitlines()[1:]
    assert f"{path}:3: found 7, expected one JSON object" in first
    assert f"{path}:4: found malformed JSON" in second
    path.write_text(json.dumps({"question": "A?", "answers": ["x"]}) + "\n")
    assert load_examples([path])[0].question == "A?", "JSON Lines under another suffix"


@pytest.mark.parametrize("name", ["x.csv", "x.xlsx", "x.json"])
def test_columns_of_other_names_are_asked_for_in_one_sentence(tmp_path: Path, name: str) -> None:
    path = tabular(tmp_path / name, [["Frage", "Antwort", "Quelle"], ["Wie weit?", "10 m", "a.md"]])
    with pytest.raises(InputError) as error:
        load_examples([path])
    message = str(error.value)
    assert "\n" not in message
    assert "found the columns 'Frage', 'Antwort', 'Quelle'" in message
    assert '--column "question=NAME" --column "answers=NAME"' in message
    columns = parse_columns(["question=Frage", "answers=Antwort", "document_ids=Quelle"])
    (example,) = load_examples([path], columns=columns)
    assert (example.question, example.answers, example.document_ids) == ("Wie weit?", ("10 m",), ("a.md",))
    with pytest.raises(InputError, match="found no column 'Quele' for document_ids"):
        load_examples([path], columns=parse_columns(["question=Frage", "answers=Antwort", "document_ids=Quele"]))


def test_a_name_near_the_right_one_is_proposed(tmp_path: Path) -> None:
    path = tabular(tmp_path / "x.csv", [["Questions asked", "anwser"], ["Q", "A"]])
    with pytest.raises(InputError, match='--column "question=Questions asked" --column "answers=anwser"'):
        load_examples([path])
    twice = tabular(tmp_path / "y.csv", [["question", "Question", "answer"], ["Q", "R", "A"]])
    with pytest.raises(InputError, match="'question', 'Question', which may all be the question"):
        load_examples([twice])


def test_faulty_rows_of_a_table_are_named_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text('question,answer\n"Two\nlines?",x\nNo answer?,\n,x\nToo?,x,more\nBad?,x\n')
    with pytest.raises(InputError) as error:
        load_examples([path])
    lines = str(error.value).splitlines()[1:]
    assert len(lines) == 3
    assert f"{path}:4: found no answer, expected one, or [] in its cell" in lines[0]
    assert f"{path}:5: found no 'question'" in lines[1]
    assert f'{path}:6: found the cell "more" in a column without a name' in lines[2]


def test_the_sheets_that_hold_questions_are_read(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    workbook = pytest.importorskip("xlsxwriter").Workbook(path)
    for name, rows in (("Notes", [["Remember", "the milk"]]), ("Ours", [["question", "answer"], ["How many?", 3.0]])):
        sheet = workbook.add_worksheet(name)
        for number, row in enumerate([*rows, ["x", "y"]]):
            sheet.write_row(number, 0, row)
    workbook.close()
    told: list[str] = []
    examples = load_examples([path], warn=told.append)
    assert [(one.question, one.answers, one.provenance) for one in examples] == [
        ("How many?", ("3",), f"{path}:Ours!2"),
        ("x", ("y",), f"{path}:Ours!3"),
    ]
    assert len(told) == 1
    assert "passed over" in told[0]
    assert "'Notes'" in told[0]


def test_a_broken_workbook_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    path.write_bytes(b"no workbook at all")
    with pytest.raises(InputError, match="found no workbook") as error:
        load_examples([path])
    assert str(error.value).count(str(path)) == 1


@pytest.mark.parametrize("given", ["Frage", "frage=question", "question=", "metadata=x"])
def test_a_column_option_of_another_form_is_refused(given: str) -> None:
    with pytest.raises(ConfigurationError, match="expected FIELD=NAME"):
        parse_columns([given])
    with pytest.raises(ConfigurationError, match="beside another"):
        parse_columns(["question=a", "question=b"])
