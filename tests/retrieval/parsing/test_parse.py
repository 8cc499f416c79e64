"""Files are found under stable ids and parsed by suffix."""

import gzip
import io
import os
from pathlib import Path

import docx
import pytest

from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.parsing.parse import ParseFailure, ParseLimits, find_files, parse_file, parser_pool


def write(root: Path, **files: bytes | str) -> None:
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)


def ids(*paths: Path) -> list[str]:
    return [source.id for source in find_files(paths)]


def parse(path: Path, limits: ParseLimits | None = None) -> list[Document | ParseFailure]:
    (source,) = find_files([path])
    return list(parse_file(source, limits))


def test_ids_are_paths_relative_to_the_root(tmp_path: Path) -> None:
    write(tmp_path, **{"b/c/d.md": "x", "a.txt": "x", "b/a.md": "x", "b/noise.bin": "x"})
    assert ids(tmp_path) == ["a.txt", "b/a.md", "b/c/d.md", "b/noise.bin"]
    assert ids(tmp_path / "b") == ["a.md", "c/d.md", "noise.bin"]
    assert ids(tmp_path / "a.txt", tmp_path / "b" / "c") == ["a.txt", "d.md"]
    (source,) = find_files([tmp_path / "a.txt"])
    assert (source.path, source.size) == (tmp_path / "a.txt", 1)
    assert source.mtime_ns == (tmp_path / "a.txt").stat().st_mtime_ns


def test_hidden_names_pipes_and_foreign_links_are_left_out(tmp_path: Path) -> None:
    root = tmp_path / "root"
    write(tmp_path, **{"outside/secret.md": "x", "root2/x.md": "x", "root/.git/a.md": "x", "root/.b.md": "x"})
    write(root, **{"kept.md": "x"})
    (root / "file.md").symlink_to(tmp_path / "outside" / "secret.md")
    (root / "folder").symlink_to(tmp_path / "outside")
    (root / "sibling").symlink_to(tmp_path / "root2")
    (root / "dangling.md").symlink_to(root / "nothing.md")
    (root / "loop").symlink_to(root)
    os.mkfifo(root / "pipe.md")
    assert ids(root) == ["kept.md"]


def test_a_link_inside_counts_only_where_its_target_is_not_found_anyway(tmp_path: Path) -> None:
    # A mounted Kubernetes ConfigMap: names that link into a hidden folder.
    write(tmp_path, **{"..data/faq.md": "x", "z/real.md": "x"})
    (tmp_path / "faq.md").symlink_to("..data/faq.md")
    (tmp_path / "alias.md").symlink_to("z/real.md")
    assert ids(tmp_path) == ["faq.md", "z/real.md"]


def test_a_file_given_twice_is_found_once_and_equal_ids_are_refused(tmp_path: Path) -> None:
    write(tmp_path, **{"a/x.md": "x", "b/x.md": "y"})
    assert ids(tmp_path / "a", tmp_path / "a" / "x.md", tmp_path / "a") == ["x.md"]
    with pytest.raises(InputError, match=r"would both get the id 'x\.md'"):
        find_files([tmp_path / "a", tmp_path / "b"])


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"found no .*nowhere"):
        find_files([tmp_path / "nowhere"])


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
        ("a.png", "x", "found the suffix '.png', expected one of .md"),
        ("LICENSE", "x", "found the suffix 'none'"),
        ("a.gz", "x", "found the suffix '.gz'"),
        ("a.md", "", "found an empty file"),
        ("a.txt", " \n\t ", "found only white space"),
        ("a.md", "---\nx: 1\n---\n", "found no text in it"),
        ("a.html", "<script>x</script>", "found no text in it"),
        ("a.md", bytes(range(256)) * 40, "found binary content"),
        ("a.pdf", "words", "found no PDF header"),
        ("a.txt", "x" * 2000, "found 0.0 MiB, expected at most 0.0 MiB"),
        ("a.md", "x" * 700, "found 700 characters of text, expected at most 600"),
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
