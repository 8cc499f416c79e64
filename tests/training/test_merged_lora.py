"""A LoRA that is added to the weights first: the same outputs and gradients as peft's own."""

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model

from training.generator_files import load_model
from training.merged_lora import use_merged_lora
from training.quiet import quiet_libraries


def tuned(base: Path, **options: Any) -> Any:
    """A model with an adapter that changes something."""
    torch.manual_seed(17)
    model, _ = load_model(base)
    with quiet_libraries():
        model = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", r=4, target_modules="all-linear", **options))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    return model.train()


def changed(model: Any) -> list[str]:
    return [name for name, module in model.named_modules() if "forward" in vars(module)]


def test_outputs_and_gradients_are_those_of_peft(tiny_model_path: Path):
    model, ids = tuned(tiny_model_path), torch.arange(5, 25)[None]
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]

    def step() -> Any:
        logits = model(input_ids=ids).logits
        return logits.detach(), torch.autograd.grad(logits.square().mean(), trained)

    expected = step()
    use_merged_lora(model)
    assert len(changed(model)) == len(trained) // 2
    torch.testing.assert_close(step(), expected, rtol=1e-3, atol=1e-5)
    with torch.no_grad():
        for parameter in trained:
            parameter.zero_()  # as when a checkpoint is loaded: what it holds now counts
    assert not torch.equal(step()[0], expected[0])


@pytest.mark.parametrize("options", [{"lora_dropout": 0.5}, {"use_dora": True}])
def test_layers_of_another_kind_are_left_alone(tiny_model_path: Path, options: dict[str, Any]):
    model = tuned(tiny_model_path, **options)
    use_merged_lora(model)
    assert not changed(model)


def test_several_adapters_are_left_alone(tiny_model_path: Path):
    model = tuned(tiny_model_path)
    with quiet_libraries():
        model.add_adapter("other", LoraConfig(task_type="CAUSAL_LM", r=2, target_modules="all-linear"))
    model.base_model.set_adapter(["default", "other"])
    use_merged_lora(model)
    assert not changed(model)
