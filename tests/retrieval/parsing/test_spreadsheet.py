"""Spreadsheets: rows with their columns' names, captions, merged cells; what would take too much memory is refused."""

import datetime
import io
import zipfile
from typing import Any

import pytest
import xlsxwriter

from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.parsing.spreadsheet import parse_spreadsheet
from tests.retrieval.parsing.compound_file import compound_file
from tests.retrieval.parsing.entity_bomb import entity_bomb


def book(*sheets: tuple[str, list[list[Any]]], merged: tuple[int, int, int, int, str] | None = None) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"default_date_format": "yyyy-mm-dd"}) as writer:
        writer.set_properties({"title": "Prices 2026"})
        for name, rows in sheets:
            sheet = writer.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
            if merged:
                sheet.merge_range(*merged)
    return buffer.getvalue()


def parse(data: bytes, max_characters: int = 1_000_000) -> Document:
    return parse_spreadsheet("a.xlsx", data, max_characters=max_characters)


def replaced(data: bytes, part: str, content: bytes) -> bytes:
    """The package with another content of one part."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, content if name == part else old.read(name))
    return buffer.getvalue()


def test_rows_carry_the_names_of_their_columns_and_sheets_are_headings() -> None:
    prices = [["Part", "Price", "Since", "New"], ["Pump", 42, datetime.date(2026, 3, 1), True], ["Valve", 7.25, "", ""]]
    document = parse(book(("Parts", prices), ("Places", [["Town", "Code"], ["Bonn", 53111]]), ("Empty", [])))
    assert document.title == "Prices 2026"
    assert document.text == (
        "Parts\n\nPart: Pump; Price: 42; Since: 2026-03-01; New: TRUE\nPart: Valve; Price: 7.25\n\n"
        "Places\n\nTown: Bonn; Code: 53111"
    )
    assert [(h.level, h.text, h.start) for h in document.headings] == [(1, "Parts", 0), (1, "Places", 85)]


def test_a_caption_is_no_row_of_names_and_tables_below_one_another_have_their_own() -> None:
    rows = [
        ["Prices of pumps"],
        [],
        ["Part", "Price"],
        ["Pump", 42],
        [],
        ["Valve", 7],
        [],
        ["Town", "Code"],
        ["Bonn", 1],
    ]
    assert parse(book(("S", rows))).text == (
        "S\n\nPrices of pumps\n\nPart: Pump; Price: 42\nPart: Valve; Price: 7\nTown: Bonn; Code: 1"
    )


def test_a_table_of_numbers_has_no_names() -> None:
    assert parse(book(("S", [[1, 2], [3, 4]]))).text == "S\n\n1 | 2\n3 | 4"


def test_a_merged_cell_stands_in_every_row_and_column_name() -> None:
    rows = [["Part", "2025", ""], ["", "Q1", "Q2"], ["Pump", 1, 2]]
    document = parse(book(("S", rows), merged=(0, 1, 0, 2, "Year A")))
    assert document.text == "S\n\nPart: Pump; Year A Q1: 1; Year A Q2: 2"
    rows = [["Group", "Part", "Price"], ["", "Pump", 42], ["", "Valve", 7]]
    document = parse(book(("S", rows), merged=(1, 0, 2, 0, "Water")))
    assert document.text == "S\n\nGroup: Water; Part: Pump; Price: 42\nGroup: Water; Part: Valve; Price: 7"


def test_damaged_and_encrypted_workbooks_are_refused() -> None:
    whole = book(("S", [["a", "b"], [1, 2]]))
    for data in (whole[: len(whole) // 2], replaced(whole, "xl/workbook.xml", b"<broken")):
        with pytest.raises(InputError, match="found a broken workbook") as caught:
            parse(data)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="found no workbook"):
        parse(b"words")
    with pytest.raises(InputError, match="found a broken or encrypted workbook"):
        parse(compound_file({"Workbook": b"x"}))
    with pytest.raises(InputError, match="found an encrypted workbook"):
        parse(compound_file({"EncryptedPackage": b"x", "EncryptionInfo": b"y"}))


def test_a_sheet_that_spans_the_whole_grid_is_refused_unopened() -> None:
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
        "</sheetData></worksheet>"
    )
    data = replaced(book(("S", [["a"]])), "xl/worksheets/sheet1.xml", sheet.encode())
    with pytest.raises(InputError, match="spans 1048576 rows by 16384 columns"):
        parse(data)


def test_a_declared_dimension_costs_nothing() -> None:
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        '<dimension ref="A1:XFD1048576"/><sheetData><row r="1"><c r="A1"><v>5</v></c></row></sheetData></worksheet>'
    )
    data = replaced(book(("S", [["a"]])), "xl/worksheets/sheet1.xml", sheet.encode())
    assert parse(data).text == "S\n\n5"


def test_an_entity_bomb_in_the_properties_is_passed_over() -> None:
    assert parse(replaced(book(("S", [["a", "b"], [1, 2]])), "docProps/core.xml", entity_bomb())).title == ""


def test_too_much_text_is_refused() -> None:
    with pytest.raises(InputError, match="found more than 100 characters"):
        parse(book(("S", [["name", "n"], *([f"row {i}", i] for i in range(50))])), max_characters=100)


def test_a_cell_merged_over_columns_of_data_stands_once() -> None:
    rows = [["Part", "Price", "Tax"], ["Pump", 42, 2], ["Valve", "", ""]]
    document = parse(book(("S", rows), merged=(2, 1, 2, 2, "on request")))
    assert document.text == "S\n\nPart: Pump; Price: 42; Tax: 2\nPart: Valve; Price: on request"


def test_one_name_may_be_a_number() -> None:
    document = parse(book(("S", [["0", "Year", "Town", "Total", "Rest"], [1, 2013, "Bonn", 3210, 331]])))
    assert document.text == "S\n\n0: 1; Year: 2013; Town: Bonn; Total: 3210; Rest: 331"


def test_words_here_and_there_are_no_names() -> None:
    rows = [["Work sheet", "", "", "", "Code", "", ""], ["a", "b", "c", "d", "e", "f", "g"]]
    assert parse(book(("S", rows))).text == "S\n\nWork sheet | Code\na | b | c | d | e | f | g"


def test_the_name_of_an_empty_column_is_kept() -> None:
    document = parse(book(("S", [["Part", "Supplier", "Price"], ["Pump", "", 42]])))
    assert document.text == "S\n\nPart | Supplier | Price\nPart: Pump; Price: 42"


def test_a_word_broken_inside_a_cell_is_whole() -> None:
    assert parse(book(("S", [["Part", "Percen-\ntile"], ["Pump", 42]]))).text == "S\n\nPart: Pump; Percentile: 42"


@pytest.mark.parametrize(
    "rows", [[["Party:", "Ann"], ["Centre:", "Bonn"]], [["hello, a", "hello, a"], ["hello, a", "hello, a"]]]
)
def test_forms_and_rows_that_are_alike_have_no_names(rows: list[list[str]]) -> None:
    assert parse(book(("S", rows))).text == "S\n\n" + "\n".join(map(" | ".join, rows))
