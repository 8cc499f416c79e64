"""Encodings are told apart and binary content is refused."""

import random

import pytest

from retrieval.errors import InputError
from retrieval.parsing.text import clean, decode, parse_text

GERMAN = "Die Größe der Düse beträgt 5 µm – heiß, übermäßig.\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_reads_the_encodings_that_files_come_in(encoding: str) -> None:
    assert decode(GERMAN.encode(encoding)) == GERMAN


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("L'été à Évreux, la clé est cassée; ça coûte 5 €.", "cp1252"),
        ("Давление насоса равно сорок два бара, проверьте клапан и замените фильтр.", "cp1251"),
        ("ポンプの圧力は四十二バールです。フィルターを交換してください。", "shift_jis"),
        ("Ciśnienie wynosi czterdzieści dwa bary, proszę wymienić źle założony filtr, żółty.", "cp1250"),
    ],
)
def test_guesses_legacy_encodings(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text


def test_a_late_foreign_byte_is_found_beyond_the_sample() -> None:
    data = b"plain words " * 20_000 + "Größe".encode("cp1252")
    assert decode(data).endswith("words Größe")


def test_a_declared_encoding_is_believed_unless_the_content_is_utf8() -> None:
    russian = "Давление"
    assert decode(russian.encode("koi8-r"), "koi8-r") == russian
    assert decode(russian.encode(), "koi8-r") == russian


@pytest.mark.parametrize("declared", ["rot13", "no-such", "utf-8", "idna"])
def test_a_declared_encoding_that_cannot_be_is_passed_over(declared: str) -> None:
    assert decode("Größe".encode("cp1252"), declared) == "Größe"


@pytest.mark.parametrize("data", [random.Random(1).randbytes(10_000), b"\0" * 1000, b"\x89PNG\r\n\x1a\n" + bytes(200)])
def test_refuses_binary_content(data: bytes) -> None:
    with pytest.raises(InputError, match="found binary content, expected text"):
        decode(data)


def test_refuses_binary_content_after_a_text_beginning() -> None:
    with pytest.raises(InputError, match="binary"):
        decode(b"words " * 20_000 + random.Random(1).randbytes(50_000))


def test_names_the_byte_that_contradicts_the_byte_order_mark() -> None:
    with pytest.raises(InputError, match="not utf-8-sig at byte 6"):
        decode(b"\xef\xbb\xbfwords \xff")


def test_clean_removes_what_stores_and_tokenizers_refuse() -> None:
    assert clean("a\r\nb\rc\x0cd\x00e\ud800f\th") == "a\nb\nc\nd e f\th"


def test_parse_text_keeps_a_stray_null_byte_out() -> None:
    document = parse_text("notes.txt", b"one\x00two " + b"words " * 50)
    assert document.text.startswith("one two words")
    assert document.id == "notes.txt"
