"""Attention in blocks: equal to PyTorch's own, whatever the length."""

from pathlib import Path

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers.integrations import sdpa_attention
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from training.causal_attention import BLOCK, NAME, causal_attention, use_causal_attention
from training.generator_files import load_model


@pytest.mark.parametrize("positions", [1, BLOCK, BLOCK + 37, 3 * BLOCK])
@pytest.mark.parametrize("shared", [1, 3, 6])
def test_is_causal_attention_and_its_gradient(positions: int, shared: int):
    torch.manual_seed(positions + shared)
    shapes = [(2, 6, positions, 8), (2, shared, positions, 8), (2, shared, positions, 8)]
    query, key, value = inputs = [torch.randn(shape, requires_grad=True) for shape in shapes]
    expected = scaled_dot_product_attention(*inputs, is_causal=True, scale=0.3, enable_gqa=True).transpose(1, 2)
    found = causal_attention(query, key, value, 0.3)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    weights = torch.randn_like(expected)
    gradients = torch.autograd.grad((found * weights).sum(), inputs)
    torch.testing.assert_close(gradients, torch.autograd.grad((expected * weights).sum(), inputs), rtol=1e-3, atol=1e-4)


def test_a_model_that_trains_with_it_says_the_same(tiny_model_path: Path):
    model, _ = load_model(tiny_model_path)
    ids = torch.arange(5, 25)[None].repeat(2, 1)
    mask = torch.ones_like(ids)
    mask[1, 12:] = 0  # padding at the end
    model.train()
    expected = model(input_ids=ids, attention_mask=mask).logits
    use_causal_attention(model)
    assert model.config._attn_implementation == NAME
    found = model(input_ids=ids, attention_mask=mask).logits
    torch.testing.assert_close(found[mask.bool()], expected[mask.bool()], rtol=1e-4, atol=1e-4)
    model.eval()
    turned = mask.flip(1)  # padding first, as generation pads: the mask counts
    found = model(input_ids=ids, attention_mask=turned).logits
    model.set_attn_implementation("sdpa")
    expected = model(input_ids=ids, attention_mask=turned).logits
    torch.testing.assert_close(found[turned.bool()], expected[turned.bool()])


def test_a_model_of_another_attention_is_left_alone(tiny_model_path: Path):
    model, _ = load_model(tiny_model_path, attention="eager")
    use_causal_attention(model)
    assert model.config._attn_implementation == "eager"


@pytest.mark.parametrize("asked", [{"dropout": 0.5}, {"sliding_window": 4}])
def test_what_it_does_not_know_is_left_to_the_fused_attention(tiny_model_path: Path, monkeypatch, asked: dict):
    """Neither is ignored: a model that trains with one of them gets what it asks for."""
    called = []
    monkeypatch.setattr(sdpa_attention, "sdpa_attention_forward", lambda *_, **options: called.append(options))
    model, _ = load_model(tiny_model_path)
    use_causal_attention(model)
    module = model.train().model.layers[0].self_attn
    tensors = [torch.zeros(1, 2, 3, 8)] * 3
    ALL_ATTENTION_FUNCTIONS[NAME](module, *tensors, None, scaling=0.3, **asked)
    assert called == [{"scaling": 0.3, **asked}]
    ALL_ATTENTION_FUNCTIONS[NAME](module, *tensors, None, scaling=0.3, dropout=0.0)
    assert len(called) == 1
