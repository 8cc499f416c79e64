"""The starter as it ships: a standard model that every path takes, small enough for the repository."""

import json
import tomllib
from pathlib import Path

import pytest
import torch

from retrieval.documents import Passage
from retrieval.prompt import Prompt, render
from training.generation import Generator
from training.generator_files import load_model
from training.starter.build import HISTORY
from training.starter.card import COURSE
from training.starter.paths import starter_path

MEGABYTE = 2**20


@pytest.fixture(scope="module")
def generator():
    model, tokenizer = load_model(starter_path())
    with Generator(model.eval(), tokenizer, cache_tokens=4096) as one:
        yield one


def test_is_small_and_in_bfloat16():
    from safetensors import safe_open

    weights = starter_path() / "model.safetensors"
    assert weights.stat().st_size <= 32 * MEGABYTE
    with safe_open(weights, framework="pt") as tensors:
        dtypes = {tensors.get_slice(name).get_dtype() for name in tensors.keys()}  # noqa: SIM118 -- not a mapping
    assert dtypes == {"BF16"}


def test_is_of_a_standard_class_and_needs_no_code():
    config = json.loads((starter_path() / "config.json").read_text())
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert "auto_map" not in config
    assert config["dtype"] == "bfloat16"
    assert not list(starter_path().glob("*.py"))


def test_the_card_tells_what_it_was_trained_on():
    card = (starter_path() / "README.md").read_text()
    for words in ("CC BY-SA 4.0", "train split", "Exact match", "tokens"):
        assert words in card
    assert " ".join(COURSE.split()) in " ".join(card.split()), "as the program that writes it says"


def test_training_can_go_on_from_it():
    history = json.loads((starter_path() / HISTORY).read_text())
    assert history[-1]["tokens"] == max(entry["tokens"] for entry in history)
    assert history[-1]["pool"] > 0


def test_is_packaged():
    root = Path(__file__).parents[2]
    wheel = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert "training" in wheel["packages"]
    ignored = (root / ".gitignore").read_text().splitlines()  # hatchling leaves out what git ignores
    assert not {"model/", "*.safetensors", "*.json", "training/starter/model/"} & set(ignored)


def test_continuous_batching_gives_the_greedy_tokens_of_generate(generator):
    passage = Passage("d", "d#0", "The Velora 340 pump weighs 12 kg. Its torque is 40 Nm.", "Velora 340", 1.0, 1, 0.9)
    questions = ["How heavy is the Velora 340 pump?", "What is the torque?", "Who designed it?"]
    prompts = [generator.encode(render(question, [passage], Prompt())) for question in questions]
    expected = []
    with torch.inference_mode():
        for prompt in prompts:
            ids = torch.tensor([prompt])
            out = generator.model.generate(
                input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=16, do_sample=False
            )
            expected.append(generator.tokenizer.decode(out[0, len(prompt) :], skip_special_tokens=True))
    assert generator.generate(prompts, 16) == expected


def test_takes_four_passages_of_the_embedder(generator):
    assert generator.max_context >= 2048
