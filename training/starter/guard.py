"""Keeps what is laid down in the starter's first weights while the rest of it is trained."""

from typing import Any

from training.starter.circuits import KNOWN, Laid, token_width


class Guard:
    """Keeps what is laid down as it is while the rest of a model is trained.

    Training has no reason to keep a head before the layers above make use of it, and steps that are
    as large in every direction (Muon's) soon wear it away. So the gradients of what is laid down
    are masked, the embeddings stay, and the dimensions that they and these heads write into are
    closed to everything else, which says what it has to say into those that are left.
    """

    def __init__(self, model: Any, laid: Laid) -> None:
        import torch

        self.layers, self.laid = model.model.layers, laid
        self.found: dict[int, float] = {}
        """How large the stream is before the layers that bring something (root mean square), in the last pass."""
        self.followed: dict[int, float] = {}
        config = model.config
        size = token_width(config.hidden_size)
        open_to_all = torch.zeros(config.hidden_size)
        open_to_all[KNOWN + size : KNOWN + 2 * size] = 1

        def others(heads: set[int]) -> Any:
            mask = torch.ones(config.num_attention_heads, config.head_dim)
            mask[sorted(heads)] = 0
            return mask.flatten()

        def scale(weight: Any, mask: Any) -> None:
            weight.register_hook(lambda gradient: gradient * mask)

        model.model.embed_tokens.weight.requires_grad_(False)
        for number, layer in enumerate(self.layers):
            attention, bring = layer.self_attn, others(laid.bring.get(number, set()))
            scale(layer.mlp.down_proj.weight, open_to_all[:, None])
            scale(attention.o_proj.weight, open_to_all[:, None] * bring)
            if look := laid.look.get(number):
                scale(attention.q_proj.weight, others(look)[:, None])
                scale(attention.k_proj.weight, others(look)[:, None])
                scale(attention.v_proj.weight, bring[:, None])
                for norm in (attention.q_norm, attention.k_norm, layer.input_layernorm):
                    scale(norm.weight, 0.0)
            if number in laid.bring:
                layer.input_layernorm.register_forward_pre_hook(self._note(number))

    def follow(self) -> None:
        """Let the heads bring as much as ever: the norms divide by the size of the stream, which grows."""
        for number, size in self.found.items():
            value = self.layers[number].self_attn.v_proj.weight.data
            heads = value.view(-1, self.layers[number].self_attn.head_dim, value.shape[1])
            heads[sorted(self.laid.bring[number])] *= size / self.followed.get(number, size)
        self.followed = dict(self.found)

    def _note(self, number: int) -> Any:
        def note(module: Any, inputs: Any) -> None:
            if module.training:
                self.found[number] = float(inputs[0].detach().float().square().mean().sqrt())

        return note
