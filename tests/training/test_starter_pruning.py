"""Pieces of a larger model as the layers of a small one."""

import pytest
import torch
from transformers import AutoTokenizer

from training.starter.paths import starter_path
from training.starter.pruning import importance, pruned, with_vocabulary


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(starter_path(), local_files_only=True)


@pytest.fixture
def model(tokenizer, tiny_starter):
    torch.manual_seed(2)
    return tiny_starter(tokenizer, layers=3)


IDS = torch.arange(300, 340)[None]


def silence(model, layer: int, group: int, neurons: list[int]) -> None:
    """Everything but a group of heads and some neurons of a layer."""
    with torch.no_grad():
        for number, one in enumerate(model.model.layers):
            heads = one.self_attn.o_proj.weight.view(32, 2, 16)
            for other in range(2):
                if (number, other) != (layer, group):
                    heads[:, other] = 0
            silent = [n for n in range(24) if number != layer or n not in neurons]
            one.mlp.down_proj.weight[:, silent] = 0


def test_what_is_left_out_is_all_that_is_missing(model):
    silence(model, 1, 1, [3, 20])
    matters = importance(model, [model(IDS, labels=IDS).loss])
    assert sorted(matters.nonzero().tolist()) == [[1, 3], [1, 20]]
    small = pruned(model, matters, pieces=[(1, 1)], neurons=2, context=64).eval()
    assert torch.allclose(small(IDS).logits, model.eval()(IDS).logits, atol=1e-6)
    assert small.config.max_position_embeddings == 64


def test_two_pieces_of_a_layer_share_its_neurons(model):
    matters = torch.rand(3, 24)
    small = pruned(model, matters, pieces=[(2, 0), (2, 1)], neurons=12, context=64)
    found = torch.cat([layer.mlp.gate_proj.weight for layer in small.model.layers])
    whole = model.model.layers[2].mlp.gate_proj.weight
    assert torch.equal(found.sort(0).values, whole.sort(0).values)
    best = matters[2].argsort(descending=True)[:12].sort().values
    assert torch.equal(small.model.layers[0].mlp.down_proj.weight, model.model.layers[2].mlp.down_proj.weight[:, best])


def test_importance_is_the_slope_of_the_loss_when_a_neuron_fades(model):
    gate = torch.ones(24, requires_grad=True)
    hook = model.model.layers[1].mlp.down_proj.register_forward_pre_hook(lambda module, inputs: (inputs[0] * gate,))
    model(IDS, labels=IDS).loss.backward()
    hook.remove()
    matters = importance(model, (model(IDS, labels=IDS).loss for _ in range(2)))
    assert torch.allclose(matters[1], 2 * gate.grad.abs(), rtol=1e-4, atol=1e-8)


def test_tokens_keep_their_embeddings_and_the_head_stays_tied(model, tokenizer):
    class Source:
        def get_vocab(self):
            return dict(zip(["\u0120the", "zzz", "\u0120a"], range(3), strict=True))

    source = model.model.embed_tokens.weight.detach().clone()
    reduced = with_vocabulary(model, Source(), tokenizer)
    found = reduced.model.embed_tokens.weight
    assert torch.equal(found[tokenizer.convert_tokens_to_ids("\u0120a")], source[2])
    assert torch.allclose(found[tokenizer.convert_tokens_to_ids("Q")], source.mean(0))
    assert reduced.lm_head.weight is found
