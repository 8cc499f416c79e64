import math
from random import Random

import pytest
import torch
from transformers import AutoTokenizer

from retrieval.prompt import Prompt
from training.starter.paths import starter_path
from training.starter.pointing import ASKED, BACK, MATCH, MISS, SENTENCE, WORD, Pointer, Pointing
from training.starter.rows import Row, Rows
from training.starter.world import Episode, World, passage


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(starter_path(), local_files_only=True)


@pytest.fixture(scope="module")
def rows(tokenizer) -> Rows:
    return Rows(tokenizer, None, (), Prompt(), seed=1)  # type: ignore[arg-type]


TEXTS = (
    "Clean it daily. The Oxbow 3 lists 12 kg under weight. It is red.",
    "| Oxbow 4 | weight | 7 kg |\n| Oxbow 4 | colour | sea green |",
)


def encoded(rows: Rows, *turns: tuple[str, str], bare: bool = True) -> Row:
    passages = tuple(passage(text, "Oxbow", position) for position, text in enumerate(TEXTS))
    (question, completion), *more = turns
    return rows.encode(Episode(question, passages, completion, None, tuple(more)), Random(1), bare=bare, turns=9)


def seen(tokenizer, row: Row, kind: str) -> list[list[str]]:
    """What stands at the places of the pointers of a kind."""
    return [[tokenizer.decode(row.ids[place]) for place in p.places] for p in row.pointers if p.kind == kind]


@pytest.mark.parametrize("bare", [False, True])
def test_each_word_of_an_answer_is_looked_at_where_it_stands(rows, tokenizer, bare):
    row = encoded(rows, ("How heavy is the Oxbow 3?", "12 kg [1]"), ("Oxbow 4 colour", "sea green [2]"), bare=bare)
    words = [p for p in row.pointers if p.kind == WORD]
    one_word = [p for p in words if len(p.places) == 1]
    # A pointer's position says the next token, and that is the one it looks at.
    assert all(row.ids[p.at + 1] == row.ids[p.places[0]] for p in one_word)
    said = tokenizer.decode([row.ids[p.at + 1] for p in one_word])
    assert said.split() == ["12", "kg", "sea", "green"]
    marks = [p for p in words if len(p.places) > 1]
    assert {tokenizer.decode(row.ids[p.places[0] : p.places[-1] + 1]).strip() for p in marks} == set(TEXTS)


def test_an_answer_begins_at_the_end_of_its_sentence_and_that_looks_back(rows, tokenizer):
    row = encoded(rows, ("How heavy is the Oxbow 3?", "12 kg [1]"), ("Oxbow 4 colour", "sea green [2]"))
    assert seen(tokenizer, row, SENTENCE) == [["."], ["|"]]
    starts = [p.at for p in row.pointers if p.kind == SENTENCE]
    assert [tokenizer.decode(row.ids[at - 2 : at + 1]).strip() for at in starts] == ["assistant"] * 2
    back = {p.at: p.places[0] for p in row.pointers if p.kind == BACK}
    assert [tokenizer.decode(row.ids[word : end + 1]).strip() for end, word in back.items()] == [
        "12 kg under weight.",
        "sea green |",
    ]
    assert set(back) == {place for p in row.pointers if p.kind == SENTENCE for place in p.places}


def test_the_words_of_a_question_look_at_the_sentence_that_answers_it(rows, tokenizer):
    row = encoded(rows, ("How heavy is the Oxbow 3?", "12 kg [1]"), ("Oxbow 4 colour", "sea green [2]"))
    asked = [p for p in row.pointers if p.kind == ASKED]
    said = tokenizer.decode([row.ids[p.at] for p in asked])
    assert said == "How heavy is the Oxbow 3? Oxbow 4 colour"
    looked = {tokenizer.decode([row.ids[place] for place in sorted(p.places)]).strip() for p in asked}
    assert looked == {"The Oxbow 3 lists 12 kg under weight.", "| Oxbow 4 | colour | sea green |"}


def test_every_sentence_tells_whether_it_answers_the_first_question(rows, tokenizer):
    row = encoded(rows, ("How heavy is the Oxbow 3?", "12 kg [1]"), ("Oxbow 4 colour", "sea green [2]"))
    (match,) = [p for p in row.pointers if p.kind == MATCH]
    assert tokenizer.decode(row.ids[match.at - 2 : match.at + 1]).endswith("weight.")
    assert tokenizer.decode([row.ids[place] for place in match.places]) == "Question: How heavy is the Oxbow 3?"
    misses = [p for p in row.pointers if p.kind == MISS]
    assert {p.places for p in misses} == {(0,)}
    assert [tokenizer.decode(row.ids[p.at]).strip() for p in misses] == [".", ".", "|", "|"]


