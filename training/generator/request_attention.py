"""Attention of continuous batching on a CPU: each request is compared with its own keys only.

transformers' own compares the tokens of all requests with the keys of all and masks most of the
result, which makes a batch of n requests n times as dear per token. Knows nothing about requests
but where each begins in the batch.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

NAME = "lockstep_requests"


def use_request_attention(model: Any) -> None:
    """Make a causal model use this attention in continuous batching, if it uses torch's now.

    To be called when a manager has been made, which accepts no attention that it does not know, and
    before it starts.
    """
    if model.config._attn_implementation != "sdpa":
        return
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

    AttentionInterface.register(NAME, attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    model.set_attn_implementation(NAME)


def attention(
    module: Any,
    query: "Tensor",  # (1, H, T, D): the new tokens of all requests, one request after the other
    key: "Tensor",
    value: "Tensor",
    attention_mask: "Tensor | None",
    cache: Any = None,
    scaling: float | None = None,
    sliding_window: int | None = None,
    **options: Any,
) -> tuple["Tensor", None]:
    """Causal softmax attention in transformers' form; without a paged cache, transformers' own.

    Args:
        cache: holds the keys of the tokens before; puts the lengths into ``options``.
        sliding_window: how many tokens a token sees, itself included; None is all.

    Returns:
        The output (1, T, H, D), and no weights.
    """
    import torch
    from torch.nn.functional import scaled_dot_product_attention
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    if cache is None:
        plain: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, sliding_window=sliding_window, **options
        )
        return plain
    key, value = cache.update(key_states=key, value_states=value, layer_idx=module.layer_idx, kwargs=options)
    (_, heads, _, size), shared = query.shape, key.shape[1]
    news, olds = options["cu_seq_lens_q"].tolist(), options["cu_seq_lens_k"].tolist()
    found = []
    for first, end, start, stop in zip(news, news[1:], olds, olds[1:], strict=False):
        asked, keys, values = query[:, :, first:end], key[:, :, start:stop], value[:, :, start:stop]
        new, known = end - first, (stop - start) - (end - first)
        if new == 1:
            # Heads that share keys as if they were positions: a fifth of the time in bfloat16.
            packed = asked.reshape(1, shared, heads // shared, size)
            found.append(scaled_dot_product_attention(packed, keys, values, scale=scaling).reshape(1, heads, 1, size))
            continue
        mask = None
        if known or sliding_window:
            mask = torch.ones(new, known + new, dtype=torch.bool).tril(known)
            mask = mask.triu(known - sliding_window + 1) if sliding_window else mask
        found.append(
            scaled_dot_product_attention(
                asked, keys, values, attn_mask=mask, is_causal=mask is None, scale=scaling, enable_gqa=True
            )
        )
    return torch.cat(found, dim=2).transpose(1, 2), None
