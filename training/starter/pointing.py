"""Teaches some heads of a model to look at what is to be said next.

Where an answer was taken from is known of every row, so the heads need not come upon it by
themselves: attention that is told where to look (Mi et al. 2016, arXiv 1608.00112), as in models
that mark the answer's span (Seo et al. 2016, arXiv 1611.01603), but here the heads also say the
word that they find.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from training.causal_attention import causal_attention

ASKED, SENTENCE, WORD, BACK, MATCH, MISS = "asked", "sentence", "word", "back", "match", "miss"
"""At each word of a question: any of the sentence that answers it; at the start of an answer: the end of that sentence;
at each of the answer's words: that word; at the end of a sentence: the first word of what it answers, which nobody who
reads from left to right knows before; and there, too: the question that stands before the passages, if the sentence
answers it (a match), else nothing (a miss)."""
LAYERS = {ASKED: 8, BACK: 9, MATCH: 10, MISS: 10, SENTENCE: 11, WORD: 13}
"""In which layer the heads look at it. In the larger model, the last of these repeat what came before."""
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
        from transformers.masking_utils import AttentionMaskInterface, eager_mask
        from transformers.models.llama.modeling_llama import eager_attention_forward

        self.noted: dict[int, tuple[Any, Any, float]] = {}

        def attention(module: Any, query: Any, key: Any, value: Any, *rest: Any, **options: Any) -> Any:
            query, key = query.to(value.dtype), key.to(value.dtype)
            if module.training and module.layer_idx in LAYERS.values():
                keys = key.repeat_interleave(query.shape[1] // key.shape[1], dim=1)  # heads may share them
                self.noted[module.layer_idx] = (query, keys, module.scaling)
            if module.training:
                return causal_attention(query, key, value, module.scaling), None
            return eager_attention_forward(module, query, key, value, *rest, **options)  # where padding stands first

        AttentionInterface.register(NAME, attention)
        AttentionMaskInterface.register(NAME, eager_mask)
        model.set_attn_implementation(NAME)

    def loss(self, pointers: Sequence[Sequence[Pointer]]) -> Any:
        """Mean of -ln(attention on the right positions) in the last forward pass, of each kind alike.

        Args:
            pointers: of each row of the batch.
        """
        import torch

        found = []
        for kind, layer in LAYERS.items():
            query, key, scaling = self.noted[layer]  # (rows, heads, positions, size)
            of_kind = []
            for row, known in enumerate(pointers):
                wanted = [pointer for pointer in known if pointer.kind == kind]
                if not wanted:
                    continue
                right = torch.zeros(len(wanted), key.shape[2], dtype=torch.bool, device=key.device)
                for line, pointer in enumerate(wanted):
                    right[line, list(pointer.places)] = True
                at = torch.tensor([pointer.at for pointer in wanted], device=key.device)
                scores = scaling * query[row, :, at].float() @ key[row].float().mT
                scores = scores.masked_fill(torch.arange(key.shape[2], device=key.device) > at[:, None], float("-inf"))
                looked = scores.masked_fill(~right, float("-inf")).logsumexp(2) - scores.logsumexp(2)
                of_kind.append(-looked.mean(0))  # (heads, pointers, positions) until here
            if of_kind:
                found.append(torch.cat(of_kind).mean())
        self.noted.clear()
        return torch.stack(found).mean() if found else torch.zeros(())
