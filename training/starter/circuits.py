"""The starter's first weights: finding and copying are laid down instead of waited for.

A causal transformer copies with two heads in successive layers: one that brings each position the
token before it, and one that looks for the place where that was the present token and says what
stands there (induction, Olsson et al. 2022, arXiv 2209.11895). It finds the passage that a
question is about in the same way, with wider eyes: one head gathers the rare words around each
position, another those of the question that has just been asked, and heads of the next layers
look where the two resemble one another. From random weights a model of this size needs more tokens
to come upon that than a CPU can give it; written down it is there at the first step. Everything
is then trained. Knows nothing about the data.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

CONSTANT, RARE = 0, 1
"""Dimensions of the residual stream: the same for every token, and how rare the token is (-0.5 to 0.5)."""
BEFORE, AROUND = 32, 64
"""Dimensions that hold the token before, and the words around a position or in the question."""
FAR_FROM = 10
"""Slow rotary pairs from here on hardly turn over a whole prompt: content is compared in them."""
NEAR, CLOSE, WIDE = (0, 1, 2), (3, 4, 6), (5, 7, 8)
"""Rotary pairs that tell a position from its neighbours, within some 3 tokens and within some 9."""
BAND_WEIGHT, NEAR_WEIGHT, FAR_WEIGHT = 1.0, 2.0, 2.2
"""Of the query and key norms in those pairs: how sharp a head's eye is."""
LOUDNESS = 0.8
"""Of the final norm: louder, and a copy is said more surely than it deserves before training."""


def token_width(width: int) -> int:
    """The dimensions that are left for what a token means."""
    return width - 2 - BEFORE - 2 * AROUND


def lay_down(model: Any, vectors: Any, frequencies: Any, *, seed: int) -> None:
    """Set the weights of an untrained Qwen3 whose head is not tied to its embeddings.

    Args:
        model: ``Qwen3ForCausalLM`` with as many key heads as query heads, seven or more of size 64,
            and a rotary base of 1e8; three layers or more.
        vectors: of the tokens, (vocabulary, ``token_width``), of any scale.
        frequencies: of the tokens in texts like those to come, (vocabulary,), summing to one.
    """
    import torch

    with torch.no_grad():
        _Draft(model, vectors, frequencies, torch.Generator().manual_seed(seed)).write()


