"""Look-alikes of an oracle: what is changed, and when none is made."""

from collections import Counter
from random import Random
from typing import get_args

from retrieval.documents import Passage
from retrieval.prompt import Prompt
from training.data.alteration import altered, brother
from training.data.distractors import SUPERSEDED, MadeDistractor, look_alike
from training.data.examples import Example
from training.data.matching import holds_answer
from training.data.supervised import build_supervised

KINDS: tuple[MadeDistractor, ...] = get_args(MadeDistractor)
ORACLE = Passage("g2", "g2#0", "The Skua G2 holds 40 buoys and weighs 2.1 kg.", "Skua G2 manual", 1.0, 1, 0.5)
ASK = Example("q", "How many buoys does the Skua G2 hold?", ("40 buoys",), ("g2",), split="train")


def made(example: Example = ASK, oracle: Passage = ORACLE, kinds: tuple[MadeDistractor, ...] = KINDS):
    found = [look_alike(example, oracle, kinds, Random(seed)) for seed in range(60)]
    return [one for one in found if one is not None]


def test_an_altered_number_keeps_its_form_and_is_another() -> None:
    for figure in ("40", "0.5", "1,200", "9", "0", "EUR 60"):
        for draw in range(8):
            other = altered(figure, draw)
            assert other != figure
            assert len(other) == len(figure)
    assert brother("MB-1101", 0) != "MB-1101"


def test_look_alikes_hold_another_number_and_never_the_answer() -> None:
    assert {kind for kind, _ in made()} == set(KINDS)
    for kind, passage in made():
        assert not holds_answer(passage.text, ASK.answers)
        assert "2.1 kg" in passage.text  # what was not asked for stays
        assert passage.chunk_id != ORACLE.chunk_id
        if kind == "contradicting":
            assert passage.context == SUPERSEDED + ORACLE.context
            assert "Skua G2" in passage.text
        else:
            assert "G2" not in passage.text + passage.context


def test_about_half_of_the_rows_get_one() -> None:
    assert 15 <= len(made()) <= 45


def test_nothing_is_made_where_it_is_not_sure() -> None:
    assert made(Example("q", "Who makes the Skua G2?", ("Marrow Bay",), ("g2",))) == []
    assert made(Example("q", ASK.question, ("41 buoys",), ("g2",))) == []  # its number is not in the oracle
    assert made(kinds=()) == []
    nameless = Example("q", "How many buoys does the gateway hold?", ("40 buoys",), ("g2",))
    assert {kind for kind, _ in made(nameless)} == {"contradicting"}


def test_rows_show_them_and_their_number_is_told() -> None:
    others = [Passage(f"d{n}", f"d{n}#0", f"Text {n}.", "", 0.5, n, 0.4) for n in range(2, 6)]
    examples = [Example(f"q{n}", ASK.question, ASK.answers, ("g2",), split="train") for n in range(40)]
    rows, stats = build_supervised(
        examples,
        lambda questions: [[ORACLE, *others] for _ in questions],
        Prompt(),
        chunks_of=lambda documents: [ORACLE],
        groups={},
        seed=1,
        abstention_share=0.0,
        distractors=KINDS,
    )
    shown = Counter("~" in chunk for row in rows for chunk in row.passages)
    assert set(stats.made) == set(KINDS)
    assert shown[True] == sum(stats.made.values())
    for row in rows:
        assert len(row.passages) == 4
        assert row.passages[(row.oracle_position or 0) - 1] == "g2#0"


def test_what_is_made_for_the_embedder_gives_no_supervised_row() -> None:
    query = Example("e", "The Skua G2 holds 40 buoys", ("x",), ("g2",), split="train", metadata={"trains": "embedder"})
    rows, stats = build_supervised(
        [ASK, query],
        lambda questions: [[ORACLE] for _ in questions],
        Prompt(),
        chunks_of=lambda documents: [ORACLE],
        groups={},
        seed=1,
        abstention_share=0.0,
    )
    assert [row.example_id for row in rows] == ["q"]
    assert stats.skipped == {"made for the embedder only": ["e"]}
