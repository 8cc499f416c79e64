"""The starter's first weights: copying is laid down instead of waited for.

A causal transformer copies with two heads in successive layers: one that brings each position the
token before it, and one that looks for the place where that was the present token and says what
stands there (induction, Olsson et al. 2022, arXiv 2209.11895). From random weights a model of this
size needs more tokens to find the pair than a CPU can give it; written down it is there at the
first step. The other heads start out looking for what resembles the present position (after
Trockman & Kolter 2023, arXiv 2305.09828). Everything is then trained. Knows nothing about the data.
"""

from typing import Any

CONSTANT = 0
"""The dimension of the residual stream that is the same for every token: what a head of positions asks with."""
NEAR_PAIRS = 3
"""Fast rotary pairs, which tell a position from its neighbours."""
FAR_FROM = 18
"""Slow rotary pairs from here on hardly turn over a whole prompt: content is compared in them."""


def lay_down(model: Any, vectors: Any, *, seed: int) -> None:
    """Set the weights of an untrained Qwen3 whose head is not tied to its embeddings.

    Args:
        model: ``Qwen3ForCausalLM`` with as many key heads as query heads; three layers or more.
        vectors: of the tokens, (vocabulary, width - 1), of any scale.
    """
    import torch

    generator = torch.Generator().manual_seed(seed)
    config = model.config
    width, heads, size = config.hidden_size, config.num_attention_heads, config.head_dim

    def orthonormal(rows: int, columns: int) -> Any:
        square = torch.linalg.qr(torch.randn(columns, columns, generator=generator))[0]
        return square[:rows]

    def content(rows: int) -> Any:
        """(rows, width) orthonormal, blind to the constant dimension."""
        found = torch.zeros(rows, width)
        found[:, 1:] = orthonormal(rows, width - 1)
        return found

    half = size // 2
    near = torch.arange(NEAR_PAIRS)
    far = torch.cat([torch.arange(FAR_FROM, half), torch.arange(FAR_FROM, half) + half])
    angles = config.rope_parameters["rope_theta"] ** (-near / half)
    basis = content(width - 1)  # how a token is read out of the residual stream
    turn = torch.zeros(width, width)
    turn[1:, 1:] = orthonormal(width - 1, width - 1)  # from a token read to the same token said

    with torch.no_grad():
        tokens = torch.nn.functional.normalize(vectors - vectors.mean(0), dim=1)
        model.model.embed_tokens.weight.zero_()
        model.model.embed_tokens.weight[:, 1:] = tokens
        model.model.embed_tokens.weight[:, CONSTANT] = 0.5
        model.lm_head.weight.copy_(torch.nn.functional.pad(tokens, (1, 0)) @ turn)
        for layer in model.model.layers:
            attention = layer.self_attn
            query, key = (
                attention.q_proj.weight.view(heads, size, width),
                attention.k_proj.weight.view(heads, size, width),
            )
            value = attention.v_proj.weight.view(heads, size, width)
            out = attention.o_proj.weight.view(width, heads, size)
            # What a layer adds starts small, else it drowns what the two heads say.
            out *= 0.0
            layer.mlp.down_proj.weight *= 0.0
            for one in (attention.q_norm.weight, attention.k_norm.weight):
                one.fill_(1.0)
                one[far] = 1.5
            for head in range(heads):
                alike = content(len(far))
                for matrix in (query, key):
                    matrix[head] *= 0.3
                    matrix[head, far] += alike
                slot = (head * size + torch.arange(size)) % (width - 1)
                value[head] += basis[slot]
                out[:, head] += 0.05 * (basis[slot] @ turn).T
        model.model.norm.weight.fill_(2.5)  # words are near each other: a copy must be said loudly
        first = model.model.layers[0].self_attn
        for one in (first.q_norm.weight, first.k_norm.weight):
            one[torch.cat([near, near + half])] = 2.0
        before = []
        for head, (distance, share) in enumerate(((1, 0.15), (2, 0.03))):
            rows = slice(head * size, (head + 1) * size)
            reads, writes = content(size), content(size)
            before.append((reads, writes))
            for weight, shift in ((first.q_proj.weight, 0), (first.k_proj.weight, distance)):
                weight[rows] = 0.0
                weight[rows][near, CONSTANT] = torch.cos(shift * angles)
                weight[rows][near + half, CONSTANT] = torch.sin(shift * angles)
            first.v_proj.weight[rows] = reads
            first.o_proj.weight[:, rows] = share * writes.T
        reads, writes = before[0]
        copies = torch.arange(width - 1).chunk(4)  # each of four heads says a quarter of a token
        for number, slot in enumerate(copies):
            attention, head = model.model.layers[1 + number // 2].self_attn, number % 2
            rows = slice(head * size, (head + 1) * size)
            part = torch.arange(len(far)) + head * len(far)
            for weight, matrix in ((attention.q_proj.weight, reads), (attention.k_proj.weight, writes)):
                weight[rows] = 0.0
                weight[rows][far] = matrix[part]
            for one in (attention.q_norm.weight, attention.k_norm.weight):
                one[far] = 2.2
            attention.v_proj.weight[rows] = 0.0
            attention.v_proj.weight[rows][: len(slot)] = basis[slot]
            attention.o_proj.weight[:, rows] = 0.0
            attention.o_proj.weight[:, rows][:, : len(slot)] = (1.2, 0.8)[number // 2] * (basis[slot] @ turn).T
