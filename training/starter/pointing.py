"""Teaches heads of the last layers to look at what is to be said next.

Where an answer was taken from is known of every row, so the heads need not come upon it by
themselves: attention that is told where to look (Mi et al. 2016, arXiv 1608.00112), as in models
that mark the answer's span (Seo et al. 2016, arXiv 1611.01603), but here the heads also say the
word that they find.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

SENTENCE, WORD, BACK = "sentence", "word", "back"
"""At the start of an answer: the end of the sentence that gives it; at each of its words: that word; and at the
end of a sentence: the first word of what it answers, which nobody who reads from left to right knows before."""
HEADS = {(4, BACK): slice(4, 8), (5, WORD): slice(0, 4), (5, SENTENCE): slice(4, 8)}
"""Which heads of which layer are to look there."""
NAME = "pointing"


class Pointer(NamedTuple):
    """What the heads of a kind should look at from a position of a row."""

    kind: str
    at: int
    places: tuple[int, ...]
    """Any of these positions is right."""


class Pointing:
    """Notes what the pointing heads of a model look at while it trains.

    Args:
        model: a causal model of transformers; its attention is replaced by one that takes notes.
    """

    def __init__(self, model: Any) -> None:
        from transformers import AttentionInterface
        from transformers.integrations.sdpa_attention import sdpa_attention_forward
        from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

        self.noted: dict[int, tuple[Any, Any, float]] = {}
        layers = {layer for layer, _ in HEADS}

        def attention(module: Any, query: Any, key: Any, *rest: Any, **options: Any) -> Any:
            if module.training and module.layer_idx in layers:
                self.noted[module.layer_idx] = (query, key, module.scaling)
            return sdpa_attention_forward(module, query, key, *rest, **options)

        AttentionInterface.register(NAME, attention)
        AttentionMaskInterface.register(NAME, sdpa_mask)
        model.set_attn_implementation(NAME)

    def loss(self, pointers: Sequence[Sequence[Pointer]]) -> Any:
        """Mean of -ln(attention on the right positions) over heads and pointers of the last forward pass.

        Args:
            pointers: of each row of the batch.
        """
        import torch

        total, count = torch.zeros(()), 0
        for (layer, kind), heads in HEADS.items():
            query, key, scaling = self.noted[layer]  # (rows, heads, positions, size)
            for row, known in enumerate(pointers):
                wanted = [pointer for pointer in known if pointer.kind == kind]
                if not wanted:
                    continue
                right = torch.zeros(len(wanted), key.shape[2], dtype=torch.bool)
                for line, pointer in enumerate(wanted):
                    right[line, list(pointer.places)] = True
                at = torch.tensor([pointer.at for pointer in wanted])
                scores = scaling * query[row, heads, at].float() @ key[row, heads].float().mT
                scores = scores.masked_fill(torch.arange(key.shape[2]) > at[:, None], float("-inf"))
                looked = scores.masked_fill(~right, float("-inf")).logsumexp(2) - scores.logsumexp(2)
                total = total - looked.mean(0).sum()  # (heads, pointers, positions) until here
                count += len(wanted)
        self.noted.clear()
        return total / max(count, 1)
