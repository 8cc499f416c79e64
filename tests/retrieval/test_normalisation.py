import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.documents import Document, Heading
from retrieval.normalisation import normalise, normalise_document


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mode\u0300le E\u0301ve\u0302que", "modèle Évêque"),
        ("eﬃcient ﬁlter, oﬃce", "efficient filter, office"),
        ("型番ＡＢＣ１２３の電圧は２００Ｖです。", "型番ABC123の電圧は200Vです。"),
        ("水，油；请问？", "水，油；请问？"),  # the punctuation of Chinese is full-width by right
        ("ﾎﾟﾝﾌﾟ ｶﾞｽ", "ポンプ ガス"),
        ("⽔⽉", "水月"),  # radicals that PDFs put for characters
        ("𝑥 = 𝟏𝟎", "x = 10"),
        ("ﺍﻟﺴﻼﻡ", "السلام"),
        ("inter\u00adnational ship\u200bping\ufeff de\u2060part\u200dment\u200f", "international shipping department"),
        ("E\u201142 at 10\u202f000\u00a0V", "E-42 at 10 000 V"),
        ("one\u2028two", "one\ntwo"),
        # What means something stays.
        ("10⁶ m² ½ 5½ Petrel™ CO₂ № ℃", "10⁶ m² ½ 5½ Petrel™ CO₂ № ℃"),
        ("می\u200cخواهم 👩\u200d🔬", "می\u200cخواهم 👩\u200d🔬"),
        ("क्\u200dष", "क्\u200dष"),
        ("naïve – “quoted” …", "naïve – “quoted” …"),
        # Words broken at a line's end.
        ("The thermo-\nstat controls the evap- \n  orator.", "The thermostat controls the evaporator."),
        ("Kühl\u00ad\npumpe", "Kühlpumpe"),
        ("a well-\nknown valve, well-known", "a well-known valve, well-known"),
        ("a long-\nterm plan; a long story, a term", "a long-term plan; a long story, a term"),
        ("Vor-\nund Nachteile", "Vor-\nund Nachteile"),
        ("Rhein-\nMain, COVID-\n19", "Rhein-\nMain, COVID-\n19"),
        ("- one\n- two", "- one\n- two"),
        ("ＡＢＣ\n~~~ js\nx = 'ＡＢＣ\u200b'\n~~~\n", "ABC\n~~~ js\nx = 'ＡＢＣ'\n~~~\n"),
        ("pre-\n```\nx = a-\nb\n```\nthermo-\nstat", "pre-\n```\nx = a-\nb\n```\nthermostat"),
    ],
)
def test_one_form(text: str, expected: str) -> None:
    assert normalise(text) == expected
    assert normalise(expected) == expected


@settings(max_examples=100, deadline=None)
@given(st.text() | st.text(alphabet="ab-\n \u00ad\u200b\u200d\u0301ﬁＡ水`~"))
def test_normalising_again_changes_nothing(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once


def test_headings_stay_where_they_are() -> None:
    text = "eﬃcient in-\u00adtro\n# ﬁlter\n\nthermo-\nstat\n## last\n\nend"
    headings = (Heading(1, "ﬁlter", text.index("# ﬁ")), Heading(2, "last", text.index("## last")))
    found = normalise_document(Document("ﬁle.md", text, "Ｔitle", headings, {"name": "ﬁ"}))
    assert found.id == "ﬁle.md"
    assert found.metadata == {"name": "ﬁ"}
    assert found.title == "Title"
    assert [heading.text for heading in found.headings] == ["filter", "last"]
    assert [found.text[heading.start :].splitlines()[0] for heading in found.headings] == ["# filter", "## last"]
    assert "thermostat" in found.text


@pytest.mark.parametrize("piece", ["a-", "-", "`", "a", "\u00ad", "- \n", "a-\n", "\u200d", "~~~\n"])
def test_no_text_takes_long(piece: str) -> None:
    normalise(piece * 200_000 + "é")
