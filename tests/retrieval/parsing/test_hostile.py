"""Files made to break a parser: each fails alone in one line or is taken, and the good file beside it is taken."""

import gzip
import io
import random
import resource
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import docx
import pytest

from retrieval.chunking import Chunker
from retrieval.corpus_files import find_files
from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.parsing.parse import ParseFailure, ParseLimits, parse_files, parser_pool

GOOD = "# Pump\n\nThe pump runs at 42 bar.\n"
TAKEN = ""
MEMORY = 1200 << 20


def front_matter(matter: str) -> str:
    return f"---\n{matter}\n---\n# Body\n\ntext\n"


def aliases() -> str:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]
    return front_matter("\n".join([*lines, "title: *a8"]))


def toml(matter: str) -> str:
    return f"+++\n{matter}\n+++\ntext\n"


def package(body: bytes) -> bytes:
    """A DOCX file with the given content."""
    data = io.BytesIO()
    docx.Document().save(data)
    changed = io.BytesIO()
    with zipfile.ZipFile(data) as source, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as target:
        for part in source.infolist():
            target.writestr(part.filename, body if part.filename == "word/document.xml" else source.read(part))
    return changed.getvalue()


def word(body: str, declaration: str = "") -> bytes:
    name = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    return package(
        f'<?xml version="1.0"?>{declaration}<w:document xmlns:w="{name}"><w:body>{body}</w:body></w:document>'.encode()
    )


def entities() -> bytes:
    levels = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 10))
    return word("<w:p><w:r><w:t>&e9;</w:t></w:r></w:p>", f'<!DOCTYPE x [<!ENTITY e0 "lol">{levels}]>')


def pdf(page: bytes, kids: bytes = b"3 0 R") -> bytes:
    """A PDF file of one page with this content stream, deflated."""
    stream = zlib.compress(page, 9)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[" + kids + b"]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
        b"<</Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    data = b"%PDF-1.4\n"
    table = b"xref\n0 6\n0000000000 65535 f \n"
    for number, content in enumerate(objects, start=1):
        table += b"%010d 00000 n \n" % len(data)
        data += b"%d 0 obj%s endobj\n" % (number, content)
    return data + table + b"trailer<</Root 1 0 R/Size 6>>\nstartxref\n%d\n%%%%EOF\n" % len(data)


def noise(size: int) -> bytes:
    return random.Random(1).randbytes(size)


