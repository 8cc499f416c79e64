"""How an engine chooses the next token, and how engines are made."""

import pytest
import torch
from transformers import TemperatureLogitsWarper

from training.generator import engine
from training.generator.engine import TemperatureOrGreedy, make_engines
from training.generator.files import load_model


def chosen(scores: torch.Tensor, temperatures: list[float]) -> torch.Tensor:
    stored = torch.tensor(temperatures).view(torch.int32)
    return TemperatureOrGreedy(TemperatureLogitsWarper(0.5))(scores, stored).argmax(-1)


def test_a_temperature_samples_the_softmax_and_zero_takes_the_likeliest():
    torch.manual_seed(5)
    row = torch.tensor([2.0, 1.0, 0.0, -3.0])
    tokens = chosen(row.repeat(20_000, 1), [2.0, 0.0] * 10_000)
    shares = tokens[::2].bincount(minlength=4) / 10_000
    torch.testing.assert_close(shares, (row / 2).softmax(0), atol=0.02, rtol=0)
    assert not tokens[1::2].any()


def test_draws_nothing_where_nobody_samples():
    state = torch.get_rng_state()
    assert chosen(torch.tensor([[0.0, 7.0], [3.0, 3.0]]), [0.0, 0.0]).tolist() == [1, 0], "ties to the lowest id"
    assert torch.equal(torch.get_rng_state(), state)


def test_where_one_engine_cannot_be_made_none_is_left(tiny_model_path, monkeypatch):
    made = []

    class Second(engine.Engine):
        def __init__(self, *arguments, **options):
            if made:
                raise MemoryError("no room for a second cache")
            super().__init__(*arguments, **options)
            made.append(self)

    monkeypatch.setattr(engine, "Engine", Second)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    model, _ = load_model(tiny_model_path)
    bounds = {"cache_tokens": 256, "max_batch_tokens": 64, "max_requests": 2}
    with pytest.raises(MemoryError):
        make_engines(model.eval(), deliver=print, died=print, eos_token_ids=[2], **bounds)
    assert len(made) == 1
    assert not made[0].running


def test_the_engines_of_a_model_share_its_weights(tiny_model_path, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    model, _ = load_model(tiny_model_path)
    bounds = {"cache_tokens": 256, "max_batch_tokens": 64, "max_requests": 2}
    engines = make_engines(model.eval(), deliver=print, died=print, eos_token_ids=[2], **bounds)
    try:
        first, second = (one._manager.model for one in engines)
        assert first is not second
        assert first.config is not second.config
        pointers = [[tensor.data_ptr() for tensor in one.parameters()] for one in (first, second)]
        assert pointers[0] == pointers[1]
    finally:
        for one in engines:
            one.stop()


def test_a_single_request_gets_all_cores_and_no_second_engine(tiny_model_path, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    model, _ = load_model(tiny_model_path)
    bounds = {"cache_tokens": 256, "max_batch_tokens": 64, "max_requests": 1}
    (alone,) = make_engines(model.eval(), deliver=print, died=print, eos_token_ids=[2], **bounds)
    try:
        assert not alone.one_core
        assert alone._manager.model is model
    finally:
        alone.stop()
