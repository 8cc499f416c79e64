"""A LoRA that is added to the weights before they are used, in training as in serving.

Two further products for each matrix cost a small model more time than adding what they stand for
to it. And what is rounded, is rounded as serving rounds it.
"""

from typing import Any


def use_merged_lora(model: Any) -> None:
    """Make the linear layers of a model with a LoRA compute with one matrix: W + s B A (Hu et al. 2021, eq. 3).

    The gradients of A and B come through that of the whole matrix, which is as large as the matrix:
    for small models. Layers of another kind (DoRA, dropout, quantised, several adapters) are left as they are.

    Args:
        model: of peft.
    """
    from peft.tuners.lora import Linear
    from torch import addmm
    from torch.nn import Identity
    from torch.nn.functional import linear

    def forward_of(layer: Any, adapter: str) -> Any:
        base, down, up, scaling = layer.base_layer, layer.lora_A, layer.lora_B, layer.scaling

        def forward(x: Any) -> Any:
            weight = addmm(base.weight, up[adapter].weight, down[adapter].weight, alpha=scaling[adapter])
            return linear(x, weight, base.bias)

        return forward

    for layer in model.modules():
        if type(layer) is not Linear or layer.fan_in_fan_out or layer.lora_variant:
            continue
        match layer.active_adapters:
            case [adapter] if isinstance(layer.lora_dropout[adapter], Identity):
                layer.forward = forward_of(layer, adapter)
