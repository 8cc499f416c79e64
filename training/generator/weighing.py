"""How probable texts are as answers to one prompt, which is read once for all of them."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from retrieval.batches import batched

AT_ONCE = 16
"""Texts computed together: each has a copy of the prompt's keys and values."""


def log_probabilities(model: Any, prompt_ids: Sequence[int], completions: Sequence[Sequence[int]]) -> list[float]:
    """The sum of the log-probabilities (nats) of each completion's tokens after the prompt."""
    import torch

    found: list[float] = []
    with torch.inference_mode():
        read = model(input_ids=torch.tensor([prompt_ids], device=model.device), use_cache=True, logits_to_keep=1)
        for some in batched(completions, AT_ONCE):
            longest = max(map(len, some))
            # Shorter ones are padded behind their end, where no token of theirs looks.
            ids = torch.tensor([[*one, *[0] * (longest - len(one))] for one in some], device=model.device)  # (C, N)
            logits = read.logits.expand(len(some), 1, -1)  # (C, 1, V)
            if longest > 1:
                cache = deepcopy(read.past_key_values)
                cache.batch_repeat_interleave(len(some))
                rest = model(input_ids=ids[:, :-1], past_key_values=cache, use_cache=True).logits
                logits = torch.cat([logits, rest], dim=1)  # (C, N, V)
            each = logits.float().log_softmax(-1).gather(-1, ids.unsqueeze(-1)).squeeze(-1)  # (C, N)
            real = torch.tensor([[place < len(one) for place in range(longest)] for one in some], device=model.device)
            found += each.where(real, 0.0).sum(-1).tolist()
    return found
