"""Attention of bidirectional encoders on a CPU in bfloat16, half the time of torch's own.

A few sequences at a time, so that their scores stay in the cache; no padding is computed, no mask is
read, and the sum of the weights divides the result (T x 32) instead of the weights (T x T).
Knows nothing about embedders; transformers calls it once it is registered.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

_NAME = "lockstep_cpu"
_MODELS = ("bert", "roberta", "xlm-roberta")
"""Architectures whose attention is plain: every token sees every token, no bias by position."""
_GROUP_SCORES = 2**19
"""Scores held at once: 1 MiB of bfloat16."""
_LARGEST_SCORE = 78.0
"""e to this power, summed over 8192 tokens, is far from overflow."""


def use_cpu_attention(model: "PreTrainedModel") -> bool:
    """Make a model use this attention, where it is one whose attention is understood; whether it was."""
    if model.config.model_type not in _MODELS or getattr(model.config, "is_decoder", False):
        return False
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface, flash_attention_mask

    AttentionInterface.register(_NAME, attention)
    AttentionMaskInterface.register(_NAME, flash_attention_mask)  # hands on the padding mask (B, T) as it is
    model.set_attn_implementation(_NAME)
    return True


def attention(
    module: Any,
    query: "Tensor",  # (B, H, T, D)
    key: "Tensor",
    value: "Tensor",
    attention_mask: "Tensor | None",  # (B, T), true where a token is; None where nothing is padded
    scaling: float | None = None,
    dropout: float = 0.0,
    **_: Any,
) -> tuple["Tensor", None]:
    """Softmax attention in transformers' form; rows of padding come out as zero or as anything finite.

    Returns:
        The output (B, T, H, D), and no weights.
    """
    import torch

    batch, heads, width, size = query.shape
    lengths = [width] * batch if attention_mask is None else attention_mask.sum(dim=1).tolist()
    query = query * (size**-0.5 if scaling is None else scaling)
    output = query.new_zeros(batch, width, heads, size)
    start = 0
    while start < batch:
        end = start + max(1, _GROUP_SCORES // (heads * lengths[start] ** 2))
        group = lengths[start:end]
        longest = max(group)
        q, k, v = (part[start:end, :, :longest].flatten(0, 1) for part in (query, key, value))  # (G*H, L, D)
        scores = torch.bmm(q, k.transpose(1, 2))  # (G*H, L, L)
        for position, length in enumerate(group):
            if length < longest:
                scores[position * heads : (position + 1) * heads, :, length:] = float("-inf")
        if float(scores.amax()) > _LARGEST_SCORE:
            mixed = torch.bmm(torch.softmax(scores, dim=-1), v)
        else:
            weights = scores.exp_()
            mixed = torch.bmm(weights, v).div_(weights.sum(dim=-1, keepdim=True))  # (G*H, L, D)
        output[start:end, :longest] = mixed.view(len(group), heads, longest, size).transpose(1, 2)
        start = end
    return output, None
