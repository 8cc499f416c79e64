"""Chunks fit the budget, lie where the text says, and keep sections together."""

import re
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from retrieval.chunking import Chunker
from retrieval.documents import Chunk, Document, Heading

# fmt: off
WORDS = [
    "pump", "pressure", "valve", "filter", "change", "open", "close", "the", "a", "every", "bar", "hours",
    "before", "after", "check", "manual", "care",
]
# fmt: on


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A BERT-like tokenizer, whose counts add up, and a byte-level one, whose counts do not quite."""
    directory = tmp_path_factory.mktemp("tokenizers")
    alphabet = [*"abcdefghijklmnopqrstuvwxyz0123456789", *"#-|`~>.,:;!?()[]{}*_='\"/\\@<&%+$^"]
    vocabulary = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", *alphabet, *(f"##{c}" for c in alphabet), *WORDS]
    bert = Tokenizer(models.WordPiece({word: i for i, word in enumerate(vocabulary)}, unk_token="[UNK]"))
    bert.normalizer = normalizers.BertNormalizer()
    bert.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    bert.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", None, [("[CLS]", 1), ("[SEP]", 2)])
    bert.add_special_tokens(["[CLS]", "[SEP]", "[PAD]"])
    bert.enable_truncation(12)
    bert.enable_padding(length=12, pad_id=3)
    bytelevel = Tokenizer(models.BPE())
    bytelevel.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytelevel.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    bytelevel.train_from_iterator([" ".join(WORDS)] * 5, trainer)
    bert.save(str(directory / "bert.json"))
    bytelevel.save(str(directory / "bytelevel.json"))
    return {"bert": directory / "bert.json", "bytelevel": directory / "bytelevel.json"}


@pytest.fixture(scope="module")
def bert(tokenizers: dict[str, Path]) -> Path:
    return tokenizers["bert"]


def markdown(text: str, title: str = "") -> Document:
    """A document with the text exactly as it is, and its headings outside fenced code."""
    headings = []
    fenced = False
    for line in re.finditer(r"^(```)?(?:(#{1,6}) +(\S.*))?", text, re.MULTILINE):
        fenced ^= line[1] is not None
        if line[2] and not fenced:
            headings.append(Heading(len(line[2]), line[3].strip(), line.start()))
    return Document(id="d", text=text, title=title, headings=tuple(headings))


def words(count: int, start: int = 0) -> str:
    return " ".join(WORDS[(start + i) % len(WORDS)] for i in range(count))


def check(document: Document, chunks: list[Chunk], path: Path, max_tokens: int) -> None:
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True
    covered = 0
    for ordinal, chunk in enumerate(chunks):
        assert chunk.ordinal == ordinal
        assert document.text[chunk.start : chunk.end] == chunk.text
        assert chunk.text.strip() == chunk.text != ""
        assert len(tokenizer.encode(chunk.indexed_text).ids) <= max_tokens
        assert not document.text[covered : chunk.start].strip()
        assert chunk.end > covered
        covered = chunk.end
    assert not document.text[covered:].strip()


BREAKS = ["\n", "\n\n", " ", "  ", ". ", "! ", "。", "\t", "\n- ", "```\n", "\n# pump\n", "\n## care\n", "\n### a b\n"]
ODD = ["| a | b |\n", "[SEP]", "é", "e\u0301", "中文", "🙂", "ﷺ", "x" * 150, "-" * 60, " " * 50]
pieces = st.one_of(
    st.sampled_from(WORDS),
    st.sampled_from(BREAKS),
    st.sampled_from(ODD),
    st.text(max_size=8).map(lambda text: text.encode("utf-8", "ignore").decode()),
)


@pytest.mark.parametrize("name", ["bert", "bytelevel"])
@given(
    text=st.lists(pieces, max_size=150).map("".join),
    title=st.sampled_from(["", "Pump", "x" * 500, words(200)]),
    max_tokens=st.sampled_from([16, 24, 64, 256]),
    overlap=st.booleans(),
)
@example(text="\n\n" + "x" * 300, title="", max_tokens=16, overlap=False)
@example(text="x" * 300, title="", max_tokens=16, overlap=False)
@example(text="x" * 3000, title="", max_tokens=16, overlap=True)
@example(text=("a" * 99 + " ") * 40, title="x" * 500, max_tokens=16, overlap=True)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_chunk_fits_and_nothing_is_lost(
    tokenizers: dict[str, Path], name: str, text: str, title: str, max_tokens: int, overlap: bool
) -> None:
    document = markdown(text, title)
    chunker = Chunker(tokenizers[name], max_tokens, max_tokens // 4 if overlap else 0)
    check(document, chunker.chunk(document), tokenizers[name], max_tokens)


def test_chunks_fit_where_a_word_costs_more_at_the_start(tokenizers: dict[str, Path]) -> None:
    path = tokenizers["bytelevel"]
    alone, within = (Chunker(path, 16).count(text) for text in ("valve", " valve"))
    assert alone > within
    document = markdown(" ".join(["valve"] * 300))
    for max_tokens in range(16, 32):
        check(document, Chunker(path, max_tokens).chunk(document), path, max_tokens)


def test_a_short_document_is_one_chunk(bert: Path) -> None:
    (chunk,) = Chunker(bert, 64).chunk(markdown("\n # Pump\n\nChange the filter.\n", "Manual"))
    assert (chunk.text, chunk.context) == ("# Pump\n\nChange the filter.", "Manual")
    assert chunk.indexed_text == "Manual\n# Pump\n\nChange the filter."


@pytest.mark.parametrize("text", ["", " \n\t\n "])
def test_no_text_gives_no_chunk(bert: Path, text: str) -> None:
    assert Chunker(bert, 64).chunk(markdown(text)) == []


def test_sections_are_preferred_and_tiny_ones_packed(bert: Path) -> None:
    text = "\n\n".join(f"## care\n\n{words(10, i)}" for i in range(20))
    chunks = Chunker(bert, 66).chunk(markdown(text))
    assert all(chunk.text.startswith("## care") for chunk in chunks)
    assert [chunk.text.count("## care") for chunk in chunks] == [4, 4, 4, 4, 4]


def test_a_higher_section_wins_over_a_fuller_chunk(bert: Path) -> None:
    text = f"# pump\n\n{words(40)}\n\n# valve\n\n## care\n\n{words(10)}\n\n## check\n\n{words(40)}"
    chunks = Chunker(bert, 66).chunk(markdown(text))
    assert chunks[1].text.startswith("# valve\n\n## care")


def test_what_a_colon_announces_stays_with_it(bert: Path) -> None:
    text = "\n\n".join([words(25), words(15), "open the valve:", words(30), words(30)])
    chunks = Chunker(bert, 66).chunk(markdown(text))
    assert not any(chunk.text.endswith(":") for chunk in chunks)
    assert any(chunk.text.startswith("open the valve:") for chunk in chunks)


def test_the_context_is_the_path_at_the_start_without_the_heading_in_the_text(bert: Path) -> None:
    text = f"# manual\n\n## care\n\n### filter\n\n{words(100)}\n\n## check\n\n{words(40)}"
    chunks = Chunker(bert, 66).chunk(markdown(text, "Pump"))
    assert chunks[0].context == "Pump"
    assert "Pump > manual > care > filter" in [chunk.context for chunk in chunks]
    last = next(chunk for chunk in chunks if chunk.text.startswith("## check"))
    assert last.context == "Pump > manual"


def test_a_title_equal_to_the_first_heading_is_said_once(bert: Path) -> None:
    chunks = Chunker(bert, 66).chunk(markdown(f"# Pump\n\n{words(100)}", "Pump"))
    assert {chunk.context for chunk in chunks} == {"Pump"}


def test_a_long_context_loses_its_middle_then_its_end(bert: Path) -> None:
    headings = tuple(Heading(level, f"{words(6, level)}", 0) for level in range(1, 5))
    document = Document("d", f"care\n{words(200)}", "Pump", headings)
    chunker = Chunker(bert, 64)
    assert chunker.chunk(document)[1].context == f"Pump > {words(6, 3)} > {words(6, 4)}"
    long = Document("d", words(200), words(50))
    context = chunker.chunk(long)[0].context
    assert words(50).startswith(context)
    assert 10 <= chunker.count(context) <= 16


def test_a_heading_stays_with_its_text(bert: Path) -> None:
    for count in range(20, 64):
        chunks = Chunker(bert, 66).chunk(markdown(f"{words(count)}\n\n## care\n\n{words(50)}"))
        assert not any(chunk.text.endswith("## care") for chunk in chunks)


def test_paragraphs_lines_sentences_and_words_in_that_order(bert: Path) -> None:
    chunker = Chunker(bert, 42)
    assert chunker.chunk(markdown(f"{words(24)}. Open {words(30)}"))[0].text == f"{words(24)}."
    assert chunker.chunk(markdown(f"{words(24)}\n\n{words(8)}. Open {words(30)}"))[0].text == words(24)
    assert chunker.chunk(markdown(f"{words(24)}.\n- {words(8)}. Open {words(30)}"))[0].text == f"{words(24)}."
    assert chunker.chunk(markdown(words(100)))[0].text == words(40)


def test_hard_wrapped_prose_is_cut_at_sentences_rather_than_lines(bert: Path) -> None:
    prose = f"{words(12)}\n{words(12)}. Open\n{words(12)}\n{words(60)}"
    assert Chunker(bert, 42).chunk(markdown(prose))[0].text.endswith(".")


def test_fenced_code_is_not_left_by_its_last_line(bert: Path) -> None:
    for count in range(20, 60):
        chunks = Chunker(bert, 42).chunk(markdown(f"```\n{chr(10).join(words(count).split())}\n```\n\n{words(30)}"))
        assert not any(chunk.text.startswith("```\n\n") for chunk in chunks)


def test_a_tiny_last_chunk_is_evened_out(bert: Path) -> None:
    sizes = [len(chunk.text.split()) for chunk in Chunker(bert, 82).chunk(markdown(words(82)))]
    assert sum(sizes) == 82
    assert sizes[1] >= 10


def test_overlap_repeats_whole_sentences_within_a_section_only(bert: Path) -> None:
    text = " ".join(f"{words(7, i).capitalize()}." for i in range(30))
    chunks = Chunker(bert, 66, overlap=16).chunk(markdown(text))
    for before, after in pairwise(chunks):
        shared = text[after.start : before.end]
        assert 0 < len(shared.split()) <= 16
        assert shared.endswith(".")
        assert shared[0].isupper()
    sections = "\n\n".join(f"## care\n\n{words(50, i)}." for i in range(4))
    chunks = Chunker(bert, 66, overlap=16).chunk(markdown(sections))
    assert all(before.end <= after.start for before, after in pairwise(chunks))


def test_special_tokens_in_the_text_count_as_text(bert: Path) -> None:
    assert Chunker(bert, 64).count("[SEP]") > 1


def test_a_giant_word_is_cut_to_bounded_pieces(bert: Path) -> None:
    document = markdown("x" * 200_000)
    chunks = Chunker(bert, 64).chunk(document)
    assert max(len(chunk.text) for chunk in chunks) <= 64 * 16
    check(document, chunks, bert, 64)


def test_the_fingerprint_tells_settings_and_tokenizers_apart(tokenizers: dict[str, Path]) -> None:
    bert, bytelevel = tokenizers["bert"], tokenizers["bytelevel"]
    assert Chunker(bert, 64).fingerprint == Chunker(bert, 64).fingerprint
    others = [Chunker(bert, 64), Chunker(bert, 65), Chunker(bert, 64, 1), Chunker(bytelevel, 64)]
    assert len({chunker.fingerprint for chunker in others}) == 4


@pytest.mark.parametrize(("max_tokens", "overlap"), [(15, 0), (64, 17), (64, -1)])
def test_impossible_settings_are_misuse(bert: Path, max_tokens: int, overlap: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        Chunker(bert, max_tokens, overlap)


def test_time_grows_with_the_text_and_not_faster(bert: Path) -> None:
    chunker = Chunker(bert, 256)
    seconds = []
    for size in (50_000, 400_000):
        document = markdown(" ".join([words(1000)] * (size // 5700)))
        started = time.process_time()
        chunker.chunk(document)
        seconds.append(time.process_time() - started)
    assert seconds[1] < 8 * 3 * max(seconds[0], 0.02)


@pytest.mark.parametrize("overlap", [0, 8])
def test_a_long_document_is_laid_out_in_parts(bert: Path, monkeypatch: pytest.MonkeyPatch, overlap: int) -> None:
    sections = [f"## Part {i}\n\n{words(40, i)}.\n\n{words(30, i)}.\n\n" for i in range(60)]
    document = markdown("# All\n\n" + "".join(sections) + words(300) + "x" * 900)
    whole = Chunker(bert, 48, overlap).chunk(document)
    monkeypatch.setattr("retrieval.chunking._PART", 700)
    chunker = Chunker(bert, 48, overlap)
    parts = chunker.chunk(document)
    covered = 0
    for chunk in parts:
        assert chunk.text == document.text[chunk.start : chunk.end]
        assert chunker.count(chunk.indexed_text) <= 46
        assert not document.text[covered : chunk.start].strip()
        covered = max(covered, chunk.end)
    assert not document.text[covered:].strip()
    assert {chunk.context for chunk in parts} == {chunk.context for chunk in whole}


def test_a_number_is_not_cut_from_its_item(bert: Path) -> None:
    document = Document(
        "a", "pump valve filter pump.\n1. Change the filter before the pump.\n2. Check the valve after hours."
    )
    for budget in range(16, 30):
        texts = [chunk.text for chunk in Chunker(bert, budget).chunk(document)]
        assert not any(re.search(r"(?:^|\n)\d\.$", text) for text in texts)


def test_a_long_context_is_cut_between_words(bert: Path) -> None:
    title = "pump pressure valve filter unknownword change"
    contexts = {
        chunk.context for budget in range(40, 70) for chunk in Chunker(bert, budget).chunk(Document("a", "pump", title))
    }
    assert contexts
    assert all(title.startswith(context) and title[len(context) :][:1] in ("", " ") for context in contexts)
