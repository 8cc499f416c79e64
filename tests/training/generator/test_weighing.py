"""How probable whole answers are, computed on one reading of the prompt."""

import pytest

from retrieval.errors import InputError
from training.generator.files import encode_target, load_model
from training.generator.generation import Generator
from training.generator.weighing import AT_ONCE

TEXTS = ["yes", "no", "not at all sure about it", "no"]


@pytest.fixture(scope="module")
def generator(tiny_model_path):
    model, tokenizer = load_model(tiny_model_path)
    return Generator(model.eval(), tokenizer, cache_tokens=1024, max_batch_tokens=256, max_requests=8)


def prompts_of(generator):
    return [generator.encode([{"role": "user", "content": text}]) for text in ("Is it?", "A longer question is it?")]


def test_a_text_is_as_probable_as_its_tokens_one_after_the_other(generator):
    prompts = prompts_of(generator)
    found = generator.weigh(prompts, [TEXTS, TEXTS[:2]])
    assert [len(one) for one in found] == [4, 2]
    for prompt, own in zip(prompts, found, strict=True):
        expected = [-generator.score(prompt, encode_target(generator.tokenizer, text))[0] for text in TEXTS]
        assert own == pytest.approx(expected[: len(own)], rel=1e-4)
    assert found[0][1] == pytest.approx(found[0][3]), "padding changes nothing"


def test_many_texts_and_a_running_engine_change_nothing(generator):
    (prompt, _) = prompts_of(generator)
    many = [f"label {number}" for number in range(AT_ONCE + 3)]
    alone = [generator.weigh([prompt], [[text]])[0][0] for text in many[:2] + many[-1:]]
    with generator:
        together = generator.weigh([prompt], [many])[0]
    assert [*together[:2], together[-1]] == pytest.approx(alone, rel=1e-4)


def test_what_is_longer_than_the_context_is_refused(generator):
    with pytest.raises(InputError, match="limit 255"):
        generator.weigh([[5] * 250], [["yes", "no " * 20]])