def test_a_value_that_stands_twice_is_looked_at_where_it_is_asked_for(rows, tokenizer):
    passages = (passage("1. Wipe the pump with a cloth.\n2. Take a cloth for the lid.", "", 0),)
    row = rows.encode(Episode("What cleans the lid?", passages, "cloth [1]", "cloth"), Random(1), bare=True)
    (sentence,) = [p for p in row.pointers if p.kind == SENTENCE]
    assert [tokenizer.decode(row.ids[place - 1]).strip() for place in sentence.places] == ["lid"]
    assert len([p for p in row.pointers if p.kind in (MATCH, MISS)]) == 2


def test_an_abstention_looks_at_the_first_token_and_at_no_sentence(rows, tokenizer):
    row = encoded(rows, ("Who owns it?", Prompt().abstention))
    assert {p.places for p in row.pointers} == {(0,)}
    assert [p.kind for p in row.pointers if p.kind not in (ASKED, MISS)] == [SENTENCE, WORD]


def test_an_answer_that_stands_twice_may_be_looked_at_in_both_places(rows, tokenizer):
    passages = (passage("Red is warm. It is Red. Redder is not.", "", 0),)
    row = rows.encode(Episode("Which?", passages, "Red [1]", "Red"), Random(1), bare=True)
    assert [len(p.places) for p in row.pointers if p.kind in (SENTENCE, WORD)][:2] == [2, 2]


def test_a_word_cut_otherwise_at_the_start_of_a_line_is_found_by_its_end(rows, tokenizer):
    passages = (passage("Intro.\nQuinskont made it.", "", 0),)
    row = rows.encode(Episode("Who?", passages, "Quinskont [1]", "Quinskont"), Random(1), bare=True)
    words = [p.places[0] for p in row.pointers if p.kind == WORD and len(p.places) == 1]
    assert tokenizer.decode(row.ids[words[-1]]) in "Quinskont"
    assert "Quinskont".endswith(tokenizer.decode(row.ids[words[-1]]))


@pytest.mark.parametrize("level", [1, 4])
def test_generated_worlds_are_pointed_at(rows, level):
    """Nearly every word of every answer stands where its pointer looks."""
    right = total = 0
    for n in range(60):
        row = rows.encode(World(Random(n), Prompt()).episode(level), Random(n), bare=True, turns=9)
        for pointer in row.pointers:
            assert max(pointer.places) <= pointer.at < len(row.ids)
            if pointer.kind == WORD and len(pointer.places) < 4 and pointer.places != (0,):
                total += 1
                right += row.ids[pointer.at + 1] in {row.ids[place] for place in pointer.places}
    assert right / total > 0.9


class TestLoss:
    @pytest.fixture
    def model(self, tokenizer, tiny_starter):
        torch.manual_seed(1)
        return tiny_starter(tokenizer)

    def test_of_heads_that_look_everywhere_alike(self, model):
        for layer in model.model.layers:
            torch.nn.init.zeros_(layer.self_attn.q_proj.weight)
        pointing = Pointing(model)
        model.train()
        model(torch.arange(3, 23)[None].repeat(2, 1))
        words = [Pointer(WORD, 9, (4,)), Pointer(WORD, 4, (0,))]
        pointers = [[*words, Pointer(BACK, 15, (1, 2, 3, 4))], [Pointer(SENTENCE, 19, (0,))]]
        expected = ((math.log(10) + math.log(5)) / 2 + math.log(16 / 4) + math.log(20)) / 3
        assert pointing.loss(pointers).item() == pytest.approx(expected, rel=1e-5)

    def test_is_zero_without_pointers(self, model):
        pointing = Pointing(model)
        model.train()
        model(torch.arange(3, 23)[None])
        assert float(pointing.loss([[]])) == 0.0

    def test_teaches_heads_where_to_look(self, model):
        pointing = Pointing(model)
        model.train()
        optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
        pointers = [[Pointer(kind, 15, (6,)) for kind in (ASKED, WORD, SENTENCE, BACK)]]
        losses = []
        for _ in range(25):
            model(torch.arange(3, 23)[None])
            loss = pointing.loss(pointers)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss.item())
        assert losses[-1] < 0.5 < 1.5 < losses[0]

    def test_what_the_model_says_stays_the_same(self, model):
        ids = torch.tensor([list(range(3, 23)), [0] * 5 + list(range(3, 18))])
        mask = (ids > 0).long()
        before = model.eval()(ids, attention_mask=mask).logits
        Pointing(model)
        after = model(ids, attention_mask=mask).logits
        torch.testing.assert_close(after[mask.bool()], before[mask.bool()])
