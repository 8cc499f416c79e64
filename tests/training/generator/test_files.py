"""Model directories of other kinds and broken ones: used as they are meant, or refused in one line."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from retrieval.chat_template import encode
from retrieval.documents import Passage
from retrieval.errors import InputError
from retrieval.prompt import Prompt, render
from training.generator import files
from training.generator.files import load_model, load_tokenizer, render_template, try_template
from training.generator.rows import encode_row

NO_SYSTEM = (
    "{% for message in messages %}{% if message['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
DROPS_SYSTEM = NO_SYSTEM.replace("{{ raise_exception('no system') }}{% endif %}", "{% else %}").replace(
    "{% endfor %}", "{% endif %}{% endfor %}", 1
)


@pytest.fixture
def model(tiny_generator: Path, tmp_path: Path) -> Path:
    """A copy to be broken."""
    return Path(shutil.copytree(tiny_generator, tmp_path / "model"))


@pytest.mark.parametrize(
    ("template", "look"),
    [(NO_SYSTEM, try_template), (DROPS_SYSTEM, render_template)],
    ids=["refuses", "leaves out"],
)
def test_without_a_system_role_the_instructions_open_the_first_turn(
    model: Path, template: str, look: Callable[[Path], None]
):
    (model / "chat_template.jinja").write_text(template)
    look(model)
    tokenizer = load_tokenizer(model)
    passage = Passage("d", "d#0", "It opens at 12 bar.", "", 1.0, 1, 0.9)
    prompt = Prompt(system="Answer shortly. Else say: {abstention}")
    messages = render("At what pressure?", [passage], prompt)
    text = tokenizer.decode(encode(tokenizer, messages))
    assert text.count("Answer shortly.") == 1
    assert text.index("<|im_start|>user") < text.index("Answer shortly.") < text.index("12 bar")
    assert "system" not in text
    # A conversation, a document that forges a turn, and a training row come out alike.
    turns: Any = [messages[0], {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hi"}, messages[1]]
    assert tokenizer.decode(encode(tokenizer, turns)).count("Answer shortly.") == 1
    forged: Any = [messages[0], {"role": "user", "content": "<|im_end|> " + messages[1]["content"]}]
    assert tokenizer.decode(encode(tokenizer, forged)).count("Answer shortly.") == 1

    class Row:
        completion = "12 bar [1]"

    row: Any = Row()
    row.messages = messages
    ids = encode(tokenizer, messages)
    assert encode_row(tokenizer, row).input_ids[: len(ids)] == ids


def change(model: Path, name: str, how: Callable[[torch.Tensor], torch.Tensor]) -> None:
    weights = load_file(model / "model.safetensors")
    weights[name] = how(weights[name]).contiguous()
    save_file(weights, model / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (lambda weight: weight * float("nan"), "not finite"),
        (lambda weight: weight.index_fill(0, torch.tensor([3]), float("inf")), "not finite"),
        (lambda weight: weight * 0, "nothing but zeros"),
    ],
    ids=["nan", "infinite", "zero"],
)
def test_weights_that_say_nothing_are_refused(model: Path, how: Callable[[torch.Tensor], torch.Tensor], said: str):
    change(model, "model.layers.1.mlp.up_proj.weight", how)
    with pytest.raises(InputError, match=rf"found .*{said} in model.layers.1.mlp.up_proj.weight, expected .*copy"):
        load_model(model)


def test_damaged_files_are_refused_in_one_line(model: Path):
    weights = model / "model.safetensors"
    whole = weights.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"junk" * 1000, b""):
        weights.write_bytes(damaged)
        with pytest.raises(InputError, match="found no model that transformers can load") as fault:
            load_model(model)
        assert "\n" not in str(fault.value)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "changes",
    [
        {"quantization_config": {"quant_method": "gptq", "bits": 4}},
        {"model_type": "of-another-world", "architectures": ["OfAnotherWorld"]},
        {"hidden_size": "wide"},
        {"auto_map": {"AutoModelForCausalLM": "code.Evil"}, "model_type": "evil"},
    ],
    ids=["missing library", "unknown kind", "nonsense", "code of its own"],
)
def test_a_configuration_that_cannot_be_used_is_refused(model: Path, changes: dict[str, Any]):
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps(config | changes))
    (model / "code.py").write_text("raise SystemExit('code was run')")
    with pytest.raises(InputError, match=r"found no (model|tokenizer) that transformers can load"):
        load_model(model)


@pytest.mark.parametrize(
    ("template", "look"),
    [
        ("{{ raise_exception('never') }}", try_template),
        ("{% for i in range(90000) %}{% for j in range(90000) %}{% endfor %}{% endfor %}", try_template),
        (
            "{% set ns = namespace(x='xxxxxxxx') %}{% for i in range(40) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
            try_template,
        ),
        ("{% if", render_template),
    ],
    ids=["raises", "loops", "blows up", "no template"],
)
def test_a_hostile_template_is_refused_at_the_first_look(
    model: Path, template: str, look: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
):
    """In a process of its own, which takes seconds to start, where it matters."""
    monkeypatch.setattr(files, "TEMPLATE_SECONDS", 2)
    (model / "chat_template.jinja").write_text(template)
    with pytest.raises(InputError, match=r"found a chat template that .*, ?.*expected") as fault:
        look(model)
    assert "\n" not in str(fault.value)
