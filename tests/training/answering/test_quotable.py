"""Passages as one reads them."""

import pytest

from training.answering.quotable import plain, quotables, sentences

TEXT = "The cap lasts 24 months. It may stay dry for 48 hours.\n\n- Torque: 2.4 N m\n- Port: 8443"


def test_sentences_are_exact_substrings_in_order() -> None:
    assert list(sentences(TEXT)) == [
        "The cap lasts 24 months.",
        "It may stay dry for 48 hours.",
        "- Torque: 2.4 N m",
        "- Port: 8443",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Version 3.5 is out. Use it.", ["Version 3.5 is out.", "Use it."]),
        ('He said "stop!" Then left.', ['He said "stop!"', "Then left."]),
        ("a short line\nthat goes on. End", ["a short line\nthat goes on.", "End"]),
        ("x" * 70 + "\nNeedle was wrapped here", ["x" * 70 + "\nNeedle was wrapped here"]),
        ("Row one\nRow two\n", ["Row one", "Row two"]),
        ("  \n\n ", []),
        ("", []),
    ],
)
def test_sentence_boundaries(text: str, expected: list[str]) -> None:
    found = list(sentences(text))
    assert found == expected
    assert all(sentence in text for sentence in found)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "Some **bold** and *slanted* and __bold__ and _slanted_ words",
            "Some bold and slanted and bold and slanted words",
        ),
        ("See [the manual](http://a.b/c_d) and ![a pump](p.png).", "See the manual and a pump."),
        ("Run `pump --fast` now", "Run pump --fast now"),
        ("## Part *two*", "Part two"),
        ("> - [x] Done", "Done"),
        ("> 3. Done", "Done"),
        ("A<br>B <b>C</b>", "A B C"),
        ("snake_case_name and 2 * 3 * 4 and a < b > c", "snake_case_name and 2 * 3 * 4 and a < b > c"),
        (r"1\. \*not slanted\*", "1. *not slanted*"),
        ("-5 degrees", "-5 degrees"),
        ("x = [1](a) [2]", "x = 1 [2]"),
    ],
)
def test_markup_is_left_out(text, shown):
    assert plain(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Model | Weight\nLeine | 55 kg\nIsar | 28 kg", ["Model: Leine; Weight: 55 kg", "Model: Isar; Weight: 28 kg"]),
        ("Leine | 55 kg\nIsar | 28 kg", ["Leine; 55 kg", "Isar; 28 kg"]),
        ("| Year | 2024 |\n|:--|--:|\n| Sold | **7** |", ["Year: Sold; 2024: 7"]),
        ("| a | b |\n|---|---|\n| 1 | |\n| 2 | 3 | 4 |", ["a: 1", "2; 3; 4"]),
        ("Before. After\n\nA | B\n1 | 2\nThe end.", ["Before.", "After", "A: 1; B: 2", "The end."]),
        ("```python\nx = 1\n```\n\n---\n\n***", ["x = 1"]),
        ("| a |", ["a"]),
        ("# One\ntwo", ["One", "two"]),
        ("", []),
    ],
)
def test_rows_say_their_columns_names_and_rules_say_nothing(text, shown):
    assert [one.text for one in quotables(text)] == shown