@dataclass
class _Draft:
    model: Any
    vectors: Any
    frequencies: Any
    generator: Any

    def write(self) -> None:
        import torch

        width = self.model.config.hidden_size
        size = token_width(width)
        start = torch.tensor([2, size, BEFORE, AROUND]).cumsum(0).tolist()
        self.token, before, around, asked = (
            torch.arange(begin, begin + count)
            for begin, count in zip(start, (size, BEFORE, AROUND, AROUND), strict=True)
        )
        self.half = self.model.config.head_dim // 2
        slow = torch.arange(FAR_FROM, self.half)
        self.far = torch.cat([slow, slow + self.half])
        self.read = self._of_token(self._orthonormal(size))
        """How a token is read out of the stream, (size, width)."""
        self.turn = torch.zeros(width, width)
        """From a token read to the same token said: saying it must not look like being it."""
        self.turn[2 : 2 + size, 2 : 2 + size] = self._orthonormal(size)
        self._silence()
        self._words()

        previous, sketch = (self._of_token(self._orthonormal(size)[:count]) for count in (BEFORE, AROUND))
        self._gather(0, NEAR, 1, previous, before, 0.4, rare=False)
        self._gather(1, CLOSE, 2, sketch, around, 1.0, rare=True)
        self._gather(2, WIDE, 9, sketch, asked, 1.0, rare=True)
        stream = torch.eye(width)
        for head, part in enumerate(self.read.chunk(4)):
            self._look(1, head, previous, stream[before], part, 2.5)
        for number, part in enumerate(self.read.chunk(3)):
            # A head compares fewer dimensions than there are: each of the three sees others.
            seen = torch.arange(len(self.far)) + (AROUND - len(self.far)) * number // 2
            for layer, head in ((1, 4 + number), (2, number)):
                self._look(layer, head, stream[asked[seen]], stream[around[seen]], part, 0.5, shun=5.0)

    def _orthonormal(self, size: int) -> Any:
        import torch

        return torch.linalg.qr(torch.randn(size, size, generator=self.generator))[0]

    def _of_token(self, matrix: Any) -> Any:
        """A reading of a token's own dimensions as one of the stream, (rows, width)."""
        import torch

        found = torch.zeros(len(matrix), self.model.config.hidden_size)
        found[:, self.token] = matrix
        return found

    def _heads(self, layer: int) -> tuple[Any, Any, Any, Any]:
        """Query, key and value matrices (heads, size, width), and the output's (width, heads, size)."""
        config, attention = self.model.config, self.model.model.layers[layer].self_attn
        heads, size, width = config.num_attention_heads, config.head_dim, config.hidden_size
        inward = (getattr(attention, f"{name}_proj").weight.view(heads, size, width) for name in "qkv")
        return (*inward, attention.o_proj.weight.view(width, heads, size))

    def _silence(self) -> None:
        """Nothing that is not laid down says anything yet; what resembles is what other heads look for.

        After Trockman & Kolter 2023, arXiv 2305.09828.
        """
        for number, layer in enumerate(self.model.model.layers):
            query, key, value, out = self._heads(number)
            out.zero_()
            layer.mlp.down_proj.weight.zero_()
            for head in range(len(query)):
                alike = self._of_token(self._orthonormal(len(self.token))[: len(self.far)])
                for matrix in (query, key):
                    matrix[head] *= 0.3
                    matrix[head, self.far] += alike
                value[head] += self.read[: value.shape[1]].roll(-head * 20, 0)
            for norm in (layer.self_attn.q_norm.weight, layer.self_attn.k_norm.weight):
                norm.fill_(1.0)
                norm[self.far] = FAR_WEIGHT if number in (1, 2) else 1.5
                if number == 0:
                    norm[self._pairs(NEAR)] = NEAR_WEIGHT
                    norm[self._pairs(CLOSE + WIDE)] = BAND_WEIGHT

    def _pairs(self, pairs: Sequence[int]) -> Any:
        """Both places of each rotary pair in a head."""
        import torch

        first = torch.tensor(pairs)
        return torch.cat([first, first + self.half])

    def _words(self) -> None:
        """Embeddings and head. Rare words say what a text is about, and bags of them lie around zero."""
        import torch

        rare = (-self.frequencies.clamp(min=1e-9).log() - 4).clamp(0, 6) / 3 - 1  # from e^-4 (-1) to e^-10 (1)
        weight = self.frequencies * torch.exp(4 * rare)
        centre = (self.vectors * weight[:, None]).sum(0) / weight.sum()
        tokens = torch.nn.functional.normalize(self.vectors - centre, dim=1)
        embeddings, head = self.model.model.embed_tokens.weight, self.model.lm_head.weight
        embeddings.zero_()
        embeddings[:, self.token] = tokens
        embeddings[:, CONSTANT] = 0.5
        embeddings[:, RARE] = 0.5 * rare
        head.copy_(self._of_token(tokens) @ self.turn)
        self.model.model.norm.weight.fill_(LOUDNESS)

    def _gather(
        self, head: int, pairs: Sequence[int], back: int, reads: Any, into: Any, amount: float, *, rare: bool
    ) -> None:
        """A head of the first layer that brings what stands about ``back`` tokens before, rather the rare of it."""
        import torch

        query, key, value, out = self._heads(0)
        angles = self.model.config.rope_parameters["rope_theta"] ** (-torch.tensor(pairs) / self.half)
        for matrix, distance in ((query, 0), (key, back)):
            matrix[head] = 0.0
            matrix[head, pairs, CONSTANT] = torch.cos(distance * angles)
            matrix[head, [pair + self.half for pair in pairs], CONSTANT] = torch.sin(distance * angles)
        if rare:
            query[head, FAR_FROM, CONSTANT] = 2.0
            key[head, FAR_FROM, RARE] = 1.0
        value[head] = 0.0
        value[head, : len(reads)] = reads
        out[:, head] = 0.0
        out[into, head, : len(into)] = amount * torch.eye(len(into))

    def _look(
        self, layer: int, head: int, query_reads: Any, key_reads: Any, says: Any, amount: float, *, shun: float = 0.0
    ) -> None:
        """A head that looks where keys resemble its query, and says the tokens that stand there.

        Args:
            shun: how strongly it keeps away from its own neighbourhood, which for a question is the question.
        """
        query, key, value, out = self._heads(layer)
        for matrix, reads, sign in ((query, query_reads, -1), (key, key_reads, 1)):
            matrix[head] = 0.0
            matrix[head, self.far[: len(reads)]] = reads
            matrix[head, list(WIDE), CONSTANT] = sign * shun
        value[head] = 0.0
        value[head, : len(says)] = says
        out[:, head] = 0.0
        out[:, head, : len(says)] = amount * (says @ self.turn).T