# Name: content, and how the failure begins after the file's name (a file that is taken has none).
CASES: dict[str, tuple[Callable[[], str | bytes], str]] = {
    "deep-flow.md": (lambda: front_matter("a: " + "[" * 60_000), TAKEN),
    "deep-closed.md": (lambda: front_matter("a: " + "[" * 20_000 + "]" * 20_000), TAKEN),
    "deep-block.md": (lambda: front_matter("\n".join(" " * i + "a:" for i in range(300))), TAKEN),
    "deep-map.md": (lambda: front_matter("a: " + "{a: " * 15_000), TAKEN),
    "aliases.md": (aliases, TAKEN),
    "recursive-alias.md": (lambda: front_matter("a: &a [*a]\ntitle: *a"), TAKEN),
    "hexadecimal.md": (lambda: front_matter("n: 0x" + "f" * 60_000), TAKEN),
    "digits.md": (lambda: front_matter("n: " + "9" * 60_000), TAKEN),
    "sexagesimal.md": (lambda: front_matter("n: " + "59:" * 20_000 + "59.5"), TAKEN),
    "date.md": (lambda: front_matter("d: 2024-99-99"), TAKEN),
    "list-as-key.md": (lambda: front_matter("? [a, b]\n: c"), TAKEN),
    "many-fields.md": (lambda: front_matter("\n".join(f"k{i}: v" for i in range(5000))), TAKEN),
    "long-title.md": (lambda: front_matter("title: " + "x" * 60_000), TAKEN),
    "endless-front-matter.md": (lambda: "---\n" + "a: b\n" * 100_000, TAKEN),
    "toml-deep.md": (lambda: toml("a = " + "[" * 50_000), TAKEN),
    "toml-hexadecimal.md": (lambda: toml("a = 0x" + "f" * 60_000), TAKEN),
    "heading-of-spaces.md": (lambda: "# a" + " " * 100_000 + "b\n\ntext\n", TAKEN),
    "heading-of-tabs.md": (lambda: "# a" + "\t" * 100_000 + "{#b}c\n\ntext\n", TAKEN),
    "heading-of-underscores.md": (lambda: "# a" + "_" * 100_000 + "b\n\ntext\n", TAKEN),
    "heading-of-hashes.md": (lambda: "# a" + " #" * 100_000 + "b\n\ntext\n", TAKEN),
    "long-headings.md": (lambda: "".join(f"# {i} {'x' * 20_000}\n\ntext\n\n" for i in range(20)), TAKEN),
    "many-headings.md": (lambda: "# a\n" * 50_000, TAKEN),
    "brackets.md": (lambda: "[" * 200_000 + "](" * 100_000, TAKEN),
    "lists.md": (lambda: "- " * 100_000 + "a", "found no text in it"),
    "quotes.md": (lambda: ">" * 200_000 + " a", "found no text in it"),
    "rules.md": (lambda: "|" + "-" * 400_000 + "x", TAKEN),
    "shortcodes.md": (lambda: "{{<" * 100_000 + "[](" * 50_000 + " " * 100_000, TAKEN),
    "spaces-between-lines.md": (lambda: ("\n" + " " * 50_000) * 8 + "a", TAKEN),
    "fences.md": (lambda: "`" * 200_000 + "\n" + "```\n~~~\n" * 30_000, TAKEN),
    "one-word.txt": (lambda: "x" * 1_000_000, TAKEN),
    "zeros.txt": (lambda: b"\0" * 100_000, "found binary content"),
    "nul-in-text.txt": (lambda: b"one\0two " + b"words " * 200, TAKEN),
    "noise.txt": (lambda: noise(100_000), "found binary content"),
    "noise.md": (lambda: b"# Words\n" * 2000 + noise(100_000), "found binary content"),
    "surrogates.txt": (lambda: "a \ud800 b".encode("utf-16-le", "surrogatepass") * 50, "found"),
    "cut-utf16.txt": (lambda: "words and words".encode("utf-16")[:-1], "found bytes that are not utf-16"),
    "bom-only.txt": (lambda: b"\xef\xbb\xbf", "found no text in it"),
    "column.csv": (lambda: "a" * 2_000_000 + ",b\n" + "1,2\n" * 6000, TAKEN),
    "columns.csv": (lambda: ",".join(f"column{i}" for i in range(50_000)) + "\n" + ",".join("1" * 50_000), TAKEN),
    "column-times-rows.csv": (lambda: "n" * 200 + ",b\n" + "1,\n" * 60_000, TAKEN),
    "quotes.csv": (lambda: 'a,b\n"' + '""' * 100_000, "row on line 2: found quotes that do not balance"),
    "widths.csv": (lambda: "a,b\n" + "1\n" * 200_000, "found malformed rows"),
    "delimiters.csv": (lambda: ";,|\t" * 20_000 + "\n" + "a", "found"),
    "deep.jsonl": (
        lambda: '{"id": "a", "text": "x", "deep": ' + "[" * 200_000,
        "line 1: found JSON that cannot be read",
    ),
    "digits.jsonl": (
        lambda: '{"id": "a", "text": "x", "n": ' + "9" * 60_000 + "}",
        "line 1: found JSON that cannot be",
    ),
    "long-id.jsonl": (
        lambda: '{"id": "' + "i" * 60_000 + '", "text": "x"}',
        'line 1: found an "id" of 60000 characters',
    ),
    "surrogate.jsonl": (lambda: '{"id": "row", "text": "\\ud800 words", "k\\udfff": "\\ud800"}', TAKEN),
    "bomb.jsonl.gz": (lambda: gzip.compress(b"x" * (40 << 20)), "line 1"),
    "cut.jsonl.gz": (lambda: gzip.compress(b'{"id": "r1", "text": "x"}\n' + noise(9000).hex().encode())[:-500], "line"),
    "divisions.html": (lambda: "<div>" * 8000 + "deep", "found 8000 elements that nothing closes"),
    "lists.html": (lambda: "<ul><li>a" * 3000, TAKEN),
    "tables.html": (lambda: "<table><tr><td>a" * 20_000, TAKEN),
    "unclosed.html": (lambda: "<p>text" + "<a href='" * 50_000, TAKEN),
    "attributes.html": (lambda: "<p " + " ".join(f"a{i}=1" for i in range(5000)) + ">text", TAKEN),
    "charset.html": (lambda: "<meta " * 20_000 + "charset" + " " * 200_000 + "<p>text", TAKEN),
    "spaces.html": (lambda: "<p>a" + " \n" * 200_000 + "b", TAKEN),
    "no-pdf.pdf": (lambda: b"%PDF-1.7\n" + noise(50_000), "found a broken PDF"),
    "cut.pdf": (lambda: pdf(b"BT /F 1 Tf (words) Tj ET")[:400], "found a broken PDF"),
    "bomb.pdf": (lambda: pdf(b"BT /F 1 Tf (words) Tj ET " * 8_000_000), "found"),
    "loop.pdf": (lambda: pdf(b"", kids=b"2 0 R"), "found"),
    "bomb.docx": (lambda: package(b" " * (130 << 20)), "found 17 parts that expand to 131 MiB (a zip bomb?)"),
    "text-bomb.docx": (
        lambda: word(f"<w:p><w:r><w:t>{'lol ' * 5000}</w:t></w:r></w:p>" * 300),
        "found more than 4194304",
    ),
    "entities.docx": (entities, "found a broken DOCX"),
    "nested.docx": (lambda: word("<w:sdt><w:sdtContent>" * 5000), "found a broken DOCX"),
    "cut.docx": (lambda: word("<w:p/>")[:3000], "found a broken DOCX"),
}


