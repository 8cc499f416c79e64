from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from training.starter.averaging import average


def saved(directory: Path, **tensors: torch.Tensor) -> Path:
    directory.mkdir()
    save_file({name: one.to(torch.bfloat16) for name, one in tensors.items()}, directory / "model.safetensors")
    return directory


def test_the_weights_between_two_models(tmp_path: Path):
    model = saved(tmp_path / "a", w=torch.tensor([1.0, 2.0]), b=torch.tensor([0.0]))
    other = saved(tmp_path / "b", w=torch.tensor([3.0, 2.0]), b=torch.tensor([4.0]))
    average(model, other, 0.25)
    mixed = load_file(model / "model.safetensors")
    assert mixed["w"].tolist() == [1.5, 2.0]
    assert mixed["b"].tolist() == [1.0]
    assert mixed["w"].dtype == torch.bfloat16
    assert load_file(other / "model.safetensors")["b"].tolist() == [4.0]


def test_models_of_other_shapes_are_refused(tmp_path: Path):
    model, other = saved(tmp_path / "a", w=torch.zeros(2)), saved(tmp_path / "b", w=torch.zeros(3))
    with pytest.raises(ValueError, match="expected the same"):
        average(model, other, 0.5)
    assert load_file(model / "model.safetensors")["w"].tolist() == [0.0, 0.0]
