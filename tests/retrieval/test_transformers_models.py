"""Reading weights straight from the file, against the library's own way."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from retrieval import transformers_models as module
from retrieval.transformers_models import load_transformers_model


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., Path]:
    """Saves a tiny Llama, its weights changed first."""

    def save(change: Callable[[dict[str, Any]], None] = lambda weights: None, **fields: Any) -> Path:
        import torch
        from safetensors.torch import load_file, save_file
        from transformers import LlamaConfig, LlamaForCausalLM

        torch.manual_seed(3)
        sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
        config = LlamaConfig(vocab_size=50, eos_token_id=7, **sizes, **fields)
        LlamaForCausalLM(config).bfloat16().save_pretrained(tmp_path)
        weights = load_file(tmp_path / "model.safetensors")
        change(weights)
        save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
        return tmp_path

    return save


@pytest.mark.parametrize("tied", [True, False])
def test_a_model_is_what_the_library_reads(saved: Callable[..., Path], tied: bool, monkeypatch: Any) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    path = saved(tie_word_embeddings=tied)
    theirs = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32, local_files_only=True)
    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", lambda *_, **__: pytest.fail("not read directly"))
    ours = load_transformers_model(AutoModelForCausalLM, path, dtype=torch.float32)
    expected = theirs.state_dict()
    assert ours.state_dict().keys() == expected.keys()
    assert all(torch.equal(one, expected[name]) for name, one in ours.state_dict().items())
    assert (ours.lm_head.weight is ours.model.embed_tokens.weight) == tied
    assert ours.generation_config.eos_token_id == theirs.generation_config.eos_token_id == 7
    assert (ours.dtype, ours.config.dtype, ours.training) == (theirs.dtype, theirs.config.dtype, False)
    assert ours.config.name_or_path == theirs.config.name_or_path
    ids = torch.tensor([[1, 2, 3]])
    assert torch.equal(ours(input_ids=ids).logits, theirs(input_ids=ids).logits)


@pytest.mark.parametrize("change", ["missing", "renamed", "reshaped"])
def test_other_weights_are_left_to_the_library(saved: Callable[..., Path], change: str) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    def alter(weights: dict[str, Any]) -> None:
        norm = weights.pop("model.norm.weight")
        if change == "renamed":
            weights["model.other.weight"] = norm
        elif change == "reshaped":
            weights["model.norm.weight"] = norm[:8].clone()

    path = saved(alter)
    safely = {"trust_remote_code": False, "local_files_only": True}
    assert module._exact(AutoModelForCausalLM, path, torch.float32, None, safely) is None
