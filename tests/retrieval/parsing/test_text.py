"""Encodings are told apart and binary content is refused."""

import random

import pytest

from retrieval.errors import DocumentWarning, InputError
from retrieval.parsing.encoding import assuming
from retrieval.parsing.text import clean, decode, parse_text

GERMAN = "Die Größe der Düse beträgt 5 µm – heiß, übermäßig.\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_reads_the_encodings_that_files_come_in(encoding: str) -> None:
    assert decode(GERMAN.encode(encoding)) == GERMAN


CASES = {
    "shift_jis": "品名,重さ,保証\nポンプ青,12キロ,三年\nポンプ緑,31キロ,二年\n",
    "euc_jp": "品名,重さ,保証\nポンプ青,12キロ,三年\nポンプ緑,31キロ,二年\n",
    "gb18030": "名称,重量,保修\n蓝色水泵,十二公斤,三年\n绿色水泵,三十一公斤,两年\n",
    "big5": "名稱,重量,保固\n藍色水泵,十二公斤,三年\n綠色水泵,三十一公斤,兩年\n",
    "euc_kr": "이름,무게,보증\n파란 펌프,12킬로,3년\n초록 펌프,31킬로,2년\n",
    "cp1251": "Давление насоса равно сорок два бара, проверьте клапан и замените фильтр.",
    "koi8_r": "Название,Вес,Гарантия\nСиний насос,12 кг,три года\nЗелёный насос,31 кг,два года\n",
    "cp866": "Название,Вес,Гарантия\nСиний насос,12 кг,три года\nЗеленый насос,31 кг,два года\n",
    "cp1250": "Název,Váha,Záruka\nModré čerpadlo,12 kg,tři roky\nŽluté čerpadlo,31 kg,dva roky\n",
    "iso8859-2": "Ciśnienie wynosi czterdzieści dwa bary, proszę wymienić źle założony filtr, żółty.",
    "cp1253": "Όνομα,Βάρος,Εγγύηση\nΜπλε αντλία,12 κιλά,τρία χρόνια\n",
    "cp1254": "Ürün,Ağırlık,Garanti\nMavi pompa,12 kilogram,üç yıl\nYeşil pompa,şişe,iğne\n",
    "cp1255": "שם,משקל,אחריות\nמשאבה כחולה,12 קילו,שלוש שנים\n",
    "cp1256": "الاسم,الوزن,الضمان\nمضخة زرقاء,12 كيلو,ثلاث سنوات\n",
    "cp874": "ชื่อ,น้ำหนัก,การรับประกัน\nปั๊มสีน้ำเงิน,12 กิโลกรัม,สามปี\n",
    "cp1252": "L'été à Évreux, la clé est cassée; ça coûte 5 €.",
    "mac_roman": "Bezeichnung,Gewicht,Garantie\nGrüne Pumpe,12 kg,drei Jahre für Käufer\n",
    "iso2022_jp": "ポンプの圧力は四十二バールです。フィルターを交換してください。",
}


@pytest.mark.filterwarnings("ignore::retrieval.errors.DocumentWarning")
@pytest.mark.parametrize("encoding", CASES)
def test_guesses_legacy_encodings(encoding: str) -> None:
    assert decode(CASES[encoding].encode(encoding)) == CASES[encoding]
    assert encoding == "iso2022_jp" or decode(
        b"only ASCII at first\n" * 9000 + CASES[encoding].encode(encoding)
    ).endswith(CASES[encoding])


@pytest.mark.parametrize("word", ["Größe", "naïve", "Café", "words Größe"])
def test_too_little_to_tell_is_western_and_said_to_be_a_guess(word: str) -> None:
    with pytest.warns(DocumentWarning, match=r"encoding is not certain, read it as cp1252 \(it may be .*\): if its"):
        assert decode(word.encode("cp1252")) == word


def test_what_is_certain_is_taken_without_a_word() -> None:
    for encoding in ("shift_jis", "gb18030", "big5", "koi8_r", "cp1256", "cp1253", "euc_jp"):
        assert decode(CASES[encoding].encode(encoding)) == CASES[encoding]


def test_utf8_with_a_fault_stays_utf8_and_the_fault_is_told() -> None:
    data = ("Größe und Düse und heiß. " * 20).encode() + b"cut \xc3"
    with pytest.warns(DocumentWarning, match="found 1 places that are not UTF-8"):
        assert decode(data).startswith("Größe und Düse")


def test_bytes_that_the_declared_encoding_lacks_are_told() -> None:
    with pytest.warns(DocumentWarning, match="found 1 places that are not euc_jp"):
        assert decode("名前".encode("euc_jp") + b"\xff", "euc-jp").startswith("名前")


def test_a_late_foreign_byte_is_found_beyond_the_sample() -> None:
    data = b"plain words " * 20_000 + "Größe, überall heiß".encode("cp1252")
    with pytest.warns(DocumentWarning, match="read it as cp1252"):
        assert decode(data).endswith("words Größe, überall heiß")


def test_a_declared_encoding_is_believed_unless_the_content_is_utf8() -> None:
    russian = "Давление"
    assert decode(russian.encode("koi8-r"), "koi8-r") == russian
    assert decode(russian.encode(), "koi8-r") == russian
    assert decode("½ “quoted”".encode("cp1252"), "ISO-8859-1") == "½ “quoted”"
    assert decode("ポンプ①".encode("cp932"), "x-sjis") == "ポンプ①"


@pytest.mark.parametrize("declared", ["rot13", "no-such", "utf-8", "idna"])
def test_a_declared_encoding_that_cannot_be_is_passed_over(declared: str) -> None:
    with pytest.warns(DocumentWarning, match="not certain"):
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


def test_an_assumed_encoding_stands_in_place_of_the_guess_and_of_nothing_else() -> None:
    russian = "Клапан"
    with assuming("cp1251"):
        assert decode(russian.encode("cp1251")) == russian
        assert decode(russian.encode("koi8-r"), "koi8-r") == russian
        assert decode(russian.encode()) == russian
    with assuming("shift_jis"):
        assert decode(CASES["cp1253"].encode("cp1253")) == CASES["cp1253"], "it cannot be in that"
