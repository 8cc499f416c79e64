r"""RTF: text, headings by \outlinelevel or style, tables, code pages."""

import pytest

from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.parsing.rtf import parse_rtf


def parse(source: str, max_characters: int = 1_000_000) -> Document:
    return parse_rtf("a.rtf", source.encode("latin-1"), max_characters=max_characters)


def test_text_headings_and_tables() -> None:
    document = parse(
        r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\stylesheet{\s1\outlinelevel0 heading 1;}}"
        r"{\info{\title Pump \'e9t\'e9}}{\pict\pngblip 8950}"
        r"\pard\s1\outlinelevel0 Use\par\pard Oil it \'96 daily.\par{\b Bold} and \u8364?5.\par"
        r"\trowd\cellx1\cellx2\cellx3 Part\cell Price\cell Since\cell\row Pump\cell 42\cell 2026\cell\row"
        r"\pard\outlinelevel1 Care\par After.\par}"
    )
    assert document.title == "Pump été"
    assert document.text == (
        "Use\n\nOil it – daily.\n\nBold and €5.\n\nPart: Pump; Price: 42; Since: 2026\n\nCare\n\nAfter."
    )
    assert [(h.level, h.text) for h in document.headings] == [(1, "Use"), (2, "Care")]


def test_headings_by_the_name_of_their_style() -> None:
    document = parse(r"{\rtf1{\stylesheet{\s0 Normal;}{\s3\b\fs28 heading 2;}}\pard\s3 Use\par\pard\s0 Oil it.\par}")
    assert [(h.level, h.text) for h in document.headings] == [(2, "Use")]


def test_binary_data_may_hold_braces() -> None:
    assert parse(r"{\rtf1 before{\pict\bin4 }}}}}\par after}").text == "before\n\nafter"


def test_damaged_files_are_refused() -> None:
    with pytest.raises(InputError, match="found no RTF header"):
        parse("words")
    with pytest.raises(InputError, match="found a broken RTF"):
        parse(r"{\rtf1\ansi Oil it")
    with pytest.raises(InputError, match="found more than 10 characters"):
        parse(r"{\rtf1 many more words than that\par}", max_characters=10)


def test_groups_nested_very_deeply_are_no_matter() -> None:
    assert parse(r"{\rtf1 " + "{" * 50_000 + "deep" + "}" * 50_000 + "}").text == "deep"
