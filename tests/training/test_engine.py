"""How the engine chooses the next token."""

import torch
from transformers import TemperatureLogitsWarper

from training.engine import TemperatureOrGreedy


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
