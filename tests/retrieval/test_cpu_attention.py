"""The attention for CPUs against torch's own in float32."""

from collections.abc import Sequence

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import BertConfig, BertModel, DistilBertConfig, DistilBertModel

from retrieval import cpu_attention
from retrieval.cpu_attention import attention, use_cpu_attention

HEADS, SIZE = 2, 8


def inputs(lengths: Sequence[int], scale: float = 1.0) -> tuple[list[torch.Tensor], torch.Tensor]:
    """Query, key and value (B, H, T, D), and the mask (B, T)."""
    torch.manual_seed(1)
    width = max(lengths)
    parts = [torch.randn(len(lengths), HEADS, width, SIZE).bfloat16() for _ in range(3)]
    parts[0] *= scale
    return parts, torch.arange(width) < torch.tensor(lengths)[:, None]


@pytest.mark.parametrize("group_scores", [1, 2**9, 2**19], ids=["one by one", "some", "all at once"])
@pytest.mark.parametrize("lengths", [[7], [9, 9, 9], [30, 21, 20, 4, 1], [3, 30, 12]])
@pytest.mark.parametrize("scale", [1.0, 80.0], ids=["usual", "scores that overflow e^x"])
def test_as_torch_computes_it(
    lengths: list[int], scale: float, group_scores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpu_attention, "_GROUP_SCORES", group_scores)
    parts, mask = inputs(lengths, scale)
    output, _ = attention(None, *parts, mask)
    expected = scaled_dot_product_attention(*(part.float() for part in parts), attn_mask=mask[:, None, None, :])
    assert output.shape == (len(lengths), max(lengths), HEADS, SIZE)
    assert torch.isfinite(output).all()
    for row, length in enumerate(lengths):
        found = output[row, :length].transpose(0, 1).float()
        # Where scores are huge, bfloat16 decides close calls between two keys otherwise than float32.
        tolerance = 0.04 if scale == 1.0 else 0.2
        close = torch.isclose(found, expected[row, :, :length], atol=tolerance, rtol=0.05).all(dim=-1)
        assert close.float().mean() > (0.999 if scale == 1.0 else 0.8)


def test_without_padding_no_mask_is_needed() -> None:
    parts, mask = inputs([12, 12])
    torch.testing.assert_close(attention(None, *parts, None)[0], attention(None, *parts, mask)[0])


def test_scaling_is_the_model_s() -> None:
    parts, _ = inputs([12])
    usual = attention(None, *parts, None)[0]
    torch.testing.assert_close(attention(None, *parts, None, scaling=SIZE**-0.5)[0], usual)
    assert not torch.allclose(attention(None, *parts, None, scaling=1.0)[0], usual, atol=0.05)


def test_only_models_whose_attention_is_plain() -> None:
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    assert use_cpu_attention(BertModel(BertConfig(vocab_size=9, **sizes)))
    assert not use_cpu_attention(BertModel(BertConfig(vocab_size=9, is_decoder=True, **sizes)))
    assert not use_cpu_attention(DistilBertModel(DistilBertConfig(vocab_size=9, dim=16, n_layers=1, n_heads=2)))


def test_a_model_gives_the_same_states() -> None:
    torch.manual_seed(2)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    model = BertModel(BertConfig(vocab_size=50, **sizes)).eval()
    ids, mask = torch.randint(50, (3, 20)), torch.arange(20) < torch.tensor([[20], [11], [2]])
    with torch.inference_mode():
        expected = model(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        assert use_cpu_attention(model)
        found = model(input_ids=ids, attention_mask=mask.long()).last_hidden_state
    torch.testing.assert_close(found[mask], expected[mask], atol=1e-5, rtol=1e-4)
