import random

import pytest
from transformers import AutoTokenizer

from training.generator.detokenizer import Detokenizer
from training.generator.packaged import BASE, packaged_generator


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(packaged_generator(BASE), local_files_only=True)


TEXTS = [
    "42 mm [2]",
    "naïve café — 漢字 🎉👩‍🚀 end",
    "`sync.interval_s` = 30\n\n  indented\tand tabbed",
    "I cannot find this in the documents.",
    " leading and trailing ",
    "",
]


@pytest.mark.parametrize("text", TEXTS)
def test_pieces_join_to_the_text_and_none_holds_half_a_character(tokenizer, text):
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    detokenizer = Detokenizer(tokenizer)

    pieces = [detokenizer.push([one]) for one in ids] + [detokenizer.finish()]

    assert "".join(pieces) == text
    assert not any("�" in piece for piece in pieces)


def test_several_ids_at_a_time(tokenizer):
    draw = random.Random(3)
    text = "The valve 🎉 opens at 12.5 bar (漢) [1]"
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    for _ in range(20):
        detokenizer, pieces, rest = Detokenizer(tokenizer), [], list(ids)
        while rest:
            size = draw.randint(1, 4)
            pieces.append(detokenizer.push(rest[:size]))
            rest = rest[size:]
        assert "".join(pieces) + detokenizer.finish() == text


def test_text_comes_before_the_end(tokenizer):
    detokenizer = Detokenizer(tokenizer)
    pieces = [detokenizer.push([one]) for one in tokenizer("one two three", add_special_tokens=False)["input_ids"]]
    assert "".join(pieces) == "one two three"


def test_a_character_that_never_became_whole_is_dropped(tokenizer):
    ids = tokenizer("ok 🎉", add_special_tokens=False)["input_ids"]
    detokenizer = Detokenizer(tokenizer)
    text = detokenizer.push(ids[:-1]) + detokenizer.finish()
    assert text.strip() == "ok"


def test_special_tokens_are_left_out(tokenizer):
    ids = [*tokenizer("yes", add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
    detokenizer = Detokenizer(tokenizer)
    assert detokenizer.push(ids) + detokenizer.finish() == "yes"
