"""Files are parsed by suffix."""

import gzip
import io
import os
from pathlib import Path

import docx
import pytest

from retrieval.corpus_files import find_files
from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.parsing.parse import ParseFailure, ParseLimits, parse_file, parser_pool


def write(root: Path, **files: bytes | str) -> None:
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)


def parse(path: Path, limits: ParseLimits | None = None) -> list[Document | ParseFailure]:
    (source,) = find_files([path])
    return list(parse_file(source, limits))


def test_each_format_is_recognised_by_its_suffix(tmp_path: Path) -> None:
    word = io.BytesIO()
    source = docx.Document()
    source.add_paragraph("word")
    source.save(word)
    rows = b'{"id": "r", "text": "row"}\n'
    write(
        tmp_path,
        **{
            "a.MD": "# markdown",
            "b.txt": "text",
            "c.htm": "<p>html",
            "d.docx": word.getvalue(),
            "e.csv": "a,b\n1,2",
            "f.jsonl": rows,
            "g.jsonl.gz": gzip.compress(rows),
        },
    )
    with parser_pool(ParseLimits()) as pool:
        texts = {}
        for found in find_files([tmp_path]):
            for document in parse_file(found, pool=pool):
                assert isinstance(document, Document)
                texts[found.id] = document.text
    assert texts == {
        "a.MD": "# markdown",
        "b.txt": "text",
        "c.htm": "html",
        "d.docx": "word",
        "e.csv": "a: 1; b: 2",
        "f.jsonl": "row",
        "g.jsonl.gz": "row",
    }


def test_the_title_falls_back_to_the_file_name(tmp_path: Path) -> None:
    write(tmp_path, **{"pump-3_manual.v2.txt": "text"})
    (document,) = parse(tmp_path / "pump-3_manual.v2.txt")
    assert isinstance(document, Document)
    assert document.title == "pump 3 manual.v2"


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.xyz", "x", "found the suffix '.xyz', expected one of .md"),
        ("LICENSE", "x", "found the suffix 'none'"),
        ("a.md", "", "found an empty file"),
        ("a.txt", " \n\t ", "found only white space"),
        ("a.md", "---\nx: 1\n---\n", "found no text in it"),
        ("a.html", "<script>x</script>", "found no text in it"),
        ("a.md", bytes(range(256)) * 40, "found binary content"),
        ("a.pdf", "words", "found no PDF header"),
        ("a.txt", "x" * 2000, "found 0.0 MiB, expected at most 0.0 MiB"),
        ("a.md", "x" * 700, "found more than 600 characters of text"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_reason(
    tmp_path: Path, name: str, data: bytes | str, message: str
) -> None:
    write(tmp_path, **{name: data})
    limits = ParseLimits(max_bytes=1000 if isinstance(data, str) else 1 << 20, max_characters=600)
    with pytest.raises(InputError, match=message) as caught:
        parse(tmp_path / name, limits)
    assert str(caught.value).startswith(f"{tmp_path / name}: ")


def test_a_file_that_went_away_or_grew_is_an_input_error(tmp_path: Path) -> None:
    write(tmp_path, **{"a.md": "x", "b.md": "x"})
    gone, grown = find_files([tmp_path])
    gone.path.unlink()
    grown.path.write_text("x" * 2000)
    with pytest.raises(InputError, match="cannot read it"):
        list(parse_file(gone))
    with pytest.raises(InputError, match="growing beyond"):
        list(parse_file(grown, ParseLimits(max_bytes=1000)))


def test_malformed_rows_are_reported_between_the_documents(tmp_path: Path) -> None:
    write(
        tmp_path, **{"rows.jsonl": '{"id": "a", "text": "x"}\n{bad\n{"id": "b", "text": "y"}\n', "t.csv": "a,b\n1,2\n3"}
    )
    first, failure, last = parse(tmp_path / "rows.jsonl")
    assert isinstance(failure, ParseFailure)
    assert failure.path == "rows.jsonl"
    assert failure.error.startswith("line 2: found malformed JSON")
    assert [d.id for d in (first, last) if isinstance(d, Document)] == ["a", "b"]
    document, failure = parse(tmp_path / "t.csv")
    assert isinstance(document, Document)
    assert isinstance(failure, ParseFailure)
    assert "line 3 (1 cells)" in failure.error


def test_a_file_name_that_is_not_utf8_gets_a_printable_id(tmp_path: Path) -> None:
    path = os.path.join(os.fsencode(tmp_path), b"caf\xe9.txt")
    with open(path, "wb") as file:
        file.write(b"text")
    (document,) = parse(tmp_path)
    assert isinstance(document, Document)
    assert (document.id, document.title) == ("caf\ufffd.txt", "caf\ufffd")
