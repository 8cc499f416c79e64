"""CSV rows become lines that name their columns."""

import csv

import pytest

from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.parsing.table import parse_table


def only(data: str | bytes) -> Document:
    items = list(parse_table("t.csv", data.encode() if isinstance(data, str) else data))
    assert len(items) == 1
    assert isinstance(items[0], Document)
    return items[0]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    source = "\n".join(delimiter.join(row) for row in [["part", "price"], ["Pump", "42"], ["Hose", "7"]])
    assert only(source).text == "part: Pump; price: 42\npart: Hose; price: 7"


def test_quotes_empty_cells_blank_rows_and_unnamed_columns() -> None:
    document = only('part,,note\n"Pump, big",3,"two\nlines ""x"""\n\n,,\nHose,,\n')
    assert document.text == 'part: Pump, big; column 2: 3; note: two lines "x"\npart: Hose'
    assert document.metadata == {"rows": 2}


def test_one_column_and_utf16() -> None:
    assert only("name\nPump\nHose\n").text == "name: Pump\nname: Hose"
    assert only("name;price\nPump;3,5\n".encode("utf-16")).text == "name: Pump; price: 3,5"


def test_malformed_rows_are_named_and_the_others_kept() -> None:
    document, error = parse_table("t.csv", b'a,b\n1,2\n1,2,3\n"x\ny",4\n5\n6,7\n')
    assert isinstance(document, Document)
    assert document.text == "a: 1; b: 2\na: x y; b: 4\na: 6; b: 7"
    assert str(error).startswith("found malformed rows: line 3 (3 cells), line 6 (1 cells); expected 2 cells")


def test_mostly_malformed_rows_are_refused() -> None:
    with pytest.raises(InputError, match="and 1 more; expected 2 cells as in the header, which is most of them"):
        list(parse_table("t.csv", b"a,b\n" + b"1\n" * 6))


def test_unbalanced_quotes_are_refused_with_their_line() -> None:
    with pytest.raises(InputError, match="line 3: found quotes that do not balance"):
        list(parse_table("t.csv", b'a,b\n1,2\n"3,4\n5,6\n'))


@pytest.mark.parametrize("data", [b"a,b\n", b",\n,\n"])
def test_a_table_without_rows_is_refused(data: bytes) -> None:
    with pytest.raises(InputError, match="found no rows"):
        list(parse_table("t.csv", data))


def test_a_huge_cell_is_read_and_the_process_wide_limit_left_alone() -> None:
    limit = csv.field_size_limit()
    assert len(only("a,b\n1," + "x" * 300_000).text) > 300_000
    assert csv.field_size_limit() == limit
