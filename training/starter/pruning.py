"""The starter's first weights: pieces of a larger model.

A piece is a group of attention heads that share a key, with some neurons of the same layer. The
pieces stand one behind the other, each as a layer: so the layers of a standard model, which must
be alike in shape, keep much of one layer and nothing of another. That a model of residual layers
bears losing some and taking others apart was seen by Sun et al. 2024 (arXiv 2407.09298).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

PIECES = (
    *((0, 2), (1, 0), (1, 1), (2, 0), (2, 1), (3, 0), (8, 0), (11, 0), (14, 0)),
    *((15, 1), (16, 0), (16, 2), (17, 1), (18, 2), (19, 1), (20, 2), (24, 2), (29, 1)),
)
"""Layer and group of SmolLM2-135M: what matters most for the loss (measured as ``importance`` measures neurons), with
heads that look at the token before (1, 2, 11, 16), at the same token before (2, 8), and at what came after it (17, 18,
20), and the last layer, which speaks. Chosen by that measure alone, without the last layer, the loss on answers after
64,000 tokens was 5.9; with one group of nearly every layer that is kept 4.4; so 2.7."""
NEURONS = 176
"""Of each piece."""


def with_vocabulary(model: Any, source: Any, tokenizer: Any) -> Any:
    """A model with tied embeddings, reduced to a tokenizer's vocabulary.

    Args:
        source: the model's own tokenizer. Tokens that it lacks get the mean of its embeddings.
    """
    import torch

    embeddings = model.model.embed_tokens.weight.detach()  # (vocabulary of the source, width)
    numbers = source.get_vocab()
    reduced = embeddings.mean(0).repeat(len(tokenizer), 1)
    for token, number in tokenizer.get_vocab().items():
        if token in numbers:
            reduced[number] = embeddings[numbers[token]]
    model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    with torch.no_grad():
        model.model.embed_tokens.weight.copy_(reduced)
    return model


def importance(model: Any, losses: Iterable[Any]) -> Any:
    """How much the loss would change if a neuron of a feed-forward network were silent, (layers, neurons).

    The mean of |gradient times weight|, first-order Taylor (Molchanov et al. 2019, arXiv 1906.10771).

    Args:
        model: a Llama of transformers; its gradients are used up.
        losses: of the model, scalars; each is taken before the next is asked for.
    """
    import torch

    matrices = [layer.mlp.down_proj.weight for layer in model.model.layers]
    found = torch.zeros(len(matrices), model.config.intermediate_size)
    for loss in losses:
        model.zero_grad(set_to_none=True)
        loss.backward()
        found += torch.stack([(matrix * matrix.grad).detach().sum(0).abs() for matrix in matrices])
    model.zero_grad(set_to_none=True)
    return found


def pruned(
    model: Any, matters: Any, *, pieces: Sequence[tuple[int, int]] = PIECES, neurons: int = NEURONS, context: int
) -> Any:
    """A model of pieces of another one; each takes the most important neurons of its layer that are left.

    Args:
        matters: the importance of the neurons, (layers, neurons).
        pieces: layer and group of heads.
    """
    groups = model.config.num_key_value_heads
    config = type(model.config).from_dict(
        model.config.to_dict()
        | {
            "num_hidden_layers": len(pieces),
            "num_attention_heads": model.config.num_attention_heads // groups,
            "num_key_value_heads": 1,
            "intermediate_size": neurons,
            "max_position_embeddings": context,
        }
    )
    small = type(model)(config)
    small.model.embed_tokens.load_state_dict(model.model.embed_tokens.state_dict())
    small.model.norm.load_state_dict(model.model.norm.state_dict())
    taken: Counter[int] = Counter()
    for layer, (number, group) in zip(small.model.layers, pieces, strict=True):
        kept = matters[number].argsort(descending=True)[taken[number] :][:neurons].sort().values
        taken[number] += neurons
        state = model.model.layers[number].state_dict()
        layer.load_state_dict({name: _part(name, state[name], group, groups, kept) for name in state})
    return small


def _part(name: str, weight: Any, group: int, groups: int, kept: Any) -> Any:
    """What a piece takes of a weight of its layer: the outputs or inputs that belong to its heads or neurons."""
    match name.split(".")[-2]:
        case "q_proj" | "k_proj" | "v_proj":
            return weight.unflatten(0, (groups, -1))[group]
        case "o_proj":
            return weight.unflatten(1, (groups, -1))[:, group]
        case "gate_proj" | "up_proj":
            return weight[kept]
        case "down_proj":
            return weight[:, kept]
    return weight
