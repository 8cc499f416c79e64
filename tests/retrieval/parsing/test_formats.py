"""The table of formats is whole, and files go through it and the child processes to documents."""

import io
import sys
import zipfile
from importlib import import_module
from pathlib import Path

import docx
import pytest
import xlsxwriter

from retrieval.corpus_files import find_files
from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.parsing import formats
from retrieval.parsing.parse import ParseLimits, parse_files, parser_pool
from tests.retrieval.parsing.test_outlook import compound_file, message
from tests.retrieval.parsing.test_slides import Presentation, saved


def test_every_suffix_has_a_parser() -> None:
    for form in set(formats.SUFFIXES.values()) - {"rows", "gzipped rows"}:
        module, name = formats._PARSERS[form].split(".")
        assert callable(getattr(import_module(f"retrieval.parsing.{module}"), name))


def test_two_suffixes_tell_the_form_where_they_do() -> None:
    assert [formats.form(name) for name in ("a.rst.txt", "a.b.txt", "a.JSONL.GZ", "a.tar.gz", "zip")] == [
        "restructured", "text", "gzipped rows", None, None,
    ]  # fmt: skip


def test_a_library_that_is_missing_is_named_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "striprtf.striprtf", None)
    with pytest.raises(InputError, match=r"needs striprtf.*pip install 'lockstep\[formats\]'"):
        list(formats.parse("rtf", "a.rtf", b"{\\rtf1 x}", max_characters=100))


def test_files_reach_documents_through_the_child_processes(tmp_path: Path) -> None:
    book = tmp_path / "b.xlsx"
    with xlsxwriter.Workbook(book) as writer:
        writer.add_worksheet("S").write_column(0, 0, ["word", "w"])
    word = io.BytesIO()
    document = docx.Document()
    document.add_paragraph("word")
    document.save(word)
    with zipfile.ZipFile(io.BytesIO(word.getvalue())) as old, zipfile.ZipFile(tmp_path / "d.docm", "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"openxmlformats-officedocument.wordprocessingml.document.main",
                                                      b"ms-word.document.macroEnabled.main"))  # fmt: skip
    slides = Presentation()
    slides.slides.add_slide(slides.slide_layouts[5]).shapes.title.text = "word"
    files = {
        "a.adoc": b"word", "e.epub": b"PK", "m.msg": compound_file(message(x1000="word")), "p.pptx": saved(slides),
        "r.rst": b"word", "t.tex": rb"\emph{word}", "y.yaml": b"word: w", "x.xml": b"<a>word</a>", "o.org": b"word",
        "r.rtf": rb"{\rtf1 word}", "l.po": b'msgid "word"\nmsgstr "Wort"\n',
    }  # fmt: skip
    for file, data in files.items():
        (tmp_path / file).write_bytes(data)
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.write(tmp_path / "d.docm", "d.docm")
        archive.writestr("a/b.md", "word")
    limits = ParseLimits()
    found: dict[str, str] = {}
    refused = []
    with parser_pool(limits) as pool:
        for source, items in parse_files(find_files([tmp_path]), limits, pool):
            try:
                found |= {item.id: item.text for item in items if isinstance(item, Document)}
            except InputError as error:
                refused.append((source.id, str(error).partition(": ")[2][:20]))
    assert refused == [("e.epub", "found a broken EPUB ")]
    assert sorted(found) == sorted([*(set(files) - {"e.epub"}), "b.xlsx", "d.docm", "z.zip/a/b.md", "z.zip/d.docm"])
    assert [name for name, text in found.items() if "word" not in text] == []
