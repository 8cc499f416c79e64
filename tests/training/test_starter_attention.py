"""Attention in blocks: equal to PyTorch's own, whatever the length."""

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from training.starter.attention import BLOCK, causal_attention


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