MEASURED: list[int] = []
"""The most memory that this process had taken before and after."""


def most_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1 << 10)


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[object]]:
    """What each file gave."""
    root = tmp_path_factory.mktemp("hostile")
    for number, (name, (make, _)) in enumerate(CASES.items()):
        content = make()
        (root / f"{number:02}-{name}").write_bytes(content.encode() if isinstance(content, str) else content)
        (root / f"{number:02}-{name}.md").write_text(GOOD)
    found: dict[str, list[object]] = {}
    limits = ParseLimits(memory=1 << 30)
    MEASURED.append(most_memory())
    with parser_pool(limits) as pool:
        for source, items in parse_files(find_files([root]), limits, pool):
            results: list[object] = []
            try:
                results += items
            except InputError as error:
                results.append(error)
            found[source.id[3:]] = results
    MEASURED.append(most_memory())
    return found


@pytest.mark.parametrize("name", CASES)
def test_it_fails_alone_in_one_line_or_is_taken(parsed: dict[str, list[object]], name: str) -> None:
    items = parsed[name]
    expected = CASES[name][1]
    told = [item.error if isinstance(item, ParseFailure) else str(item) for item in items if is_failure(item)]
    told = [line.split(f"{name}: ")[-1] for line in told]
    if expected:
        assert len(told) == 1
        assert told[0].startswith(expected)
        assert "\n" not in told[0]
        assert len(told[0]) < 700
    else:
        assert told == []
        assert any(isinstance(item, Document) for item in items)


def is_failure(item: object) -> bool:
    return isinstance(item, InputError | ParseFailure)


def test_the_good_files_beside_them_are_taken(parsed: dict[str, list[object]]) -> None:
    for name in CASES:
        (document,) = parsed[f"{name}.md"]
        assert isinstance(document, Document)
        assert document.text == GOOD.strip()


def test_what_is_taken_is_bounded_and_can_be_cut(parsed: dict[str, list[object]], minilm_path: Path) -> None:
    chunker = Chunker(minilm_path / "tokenizer.json", 256)
    for name, items in parsed.items():
        for document in items:
            if isinstance(document, Document):
                assert len(document.title) <= 500, name
                assert sum(len(str(value)) for value in document.metadata.values()) <= 500_000, name
                assert max((len(heading.text) for heading in document.headings), default=0) <= 500, name
                if len(document.text) < 110_000:
                    assert chunker.chunk(document), name


def test_the_main_process_stays_small(parsed: dict[str, list[object]]) -> None:
    started, ended = MEASURED
    assert ended < max(MEMORY, started + (64 << 20)), "however much the tests before have taken"
