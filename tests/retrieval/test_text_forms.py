"""Files in many languages and spellings, each found by its words: by BM25 alone and hybrid, on both backends."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from retrieval.catalog import Catalog
from retrieval.chunking import Chunker
from retrieval.embedder import Embedder, load_embedder
from retrieval.index.base import Index
from retrieval.index.edge import open_edge
from retrieval.index.server import connect, open_server
from retrieval.index.sparse import Encoder, encoder_of
from retrieval.ingest import ingest
from retrieval.search import Searcher
from retrieval.search_settings import SearchSettings
from retrieval.sync import sync

FILES = {
    "zh1.md": "# 阀门\n\n主阀门的额定压力是十六巴。检修周期为三个月。",
    "zh2.md": "# 水泵\n\n备用水泵的功率为五千瓦。润滑油每年更换一次。",
    "zh3.md": "# 仓库\n\n仓库温度保持在二十度。每周检查湿度。",
    "zh-noise.txt": "夜间噪声不得超过四十分贝。",
    "zh-delivery.txt": "货物在十天内送达。周末不送货。",
    "zh-warranty.txt": "水泵的保修期为三年。海水中使用时只有六个月。",
    "ja-oil.txt": "潤滑油は毎年二十ミリリットル入れてください。",
    "ja-warranty.txt": "ポンプの保証期間は三年です。海水で使う場合は六か月です。",
    "full.txt": "型番ＡＢＣ１２３の電圧は２００Ｖです。",
    "lig.txt": "The eﬃcient ﬁlter needs a reﬁll every 90 days. The oﬃce printer uses cyan toner.",
    "nfd.txt": "Le mode\u0300le E\u0301ve\u0302que re\u0301siste a\u0300 40 bars. "
    "Re\u0301fe\u0301rence: cle\u0301 dynamome\u0301trique.",
    "nfd2.md": "# Re\u0301glage\n\nLe de\u0301bitme\u0300tre Oce\u0301ane pe\u0300se 12 kilogrammes.",
    "soft.txt": "The inter\u00adnational ship\u00adping de\u00adpart\u00adment is in Rotter\u00addam.",
    "hyph.txt": "The thermo-\nstat controls the evap-\norator temperature of unit K9.",
    "de.txt": "Die Wartungsintervalle der Kühlpumpen betragen sechs Monate. Das Getriebeöl wird jährlich gewechselt.",
    "sv.txt": "Huvudventilernas provtryckning görs var tredje månad. Reservpumparna smörjs årligen.",
    "vi.txt": "Máy bơm dự phòng có công suất năm kilowatt. Van chính được kiểm tra ba tháng một lần.",
    "th.txt": "เครื่องสูบน้ำสำรองมีกำลังห้ากิโลวัตต์ วาล์วหลักตรวจทุกสามเดือน",
    "it.txt": "The IT desk is in building 4. Call it before noon, since it closes early.",
    "it2.txt": "Clean it before it dries. It is fragile, and it is heavy.",
}
QUESTIONS = [
    ("额定压力", "zh1.md"),
    ("润滑油", "zh2.md"),
    ("湿度", "zh3.md"),
    ("夜间噪声", "zh-noise.txt"),
    ("送达", "zh-delivery.txt"),
    ("保修期", "zh-warranty.txt"),
    ("潤滑油", "ja-oil.txt"),
    ("保証期間", "ja-warranty.txt"),
    ("ABC123", "full.txt"),
    ("200V", "full.txt"),
    ("ＡＢＣ１２３", "full.txt"),
    ("efficient filter refill", "lig.txt"),
    ("office", "lig.txt"),
    ("modèle Évêque", "nfd.txt"),
    ("mode\u0300le E\u0301ve\u0302que", "nfd.txt"),
    ("débitmètre Océane", "nfd2.md"),
    ("international shipping department", "soft.txt"),
    ("thermostat", "hyph.txt"),
    ("evaporator", "hyph.txt"),
    ("Kühlpumpe", "de.txt"),
    ("Wartungsintervall", "de.txt"),
    ("reservpump", "sv.txt"),
    ("bơm dự phòng", "vi.txt"),
    ("bo\u031bm du\u031b\u0323 pho\u0300ng", "vi.txt"),
    ("เครื่องสูบน้ำ", "th.txt"),
    ("IT", "it.txt"),
    ("Where is IT?", "it.txt"),
]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, minilm_path: Path) -> Iterator[tuple[Catalog, Embedder]]:
    root = tmp_path_factory.mktemp("texts") / "docs"
    root.mkdir()
    for name, text in FILES.items():
        (root / name).write_bytes(text.encode())
    embedder = load_embedder(minilm_path)
    catalog = Catalog(root.with_name("catalog.db"))
    assert not ingest(catalog, embedder, Chunker(embedder.tokenizer_path, 128), [root]).failed
    yield catalog, embedder
    catalog.close()


@pytest.fixture(scope="module", params=["edge", "memory"])
def searcher(
    request: pytest.FixtureRequest, filled: tuple[Catalog, Embedder], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Searcher]:
    catalog, embedder = filled
    binding: dict[str, Any] = {"embedder": embedder.fingerprint, "dimension": embedder.dimension, "create": True}
    client = connect(":memory:")
    index: Index = (
        open_edge(tmp_path_factory.mktemp("edge") / "one", **binding)
        if request.param == "edge"
        else open_server(client, "two", **binding)
    )
    sync(catalog, index, embedder)
    yield Searcher(catalog, index, embedder, SearchSettings())
    index.close()
    client.close()


@pytest.mark.parametrize(("question", "document"), QUESTIONS)
@pytest.mark.parametrize("mode", ["sparse", "hybrid"])
def test_found_by_its_words(searcher: Searcher, mode: Any, question: str, document: str) -> None:
    best = searcher.at(SearchSettings(mode=mode)).search(question)[0]
    assert best.document_id == document


def test_languages_are_detected_and_quotations_stand_in_the_document(searcher: Searcher) -> None:
    assert {"zh", "ja", "fr", "en", "de", "sv", "vi", "th"} <= set(encoder_of(searcher.index.sparse).languages)
    texts = {document.id: document.text for document in searcher.catalog.documents()}
    assert set(texts) == set(FILES)
    for question, document in QUESTIONS:
        assert all(passage.text in texts[passage.document_id] for passage in searcher.search(question)), document


Opener = Callable[..., Index]


@pytest.fixture(params=["edge", "memory"])
def opener(request: pytest.FixtureRequest, tmp_path: Path, words: Any) -> Iterator[Opener]:
    binding: dict[str, Any] = {"embedder": words.fingerprint, "dimension": words.dimension, "create": True}
    client = connect(":memory:")
    opened: list[Index] = []

    def open_one(name: str = "one", **settings: Any) -> Index:
        while opened:
            opened.pop().close()
        index: Index = (
            open_edge(tmp_path / name, **binding, **settings)
            if request.param == "edge"
            else open_server(client, name, **binding, **settings)
        )
        opened.append(index)
        return index

    yield open_one
    while opened:
        opened.pop().close()
    client.close()


def test_a_new_language_rewrites_the_collection_and_embeds_nothing(
    opener: Opener, catalog: Catalog, words: Any, folder: Callable[[dict[str, str]], Path]
) -> None:
    """Also one of an earlier version, which knew English only."""
    chunker = Chunker(words.tokenizer_path, 64)
    index = opener()
    root = folder({"de.txt": FILES["de.txt"]})
    ingest(catalog, words, chunker, [root])
    index.set_sparse("bm25 english k=1.2 b=0.75 avg_len=256")
    index = opener()
    assert sync(catalog, index, words) == 1
    assert index.sparse == Encoder(("de",)).scheme
    (root / "sv.txt").write_text(FILES["sv.txt"])
    ingest(catalog, words, chunker, [root])
    embedded = words.embedded
    assert sync(catalog, index, words) == 2
    assert opener().sparse == Encoder(("de", "sv")).scheme
    assert words.embedded == embedded

    index = opener()
    assert sync(catalog, index, words) == 0
    found = Searcher(catalog, index, words, SearchSettings(mode="sparse")).search("Kühlpumpe")
    index = opener("two")
    sync(catalog, index, words)
    fresh = Searcher(catalog, index, words, SearchSettings(mode="sparse")).search("Kühlpumpe")
    assert [passage.document_id for passage in found] == ["de.txt"]
    assert [passage.score for passage in found] == pytest.approx([passage.score for passage in fresh])


def test_the_settings_name_the_languages(
    opener: Opener, catalog: Catalog, words: Any, folder: Callable[[dict[str, str]], Path]
) -> None:
    ingest(catalog, words, Chunker(words.tokenizer_path, 64), [folder({"de.txt": FILES["de.txt"]})])
    index = opener(languages=("en",))
    assert sync(catalog, index, words) == 1
    assert index.sparse == Encoder(("en",)).scheme
    index = opener(languages=("de", "en"))
    assert sync(catalog, index, words) == 1  # written again
    assert sync(catalog, index, words) == 0
    assert index.sparse == Encoder(("de", "en")).scheme


def test_an_interrupted_rewriting_begins_again(
    opener: Opener, catalog: Catalog, words: Any, folder: Callable[[dict[str, str]], Path]
) -> None:
    ingest(catalog, words, Chunker(words.tokenizer_path, 64), [folder(FILES)])
    index = opener(languages=("en",))
    sync(catalog, index, words)
    index = opener(languages=("de", "en"))

    def stop(task: str, done: int, total: int | None) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sync(catalog, index, words, progress=stop)
    assert index.sparse == Encoder(("en",)).scheme
    assert sync(catalog, index, words) == len(FILES)
    assert index.sparse == Encoder(("de", "en")).scheme
