"""Attention of continuous batching on a CPU."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from training.generator.files import load_model
from training.generator.generation import Generator
from training.generator.request_attention import NAME, attention

REQUESTS = [(1, 9), (5, 0), (1, 0), (4, 6)]
"""New tokens, and those before: a next word, a prompt, a prompt of one word, the rest of a prompt."""


class Cache:
    """Holds keys; knows where those of each request begin."""

    def __init__(self, keys: torch.Tensor, values: torch.Tensor, bounds: list[int]) -> None:
        self.keys, self.values, self.bounds = keys, values, torch.tensor(bounds)

    def update(self, key_states, value_states, layer_idx, kwargs):
        kwargs["cu_seq_lens_k"] = self.bounds
        return self.keys, self.values


def bounds_of(lengths: list[int]) -> list[int]:
    return [sum(lengths[:end]) for end in range(len(lengths) + 1)]


@pytest.mark.parametrize("window", [None, 3])
def test_each_token_sees_what_came_before_it_in_its_own_request(window):
    torch.manual_seed(3)
    heads, shared, size = 6, 2, 8
    news, olds = bounds_of([new for new, _ in REQUESTS]), bounds_of([new + known for new, known in REQUESTS])
    query = torch.randn(1, heads, news[-1], size)
    keys, values = torch.randn(2, 1, shared, olds[-1], size)
    module = SimpleNamespace(layer_idx=0)
    found, _ = attention(
        module,
        query,
        query,
        query,
        None,
        cache=Cache(keys, values, olds),
        scaling=0.3,
        sliding_window=window,
        cu_seq_lens_q=torch.tensor(news),
    )
    assert found.shape == (1, news[-1], heads, size)
    for (new, known), first, start in zip(REQUESTS, news, olds, strict=False):
        for token in range(new):
            seen = slice(start + max(0, known + token + 1 - (window or 99)), start + known + token + 1)
            if window and new == 1:
                seen = slice(start, start + known + 1)  # the cache of a window holds no more than it
            for head in range(heads):
                key, value = keys[0, head // 3, seen], values[0, head // 3, seen]
                weights = (0.3 * key @ query[0, head, first + token]).softmax(0)
                assert torch.allclose(found[0, first + token, head], weights @ value, atol=1e-5)


def test_a_model_of_sliding_windows_says_what_generate_says(tiny_model_path: Path, tmp_path: Path):
    model_path = shutil.copytree(tiny_model_path, tmp_path / "model")
    config = json.loads((model_path / "config.json").read_text())
    config |= {"use_sliding_window": True, "sliding_window": 20, "layer_types": ["sliding_attention", "full_attention"]}
    (model_path / "config.json").write_text(json.dumps(config))
    model, tokenizer = load_model(model_path)
    texts = ["The pump runs at 30 rpm and the fan at 900 rpm, both of them in the north hall. " * 2, "Valve"]
    with Generator(model.eval(), tokenizer, cache_tokens=1024, max_batch_tokens=32) as generator:
        prompts = [generator.encode([{"role": "user", "content": text}]) for text in texts]
        answers = generator.generate(prompts, 12)
        assert model.config._attn_implementation == NAME
    model.set_attn_implementation("eager")
    for prompt, answer in zip(prompts, answers, strict=True):
        with torch.inference_mode():
            out = model.generate(torch.tensor([prompt]), max_new_tokens=12, do_sample=False)
        assert answer == tokenizer.decode(out[0, len(prompt) :], skip_special_tokens=True).rstrip("�")
