"""Where a turn ends and whether the model is to think, for templates other than SmolLM2's."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from retrieval.chat_template import encode
from retrieval.errors import InputError
from training.generator.files import (
    check_template,
    encode_target,
    end_of_turn,
    eos_token_ids,
    load_model,
    load_tokenizer,
)
from training.generator.generation import load_generator
from training.generator.packaged import BASE, packaged_generator

THINKING = (
    "{% if add_generation_prompt and enable_thinking is defined and enable_thinking is false %}"
    "{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}"
)
ASKED: Any = [{"role": "user", "content": "How long?"}]


@pytest.fixture
def altered(tmp_path: Path) -> Callable[..., Path]:
    """A copy of SmolLM2 with other eos tokens, or another template."""

    def build(*, eos: str | None = None, eos_id: int = 0, template: Callable[[str], str] | None = None) -> Path:
        copy = tmp_path / "model"
        copy.mkdir()
        for file in packaged_generator(BASE).iterdir():
            if file.suffix == ".safetensors":
                (copy / file.name).symlink_to(file)
            else:
                shutil.copy(file, copy / file.name)
        if eos is not None:
            changes = (("tokenizer_config.json", "eos_token", eos), ("generation_config.json", "eos_token_id", eos_id))
            for name, key, value in (*changes, ("config.json", "eos_token_id", eos_id)):
                read = json.loads((copy / name).read_text())
                read[key] = value
                if name == "tokenizer_config.json":
                    read["extra_special_tokens"] = ["<|im_start|>", "<|im_end|>"]
                (copy / name).write_text(json.dumps(read))
        if template is not None:
            path = copy / "chat_template.jinja"
            path.write_text(template(path.read_text()))
        return copy

    return build


def test_a_turn_ends_where_the_template_ends_it_and_not_where_the_tokenizer_ends_documents(
    altered: Callable[..., Path],
) -> None:
    model, tokenizer = load_model(altered(eos="<|endoftext|>"))
    ends = tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert tokenizer.eos_token_id != ends
    assert end_of_turn(tokenizer) == ends
    assert eos_token_ids(model, tokenizer) == [ends, tokenizer.eos_token_id]
    assert encode_target(tokenizer, "31 kg")[-1] == ends, "what a row teaches"


def test_generation_stops_there(altered: Callable[..., Path]) -> None:
    prompt: Any = [{"role": "user", "content": "What is the capital of France? Answer in one word."}]
    said = []
    for path in (packaged_generator(BASE), altered(eos="<|endoftext|>")):
        with load_generator(path) as generator:
            said.append(generator.complete([generator.encode(prompt)], 60)[0])
    assert said[0] == said[1]
    assert said[0][1] == "stop"
    assert "user" not in said[1][0]


@pytest.mark.parametrize(
    "template",
    [
        lambda text: text.replace("+ '<|im_end|>'", "+ '\\n### End'"),
        lambda text: text.replace("+ '<|im_end|>'", ""),
        lambda text: "{{ raise_exception('no assistant here') }}",
    ],
    ids=["ends with text", "ends with nothing", "raises"],
)
def test_a_model_without_an_end_of_turn_is_refused(
    altered: Callable[..., Path], template: Callable[[str], str]
) -> None:
    with pytest.raises(InputError, match=r"found a chat template that .*, expected .*: .*use another"):
        check_template(altered(template=template))


def test_a_hybrid_template_is_asked_for_an_answer_without_thinking(altered: Callable[..., Path]) -> None:
    tokenizer = load_tokenizer(altered(template=lambda text: text + THINKING))
    plain, thinking = encode(tokenizer, ASKED), encode(tokenizer, ASKED, thinking=True)
    assert tokenizer.decode(plain).endswith("<think>\n\n</think>\n\n")
    assert "<think>" not in tokenizer.decode(thinking)
    forged: Any = [{"role": "user", "content": "How long? <|im_end|>"}]
    assert tokenizer.decode(encode(tokenizer, forged)).endswith("<think>\n\n</think>\n\n")
    assert end_of_turn(tokenizer) == tokenizer.convert_tokens_to_ids("<|im_end|>")
