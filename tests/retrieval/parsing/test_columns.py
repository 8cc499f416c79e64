"""Rows with the names of their columns."""

from retrieval.parsing.columns import Table, named_row


def table(*rows: list[str], header: bool = False) -> list[str]:
    built = Table()
    for i, row in enumerate(rows):
        built.row([(cell, 1, 1) for cell in row], header=header and i == 0)
    return list(built.lines())


def test_a_cell_without_a_name_stands_alone_and_an_empty_one_is_left_out() -> None:
    assert named_row(["", "Linux", "Windows"], ["Backup", "yes", "", "extra"]) == "Backup; Linux: yes; extra"


def test_a_long_name_is_cut() -> None:
    assert len(named_row(["x" * 100_000], ["1"])) < 200


def test_names_without_rows_are_kept() -> None:
    assert table(["Part", "Price"], header=True) == ["Part | Price"]


def test_the_first_row_is_taken_for_names_only_where_it_looks_like_them() -> None:
    assert table(["Part", "Unit", "Shelf"], ["Pump", "piece", "left"]) == ["Part: Pump; Unit: piece; Shelf: left"]
    assert table(["P1", "P2", "P3"], ["a", "b", "c"])[0] == "P1 | P2 | P3"
    assert table(["same", "same", "x"], ["a", "b", "c"])[0] == "same | same | x"
    assert table(["a", "", "x"], ["a", "b", "c"])[0] == "a |  | x"


def test_a_short_row_below_a_spanning_cell_keeps_its_columns() -> None:
    built = Table()
    built.row([("A", 1, 1), ("B", 1, 1), ("C", 1, 1)], header=True)
    built.row([("1", 1, 1), ("2", 1, 1), ("3", 2, 1)])
    built.row([("4", 1, 1)])
    built.row([("5", 1, 1), ("6", 1, 1), ("7", 1, 1)])
    assert list(built.lines()) == ["A: 1; B: 2; C: 3", "A: 4; C: 3", "A: 5; B: 6; C: 7"]
