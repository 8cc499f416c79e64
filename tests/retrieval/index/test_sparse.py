"""What search by words finds in each language, script and spelling, whatever the backend."""

import pytest

from retrieval.index.sparse import Encoder, encoder_of
from retrieval.normalisation import normalise


def found(languages: str, question: str, document: str) -> int:
    """How many terms of the question are in the document."""
    encoder = Encoder(tuple(languages.split()))
    document_terms = encoder.encode_document(normalise(document)).indices
    return len(set(encoder.encode_question(normalise(question)).indices) & set(document_terms))


@pytest.mark.parametrize(
    ("languages", "question", "document"),
    [
        ("de", "Kühlpumpe", "Wartung der Kühlpumpen"),
        ("sv", "reservpump", "Reservpumparna smörjs årligen."),
        ("hi", "पुस्तकें", "पुस्तक"),  # by PyStemmer: the engine has no stemmer for it
        ("pl", "pompy", "pompa"),
        ("es", "valvula", "la válvula"),
        ("en de sv", "Kühlpumpe", "Wartung der Kühlpumpen alle sechs Monate"),
        ("en de", "pumps", "Die Anlage hat pumps."),  # an English word in a German chunk
        ("en", "IT", "The IT department moved."),
        ("en", "it", "The IT department moved."),
        ("en", "Where is WHO based?", "The WHO sits in Geneva."),
        ("en", "10^6 germs", "10⁶ germs"),
        ("en", "106", "the 106 rooms"),
        ("en", "5 pipes of 1/2 inch", "5½ inch pipes"),
        ("en", "Petrel", "Petrel™ pumps"),
        ("en", "CO2", "CO₂ sensor"),
        ("en", "10 kg", "10 ㎏"),
        ("tr", "istanbul", "İstanbul"),
        ("fa", "میخواهم", "می\u200cخواهم"),
        ("", "额定压力", "主阀门的额定压力是十六巴。"),
        ("zh", "水", "备用水泵"),
        ("ja", "保証期間", "ポンプの保証期間は三年です。"),
        ("ja", "ABC123 200V", "型番ABC123の電圧は200Vです。"),
        ("ko", "분석기", "형태소 분석기입니다"),
        ("th", "สำรอง", "เครื่องสูบน้ำสำรองมีกำลังห้ากิโลวัตต์"),
        ("vi", "bơm dự phòng", "Máy bơm dự phòng"),
    ],
)
def test_found(languages: str, question: str, document: str) -> None:
    assert found(languages, question, document)


@pytest.mark.parametrize(
    ("languages", "question", "document"),
    [
        ("en", "IT", "Clean it before it dries, since it must."),
        ("en", "what is the?", "what is the"),
        ("en", "106", "10⁶ germs"),
        ("en de", "What is the IT?", "The pump is what it is."),
        ("en de", "Was ist die Nennweite?", "Die Pumpe ist alt."),
        ("zh", "额定压力", "夜间噪声不得超过四十分贝。"),
    ],
)
def test_not_found(languages: str, question: str, document: str) -> None:
    assert not found(languages, question, document)


def test_a_word_is_found_whichever_language_its_chunk_was_taken_for() -> None:
    for language in ("en", "de", "fr", "hi"):
        chunk = Encoder((language,)).encode_document("running batteries")
        asked = Encoder(("en", "de", "fr", "hi")).encode_question("running batteries")
        assert set(chunk.indices) <= set(asked.indices)


def test_one_way_of_cutting_gives_what_the_other_gives() -> None:
    """A text without abbreviations is cut by the engine, one with them here."""
    encoder = Encoder(("en",))
    plain = encoder.encode_document("The pump's naïve self-test (v2.1) found_it at 3.14 bars")
    with_short = encoder.encode_document("The pump's naïve self-test (v2.1) found_it at 3.14 bars IT")
    assert set(plain.indices) < set(with_short.indices)
    assert len(with_short.indices) == len(plain.indices) + 1


def test_the_scheme_names_its_encoder() -> None:
    for languages in ((), ("en",), ("de", "zh")):
        assert encoder_of(Encoder(languages).scheme) == Encoder(languages)
    assert encoder_of("bm25 english k=1.2 b=0.75 avg_len=256") == Encoder(("en",))
